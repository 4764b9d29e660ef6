"""Prepare published data sets for training: read lists, cut and download videos, in parallel."""
