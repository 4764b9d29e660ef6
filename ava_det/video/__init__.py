"""Frames of video files and folders of pictures, by time: reading, indexing, sampling, writing."""
