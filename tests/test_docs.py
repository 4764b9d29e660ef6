"""The documents: links lead somewhere, files that a page names exist, the tutorial works."""

import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ava_det.formats.ava_csv import read_ground_truth
from ava_det.formats.class_map import read_class_map

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("ava_det/weights/files/*.md")]
    + [ROOT / "datasets" / "README.md"]
)
EXAMPLE = ROOT / "docs" / "examples" / "own_data"
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as mkdocs makes them."""
    titles = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()) for title in titles)
    return {re.sub(r"[ -]+", "-", title.strip()) for title in plain}


@every_page
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(path), f"{page.name}: {link}"


@every_page
def test_named_files_exist(page):
    """Paths of the repository, written out in code; results name files of old commits."""
    if page.name in ("results.md", "CHANGELOG.md"):
        pytest.skip("a record of the past")
    named = re.findall(r"`((?:ava_det|configs|tools|tests|docs)/[\w/.]+)`", page.read_text())
    missing = [name for name in named if "NAME" not in name and not (ROOT / name).exists()]
    assert not missing


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_the_example_is_small():
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < 300_000


def test_the_tutorial_converts_and_checks_the_example(tmp_path, monkeypatch, capsys):
    """The first commands of docs/tutorial.md, word by word, and the lines that it shows."""
    shutil.copytree(EXAMPLE, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "tutorial.md").read_text().replace("\\\n", " ")
    commands = re.findall(r"^ava-det ((?:convert|check) .+)$", text, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        monkeypatch.setattr(sys, "argv", ["ava-det", *shlex.split(command)])
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("ava_det", run_name="__main__")
        out, err = capsys.readouterr()
        assert ended.value.code == 0, err
        assert out.splitlines()[0] in text or command.startswith("check --dataset mine/test")
    train, test = (read_ground_truth(f"mine/{part}/annotations.csv") for part in ("train", "test"))
    assert set(train["video"]) == {"monday", "tuesday"}
    assert set(test["video"]) == {"wednesday"}
    assert set(train["action"]) >= set(test["action"])
    assert list(read_class_map("mine/train/classes.pbtxt").names.values()) == [
        *("freeze", "walk", "wave")
    ]


def test_the_commands_page_has_every_option():
    """The site's page of commands, made by docs/hooks.py, which needs mkdocs."""
    pytest.importorskip("mkdocs")
    hooks = runpy.run_path(str(ROOT / "docs" / "hooks.py"))
    page = hooks["commands"]()
    for words in ("## detect", "--ground-truth-boxes", "### weights run", "ava-det weights run"):
        assert words in page


def test_a_link_to_a_command_leads_to_the_commands_page():
    pytest.importorskip("mkdocs")
    hooks = runpy.run_path(str(ROOT / "docs" / "hooks.py"))
    page = SimpleNamespace(file=SimpleNamespace(src_uri="evaluation.md"))
    text = "[all](../ava_det/commands/evaluate.py), [sets](../datasets/README.md#ava)"
    moved = hooks["on_page_markdown"](text, page)
    assert moved == "[all](cli.md#evaluate), [sets](datasets.md#ava)"
