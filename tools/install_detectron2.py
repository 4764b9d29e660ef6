"""Install detectron2's Python code into the current environment, unless it is installed already.

detectron2 is not on PyPI under its own name. `sal-detectron2` is a wheel of upstream's Python code.
The wheel is tagged for CPython 3.10 because of one compiled file, which this project does not use
and this script removes. A build of upstream works as well: install it first, or run `make setup
DETECTRON2=<path or git URL>`.
"""

import importlib.util
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

WHEEL = "sal-detectron2==0.7.2"
SHA256 = "491af0c7f79bdb2d178e46f6cb16a97c4ac968d45c41ea3f6b6435d59bbee561"


def install_wheel(site_packages: Path) -> None:
    """Unpack the pinned wheel, checked by hash, into `site_packages` without the compiled file."""
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "detectron2.txt"
        requirement.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
        pip = f"-m pip install -qq --no-deps --only-binary=:all: --require-hashes -r {requirement}"
        foreign = "--python-version 3.10 --implementation cp --abi none --platform any --target"
        command = [sys.executable, *pip.split(), *foreign.split(), str(site_packages)]
        subprocess.run(command, check=True)
    for compiled in (site_packages / "detectron2").glob("_C*.so"):
        compiled.unlink()


def main(source: str = "") -> None:
    """Install from `source` (a path or git URL of upstream), or else the pinned wheel."""
    if source:
        command = [sys.executable, "-m", "pip", "install", "--no-build-isolation", source]
        subprocess.run(command, check=True)
    elif importlib.util.find_spec("detectron2") is None:
        install_wheel(Path(sysconfig.get_paths()["purelib"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
