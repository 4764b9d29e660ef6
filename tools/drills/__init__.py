"""Runs our tools on damaged and hostile files. There is one module per kind of file."""
