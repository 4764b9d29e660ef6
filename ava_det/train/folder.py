"""The folder of a run: one run at a time, and nothing half written that a killed one has left."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from detectron2.utils import comm

from ava_det.formats.atomic import sweep
from ava_det.formats.lock import lock
from ava_det.structures import InputError


@contextmanager
def only_run(output: Path) -> Generator[None]:
    """Hold the folder of a run, which is made, and clear it of what a killed run left half written.

    The main process holds a lock for all. The lock is not inherited: a killed run's loader workers,
    which notice seconds later, do not keep the next run out.

    Raises:
        InputError: another run has the folder; nothing in the folder is changed.
    """
    output.mkdir(parents=True, exist_ok=True)
    main_process = comm.is_main_process()
    with lock(output, inherited=False) if main_process else nullcontext(output) as held:
        if not all(comm.all_gather(held is not None)):
            raise InputError(
                f"{output}: another training writes into this folder; wait until it has ended, or "
                "choose another --output"
            )
        if main_process:
            sweep(output)
        yield
