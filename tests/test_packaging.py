"""What pip installs: extras have what the code imports, and every version is pinned for CI."""

import ast
import itertools
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ava_det import cli, extras
from ava_det.commands import COMMANDS, EXTRAS, run

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DETECTRON2 = "detectron2"  # is not on PyPI


def name_of(requirement: str) -> str:
    return re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-")


def declared(extra: str) -> set[str]:
    return {name_of(text) for text in PROJECT["optional-dependencies"][extra]} - {"ava-det"}


def imported() -> set[str]:
    """The top modules of others that the package and its configs import anywhere."""
    found = set()
    for folder in ("ava_det", "configs"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    found |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                    found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"ava_det"}


def test_an_extra_brings_every_module_that_is_imported():
    brought = {module for modules in extras.EXTRAS.values() for module in modules}
    assert imported() - brought == {name_of(text) for text in PROJECT["dependencies"]}


@pytest.mark.parametrize("extra", extras.EXTRAS)
def test_the_modules_of_an_extra_are_those_of_its_packages(extra):
    distributions = packages_distributions()
    modules = [module for module in extras.EXTRAS[extra] if module != DETECTRON2]
    assert {name_of(distributions[module][0]) for module in modules} == declared(extra)


def test_an_extra_has_the_one_before_it():
    names = list(extras.EXTRAS)
    assert names == ["video", "detect", "train"]
    for smaller, larger in itertools.pairwise(names):
        assert f"ava_det[{smaller}]" in PROJECT["optional-dependencies"][larger]
    assert set(EXTRAS) <= set(COMMANDS)


def test_every_requirement_is_pinned():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [name_of(line) for line in lines if line and line[0] != "#"]
    assert all("==" in line for line in lines if line and line[0] != "#")
    asked = {name_of(text) for text in PROJECT["dependencies"]}
    asked |= {name for extra in PROJECT["optional-dependencies"] for name in declared(extra)}
    assert sorted(pinned) == sorted(asked)


def test_the_configs_are_part_of_the_package():
    inside = {path.relative_to(ROOT / "configs") for path in (ROOT / "configs").rglob("*.py")}
    link = ROOT / "ava_det" / "configs"
    assert inside == {path.relative_to(link.resolve()) for path in link.resolve().rglob("*.py")}
    assert len(inside) > 30


@pytest.mark.parametrize(
    ("module", "needed", "answer"),
    [
        ("av", "", 'av is not installed: pip install "ava_det[video]"'),
        ("av", "detect", 'av is not installed: pip install "ava_det[detect]"'),
        ("torch", "detect", 'torch is not installed: pip install "ava_det[train]"'),
        (
            "detectron2.data",
            "video",
            'detectron2 is not installed: pip install "ava_det[train]", '
            "then add detectron2 as docs/install.md says",
        ),
    ],
)
def test_a_module_of_an_extra_is_answered_with_the_extra(
    monkeypatch, capsys, module, needed, answer
):
    monkeypatch.setitem(sys.modules, module, None)

    def main(_):
        __import__(module)

    with pytest.raises(SystemExit) as ended:
        cli.run(cli.Parser(prog="tool"), main, [], needed)
    assert (ended.value.code, capsys.readouterr().err) == (1, f"error: {answer}\n")


@pytest.mark.parametrize(
    ("command", "module", "extra"),
    [("detect", "av", "train"), ("detect", "torch", "train"), ("check", "av", "video")],
)
def test_a_command_names_the_one_extra_that_it_needs(monkeypatch, capsys, command, module, extra):
    def main(_):
        __import__(module)

    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(f"ava_det.commands.{command}.main", main)
    words = {"detect": ["film.mp4", "--output", "o"], "check": ["--annotations", "rows.csv"]}
    with pytest.raises(SystemExit):
        run(command, words[command])
    answer = f'error: {module} is not installed: pip install "ava_det[{extra}]"\n'
    assert capsys.readouterr().err == answer


def test_a_module_of_no_extra_is_an_error_as_any_other(monkeypatch, capsys):
    def main(_):
        __import__("a_module_that_nobody_has")

    with pytest.raises(SystemExit):
        cli.run(cli.Parser(prog="tool"), main, [], "train")
    err = capsys.readouterr().err
    assert err == "error: ModuleNotFoundError: No module named 'a_module_that_nobody_has'\n"


@pytest.mark.parametrize("words", [["demo"], ["ablate", "--grid", "x.py", "--output", "o"]])
def test_what_needs_a_checkout_asks_for_one(monkeypatch, capsys, tmp_path, words):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    with pytest.raises(SystemExit):
        run(words[0], words[1:])
    err = capsys.readouterr().err
    assert err.startswith(f"error: ava-det {words[0]} runs scripts of a checkout")
    assert err.count("\n") == 1
