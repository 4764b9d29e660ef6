"""detectron2's trainer at work on clips."""
