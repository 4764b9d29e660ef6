"""Judges whether a command on hostile files ended correctly."""

import json
import re
from pathlib import Path

from drills.case import Case
from drills.children import Ended

REFUSED = (1, 2)
LONGEST = 1000  # characters of a line that a person reads
_BAR = re.compile(r"\d+(/\d+)? ?\w* ?\[\d+:\d\d|\d+%\|")  # tqdm's
_USAGE = re.compile(r"usage: |\s")  # argparse's lines before its error
_FINDINGS = re.compile(r"^error: ", re.MULTILINE)
_DIFFERENT = re.compile(r"^\d+ weights differ", re.MULTILINE)  # no failure: this is the result
_PARTIAL = re.compile(r"\..*|.*\.(part|tmp)|code_ran")


def problem(case: Case, ended: Ended) -> str | None:
    """Return the failure of a case as text; None if the case ended correctly.

    A correct exit code is 0, or 1 or 2 with one line on stderr that names a file of the case.
    Findings of a check on stdout may replace this line.
    """
    if ended.beyond:
        return ended.beyond
    if case.sentinel.exists():
        return "the file ran code"
    if ended.code < 0:
        return f"ended by signal {-ended.code}"
    if "Traceback" in ended.out + ended.err:
        return "a traceback"
    if ended.code not in (0, *REFUSED):
        return f"exit code {ended.code}"
    if ended.code == 0 and case.must_refuse:
        return "accepted a file that must be refused"
    if ended.code and case.must_take:
        return "refused intact files"
    if ended.code in REFUSED:
        wrong = _line_problem(case, ended)
        if wrong:
            return wrong
    return _output_problem(case.folder)


def _line_problem(case: Case, ended: Ended) -> str | None:
    lines = spoken(ended.err)
    if not lines and _DIFFERENT.search(ended.out):
        return None
    if not lines and _FINDINGS.search(ended.out):
        return None if str(case.folder.parent) in ended.out else "findings that name no file"
    if ended.code == 2:
        lines = [line for line in lines if not _USAGE.match(line)]
    if len(lines) != 1:
        return f"{len(lines)} lines on stderr"
    if len(lines[0]) > LONGEST:
        return f"a line of {len(lines[0])} characters"
    if "error: " not in lines[0]:
        return "no error line"
    return None if str(case.folder.parent) in lines[0] else "a line that names no file"


def spoken(err: str) -> list[str]:
    """Return the final lines of stderr without progress bars."""
    lines = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in err.split("\n")]
    return [line for line in lines if line.strip() and not _BAR.search(line)]


def _output_problem(folder: Path) -> str | None:
    """Return the problem of a bad output: a partial file, an empty file or invalid JSON."""
    output = folder / "out"
    for path in sorted(output.rglob("*")) if output.is_dir() else ():
        if _PARTIAL.fullmatch(path.name):
            return f"left {path.name}"
        if path.is_file() and not path.stat().st_size:
            return f"{path.name} is empty"
        if path.suffix == ".json":
            try:
                json.loads(path.read_text(), parse_constant=_refuse)
            except ValueError as error:
                return f"{path.name} is no JSON: {error}"
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is a number of Python's")
