"""The extras of the package, and the message for a module of an extra that is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

# The modules that each extra of pyproject.toml installs. An extra includes the extras above it.
EXTRAS = {
    "video": ("av", "cv2", "PIL", "tqdm"),
    "detect": ("supervision", "trackers"),
    "train": (
        *("torch", "torchvision", "pytorchvideo", "safetensors", "yaml", "scipy", "matplotlib"),
        *("detectron2", "fvcore", "iopath", "omegaconf", "hydra", "yacs", "tabulate"),
        *("cloudpickle", "termcolor", "packaging", "pycocotools", "tensorboard"),
    ),
}


def install_hint(error: Exception, needed: str = "") -> str:
    """Return how to install the missing module of an extra; empty for any other error.

    Args:
        error: The error of an import.
        needed: The extra that the whole task needs. If it includes the extra of the module, the
            hint names it instead.
    """
    module = error.name if isinstance(error, ModuleNotFoundError) else None
    top = (module or "").partition(".")[0]
    if not any(top in modules for modules in EXTRAS.values()):
        return ""
    extra = [name for name, modules in EXTRAS.items() if name == needed or top in modules][-1]
    more = ", then add detectron2 as docs/install.md says" if top == "detectron2" else ""
    return f'{top} is not installed: pip install "ava_det[{extra}]"{more}'


@contextmanager
def naming_extra(needed: str) -> Iterator[None]:
    """Name the extra to install in the error of an import within the block.

    Raises:
        ModuleNotFoundError: A module is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        hint = install_hint(error, needed)
        if not hint:
            raise
        raise ModuleNotFoundError(hint, name=error.name) from error
