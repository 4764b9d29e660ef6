"""Backends that run the detection models."""
