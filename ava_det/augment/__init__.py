"""Augmentations and mixes of clips, applied before the model."""
