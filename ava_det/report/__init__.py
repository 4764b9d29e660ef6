"""Pages about results: one self-contained HTML file each."""
