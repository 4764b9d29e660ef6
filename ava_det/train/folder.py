"""The folder of a run: one run at a time, and nothing half written that a killed one has left."""

import re
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from detectron2.utils import comm

from ava_det.formats.atomic import is_partial
from ava_det.formats.locks import hold
from ava_det.structures import InputError

_LOCK = ".lock"
# As checkpoints and weights were called while they were written, before `atomic_path` did it.
_EARLIER = re.compile(r"(model_\w+\.pth|last_checkpoint)\.part|\.\d+\.model\.safetensors")


@contextmanager
def only_run(output: Path) -> Generator[None]:
    """Hold the folder of a run, which is made, and clear it of what a killed run left half written.

    The main process holds a lock for all. It is not inherited: a killed run's loader workers,
    which notice seconds later, do not keep the next one out.

    Raises:
        InputError: another run has the folder; nothing in there is changed.
    """
    output.mkdir(parents=True, exist_ok=True)
    main_process = comm.is_main_process()
    with hold(output / _LOCK) if main_process else nullcontext(output) as held:
        if not all(comm.all_gather(held is not None)):
            raise InputError(
                f"{output}: another training writes into this folder; wait until it has ended, or "
                "choose another --output"
            )
        if main_process:
            for path in output.iterdir():  # below it, others may be writing
                if is_partial(path.name) or _EARLIER.fullmatch(path.name):
                    path.unlink()
        yield
