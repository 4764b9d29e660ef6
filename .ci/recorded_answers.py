"""The core, as pip installed it: AVA's recorded answers, and a check of AVA's annotations.

.venv-core/bin/python .ci/recorded_answers.py ../shared/reference
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

NOT_OF_THE_CORE = ("torch", "av", "cv2", "scipy", "detectron2", "tqdm")
CLASSES = "ava_action_list_v2.2_for_activitynet_2019.pbtxt"
# Scores of three decimals tie, and the order of ties is free.
TOLERANCE = {"real_yowov3": 2e-3}


def main(reference: Path) -> None:
    """Evaluate all cases and check the rows of AVA; the first failure ends it."""
    there = [name for name in NOT_OF_THE_CORE if importlib.util.find_spec(name)]
    assert not there, f"not the core alone: {there}"
    program = Path(sys.executable).with_name("ava-det")
    cases = sorted(path for path in (reference / "ava_eval").iterdir() if path.is_dir())
    assert cases, f"{reference}: no cases"
    for case in cases:
        expected = json.loads((case / "expected.json").read_text())
        with tempfile.TemporaryDirectory() as folder:
            figures = Path(folder, "figures.json")
            command = [program, "evaluate", case / "det.csv", "--ground-truth", case / "gt.csv"]
            command += ["--class-map", reference / "ava_annotations" / CLASSES]
            command += ["--protocol", expected["protocol"], "--json", figures]
            if (case / "excluded.csv").exists():
                command += ["--exclude", case / "excluded.csv"]
            # Elsewhere than in the checkout, so that what is installed runs.
            subprocess.run(
                list(map(str, command)), check=True, cwd=folder, stdout=subprocess.DEVNULL
            )
            found = json.loads(figures.read_text())["mAP"]
        print(f"{case.name}: frame-mAP {found:.6f}, recorded {expected['mAP']:.6f}")
        assert abs(found - expected["mAP"]) <= TOLERANCE.get(case.name, 1e-9), case.name
    rows = reference / "ava_annotations" / "ava_val_v2.1.csv.gz"
    classes = rows.with_name("ava_action_list_v2.2.pbtxt")
    command = [program, "check", "--annotations", rows, "--class-map", classes]
    subprocess.run(list(map(str, command)), check=True, cwd=tempfile.gettempdir())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
