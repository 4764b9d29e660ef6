"""Weight files of other codebases, one file each."""
