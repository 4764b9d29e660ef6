"""What a drill tries: a command on files that something is wrong with."""

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
        name: kind of file, seed and number, which make the same case again.
        mutation: what was done to the files.
        folder: where they and the outputs lie, beside the whole files; an error line names a file
            of either.
        command: a tool's path below the root, then the arguments.
        must_refuse: whether reading the file is wrong in itself: it would run code, or read
            another file.
        must_take: whether nothing is wrong with the files: where these are refused, the drill tries
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
        """A file that exists only if the case ran code of its own."""
        return self.folder / "code_ran"


@dataclass
class Draft:
    """A case in the making, which a mutation fills.

    Attributes:
        rng: all that is random about it.
        base: the folder of whole files that mutations start from.
        folder: where the case's files go; empty.
        must_refuse: as in `Case`.
        must_take: as in `Case`.
    """

    rng: random.Random
    base: Path
    folder: Path
    must_refuse: bool = False
    must_take: bool = False

    def whole(self, *names: str) -> bytes:
        """The bytes of one of the whole files."""
        return (self.base / self.rng.choice(names)).read_bytes()

    def write(self, name: str, data: bytes | str) -> Path:
        """A file of the case."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
        return path


Mutation = Callable[[Draft], tuple[str, ...]]  # writes the files, returns the command


@dataclass(frozen=True)
class Kind:
    """A kind of file that is drilled.

    Attributes:
        count: how many cases are a whole drill.
        prepare: writes the whole files into a folder.
        mutations: what is done to them, by name.
    """

    count: int
    prepare: Callable[[Path], None]
    mutations: Mapping[str, Mutation]

    def case(self, kind: str, seed: int, number: int, base: Path, scratch: Path) -> Case:
        """Make a case anew: equal arguments give equal files. Mutations take turns."""
        name = f"{kind}-{seed}-{number}"
        folder = scratch / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        mutation = list(self.mutations)[number % len(self.mutations)]
        draft = Draft(random.Random(name), base, folder)
        command = self.mutations[mutation](draft)
        return Case(name, mutation, folder, command, draft.must_refuse, draft.must_take)
