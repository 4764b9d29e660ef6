"""What runs the models of detection."""
