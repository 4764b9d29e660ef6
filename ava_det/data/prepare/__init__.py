"""From what is published to files that train: lists, cuts, downloads, many at once."""
