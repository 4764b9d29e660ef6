"""Files in and out: annotations, class maps, proposals. No torch."""
