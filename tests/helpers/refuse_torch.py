"""Hide torch from this process, as if it were not installed; a test process imports this first."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder

REFUSED = {"torch", "torchvision", "detectron2"}


class Refusing(MetaPathFinder):
    """An import finder that comes first and refuses to find some packages."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> None:
        if fullname.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, Refusing())
