"""How well one quantity predicts another."""
