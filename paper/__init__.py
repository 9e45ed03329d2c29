"""The paper: every figure, table and number is computed from the CSV files of one results folder."""
