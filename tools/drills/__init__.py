"""Damaged and hostile files against our tools: one module a kind of file."""
