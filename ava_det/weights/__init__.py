"""Reads, writes and loads weight files, with one module per format."""
