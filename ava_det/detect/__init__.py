"""Detects the people in a video and their actions: who does what, where and when."""
