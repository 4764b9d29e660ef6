"""From a video to who does what, where and when."""
