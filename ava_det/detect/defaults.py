"""The defaults of detection, from Python and from the command line. This module imports no library.

The weights are where `make demo` leaves them.
"""

from pathlib import Path

RATE = 5.0  # keyframes per second
SCORE_THRESHOLD = 0.3  # the lowest action score that is reported
TOP_K = 3  # the most actions per person
PERSON_THRESHOLD = 0.5  # the lowest person score that starts a track
DEMO = Path("runs/demo")
ACTION_WEIGHTS, PERSON_WEIGHTS = "action.safetensors", "persons.safetensors"
