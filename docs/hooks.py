"""Hooks of mkdocs: pages from files of other folders, help of the commands, doctests as code.

A page links to a file as the repository has it (`../datasets/README.md`). On the site the link
leads to the page that shows the file. A link to the module of a command leads to the help.
"""

import os
import posixpath
import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from griffe import Extension
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
# From a file of the repository to its page on the site.
SHOWN = {
    "datasets/README.md": "datasets.md",
    "ava_det/weights/files/README.md": "shipped_weights.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "CITATION.cff": "citation.md",
    "README.md": "index.md",
}
SOURCES = {page: source for source, page in SHOWN.items() if source != "README.md"}
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|<)([^)#\s]+)")
COMMAND = re.compile(r"ava_det/commands/(\w+)\.py")
COLUMNS = 80  # of the help, as wide as a page of the site
DOCTEST = re.compile(r"^( *)>>> .*(?:\n\1\S.*)*", re.MULTILINE)
CLI_HEAD = """# Commands

`ava-det NAME` runs a command, from any folder. In a checkout the scripts in `tools/` run the same
commands: `python tools/detect.py`. This page is made from the `--help` of each command.
"""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that do not lie in `docs/`."""
    for page, source in SOURCES.items():
        text = (ROOT / source).read_text()
        if source.endswith(".cff"):
            text = f"# Citation\n\nCite this file, `{source}`:\n\n```yaml\n{text}```\n"
        files.append(File.generated(config, page, content=text))
    files.append(File.generated(config, "cli.md", content=commands()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to files outside `docs/` to the pages that show them."""
    name = page.file.src_uri
    folder = posixpath.dirname(SOURCES.get(name, f"docs/{name}"))

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        target = SHOWN.get(target, COMMAND.sub(r"cli.md#\1", target).removeprefix("docs/"))
        return posixpath.relpath(target, posixpath.dirname(name) or ".")

    return LINK.sub(moved, markdown)


def commands() -> str:
    """The page of all commands."""
    from ava_det.commands import COMMANDS

    os.environ["COLUMNS"] = str(COLUMNS)
    parts = [CLI_HEAD]
    for name, what in COMMANDS.items():
        parser = import_module(f"ava_det.commands.{name}").parser()
        parser.prog = f"ava-det {name}"
        parts.append(f"## {name}\n\n{what[0].upper()}{what[1:]}.\n\n{_help(parser)}")
        for word, below in _subcommands(parser):
            parts.append(f"### {name} {word}\n\n{_help(below)}")
    return "\n\n".join(parts) + "\n"


def _help(parser: ArgumentParser) -> str:
    return f"```text\n{parser.format_help()}```"


def _subcommands(parser: ArgumentParser) -> Iterator[tuple[str, ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for word, below in action.choices.items():
                below.prog = f"{parser.prog} {word}"
                yield word, below


class Doctests(Extension):
    """Shows the doctests of a docstring as code; Markdown takes `>>>` for a quotation."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Put a fence around each doctest."""
        if obj.docstring:
            text = DOCTEST.sub(r"\1```pycon\n\g<0>\n\1```", obj.docstring.value)
            obj.docstring.value = text
