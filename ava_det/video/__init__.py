"""Reads, indexes, samples and writes the frames of video files and folders of pictures, by time."""
