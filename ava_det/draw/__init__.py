"""Draws frames, contact sheets and curves."""
