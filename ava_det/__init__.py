"""Spatio-temporal action detection: who does what, where and when in a video."""
