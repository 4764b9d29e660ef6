"""The subcommands of tools/benchmark.py, a module each.

A module has `HELP`, `add_arguments`, which says what its command line takes, and `run`, which
measures and prints.
"""
