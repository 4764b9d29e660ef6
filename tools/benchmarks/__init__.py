"""The subcommands of tools/benchmark.py, one module each.

A module has `HELP`, `add_arguments`, which adds the command-line arguments, and `run`, which
measures and prints.
"""
