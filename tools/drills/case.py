"""The cases of a drill: commands on damaged or hostile files."""

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]  # of the checkout
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Case:
    """A command on hostile files.

    Attributes:
        name: Kind of file, seed and number. They reproduce the case.
        mutation: The name of the damage to the files.
        folder: The folder of the damaged files and the outputs, beside the folder of intact files.
            An error line names a file of one of these folders.
        command: A tool's path below the root, then the arguments.
        must_refuse: Whether to accept the file is a failure: it would run code, or read another
            file.
        must_take: Whether the files are intact. If the command refuses them, the drill tests
            nothing.
    """

    name: str
    mutation: str
    folder: Path
    command: tuple[str, ...]
    must_refuse: bool = False
    must_take: bool = False

    @property
    def sentinel(self) -> Path:
        """Return the path of a file that exists only if the hostile file has run code."""
        return self.folder / "code_ran"


@dataclass
class Draft:
    """An unfinished case that a mutation fills.

    Attributes:
        rng: The random generator for all choices.
        base: The folder of the intact files.
        folder: The folder for the files of the case; empty at first.
        must_refuse: See `Case`.
        must_take: See `Case`.
    """

    rng: random.Random
    base: Path
    folder: Path
    must_refuse: bool = False
    must_take: bool = False

    def whole(self, *names: str) -> bytes:
        """Return the bytes of one of the intact files."""
        return (self.base / self.rng.choice(names)).read_bytes()

    def write(self, name: str, data: bytes | str) -> Path:
        """Write a file of the case and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        return path


Mutation = Callable[[Draft], tuple[str, ...]]  # writes the files, returns the command


@dataclass(frozen=True)
class Kind:
    """A kind of file to drill.

    Attributes:
        count: The number of cases of a full drill.
        prepare: Writes the intact files into a folder.
        mutations: The mutations of the files, by name.
    """

    count: int
    prepare: Callable[[Path], None]
    mutations: Mapping[str, Mutation]

    def case(self, kind: str, seed: int, number: int, base: Path, scratch: Path) -> Case:
        """Make a case. Equal arguments give equal files. The mutations take turns."""
        name = f"{kind}-{seed}-{number}"
        folder = scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        mutation = list(self.mutations)[number % len(self.mutations)]
        draft = Draft(random.Random(name), base, folder)
        command = self.mutations[mutation](draft)
        return Case(name, mutation, folder, command, draft.must_refuse, draft.must_take)
