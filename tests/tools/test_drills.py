"""The drills: few cases of each kind pass, and whatever ends wrongly is seen."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from drills import annotations, verdict, videos, weights  # noqa: E402
from drills.case import Case  # noqa: E402
from drills.children import Limits, run_all  # noqa: E402

KINDS = {"videos": videos.KIND, "weights": weights.KIND, "annotations": annotations.KIND}
RIGHT = {
    "done": "print('done')",
    "refused": "import sys; sys.exit(f'error: {sys.argv[1]}: is bad')",
    "refused after a bar": (
        "import sys, tqdm\nfor _ in tqdm.tqdm(range(3)): pass\n"
        "sys.exit(f'error: {sys.argv[1]}: is bad')"
    ),
    "usage": (
        "import argparse, sys\nparser = argparse.ArgumentParser()\nparser.add_argument('x')\n"
        "parser.parse_args(); parser.error(f'{sys.argv[1]}: is bad')"
    ),
    "differences": "import sys; print('1 weights differ'); sys.exit(1)",
    "findings": "import sys; print(f'error: {sys.argv[1]}: a row (1)'); sys.exit(1)",
}
WRONG = {
    "traceback": ("raise ValueError('x')", "a traceback"),
    "no file": ("import sys; sys.exit('error: it is bad')", "a line that names no file"),
    "silent": ("import sys; sys.exit(1)", "0 lines on stderr"),
    "two lines": ("import sys; sys.exit(f'careful\\nerror: {sys.argv[1]}')", "2 lines on stderr"),
    "a flood": ("import sys; sys.exit(f'error: {sys.argv[1]}' + 2000 * 'x')", "a line of "),
    "signal": ("import os; os.kill(os.getpid(), 11)", "ended by signal 11"),
    "hang": ("import time; time.sleep(60)", "more than 3 s"),
    "hang of a child": (
        "import subprocess\nsubprocess.run(['sleep', '60'])",
        "more than 3 s",
    ),
    "code ran": ("open('code_ran', 'w')", "the file ran code"),
    "partial file": ("open('out/boxes.csv.part', 'w').write('x')", "left boxes.csv.part"),
    "hidden file": ("open('out/.5.x.json', 'w').write('1')", "left .5.x.json"),
    "no JSON": ("open('out/x.json', 'w').write('[NaN]')", "x.json is no JSON"),
}


def own_peak() -> int:
    """Megabytes of this process, which a fork of it begins with."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.fixture
def run(tmp_path):
    """What is wrong with how a script ends, by the verdict; None for nothing."""

    def call(source: str, seconds: float = 3, **more: bool) -> str | None:
        folder = tmp_path / "case-0-1"
        (folder / "out").mkdir(parents=True)
        script = tmp_path / "script.py"
        script.write_text(source)
        case = Case("case", "none", folder, (str(script), str(folder / "in.csv")), **more)
        limits = Limits(seconds, megabytes=own_peak() + 200)
        ((_, ended),) = run_all(iter([case]), limits, jobs=1)
        return verdict.problem(case, ended)

    return call


@pytest.mark.holds("13 shows: drills")
@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_what_ends_as_it_should_is_no_failure(run, source):
    assert run(source) is None


@pytest.mark.slow
@pytest.mark.holds("13 shows: drills")
@pytest.mark.parametrize(("source", "words"), WRONG.values(), ids=WRONG)
def test_what_ends_wrongly_is_a_failure(run, source, words):
    assert words in (run(source) or "nothing")


@pytest.mark.holds("13 shows: drills")
def test_too_much_memory_is_a_failure(run):
    source = f"x = b'x' * ({own_peak() + 400} << 20); import time; time.sleep(60)"
    assert "MB" in (run(source, seconds=50) or "nothing")


@pytest.mark.holds("13 shows: drills")
def test_what_must_be_refused_is_not_to_be_taken(run):
    assert run(RIGHT["done"], must_refuse=True) == "accepted a file that must be refused"


@pytest.mark.holds("13 shows: drills")
def test_whole_files_are_to_be_taken(run):
    assert run(RIGHT["refused"], must_take=True) == "refused intact files"


@pytest.mark.parametrize("name", KINDS)
def test_a_seed_and_a_number_make_the_same_files(name, tmp_path):
    kind, made = KINDS[name], []
    base = tmp_path / f"whole_{name}"
    base.mkdir()
    kind.prepare(base)
    numbers = range(1, 6)
    for _ in range(2):
        cases = [kind.case(name, 7, number, base, tmp_path) for number in numbers]
        contents = [
            (path.relative_to(tmp_path), path.read_bytes())
            for case in cases
            for path in sorted(case.folder.rglob("*"))
            if path.is_file()
        ]
        made.append(([case.command for case in cases], contents))
    assert made[0] == made[1]


def drill(tmp_path: Path, environment: dict[str, str], count: int, seed: int) -> None:
    table = tmp_path / "counts.json"
    tool = [sys.executable, ROOT / "tools" / "drill.py", "all", "--json", table]
    more = ["--count", str(count), "--seed", str(seed), "--jobs", "2"]
    ran = subprocess.run(
        [*tool, *more], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=500
    )
    counts = json.loads(table.read_text())
    failures = [failure for kind in counts.values() for failure in kind["failures"]]
    assert failures == []
    assert ran.returncode == 0, ran.stderr
    assert [kind["cases"] for kind in counts.values()] == [count] * 3
    for kind in counts.values():
        assert kind["exit 0"] + kind["refused"] == count
        assert kind["exit 0"] > 0  # what is whole is taken, so that the commands are right


@pytest.mark.slow
@pytest.mark.holds("13 shows: drills")
def test_hostile_files_of_every_kind_end_as_they_should(tmp_path, environment):
    drill(tmp_path, environment, count=30, seed=0)
