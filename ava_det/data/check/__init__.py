"""What is wrong with a data set: its rows, its videos, its frames."""
