"""What users see: progress, TensorBoard, figures, tables, the paper's CSV files."""
