"""Find errors in the rows, the videos and the frames of a data set."""
