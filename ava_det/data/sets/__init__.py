"""The data sets, one file each, and their names."""
