"""Tables in, numbers out. No torch."""
