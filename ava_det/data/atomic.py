"""Files that appear whole or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def atomic_path(path: Path) -> Generator[Path]:
    """A place beside `path` to write to; it becomes `path` when the block ends without an error.

    The suffix stays, since many libraries choose a format by it. Of several that write the same
    file at once the last one wins.
    """
    partial = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
