"""What people see: progress, TensorBoard, figures, tables, the CSV files of the paper."""
