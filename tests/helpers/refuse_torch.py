"""Makes this process one in which torch is not installed: imported first, by a test's process."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder

REFUSED = {"torch", "torchvision", "detectron2"}


class Refusing(MetaPathFinder):
    """Finds none of the refused packages, before anything else can find them."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: object = None) -> None:
        if fullname.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


sys.meta_path.insert(0, Refusing())
