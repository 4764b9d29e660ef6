"""Takes tables and returns numbers. Importing this package does not load torch."""
