"""What happens to clips before the model."""
