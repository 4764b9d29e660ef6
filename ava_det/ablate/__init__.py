"""Grids of runs: their commands, rows, tables and paired tests."""
