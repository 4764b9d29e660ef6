"""The one place that draws: frames, plots, pages."""
