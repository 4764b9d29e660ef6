"""Lock the folder of a run, and remove partial files of a killed run."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from detectron2.utils import comm

from ava_det.formats.atomic import sweep
from ava_det.formats.lock import lock
from ava_det.structures import InputError


@contextmanager
def only_run(output: Path) -> Generator[None]:
    """Make and lock the folder of a run, and remove partial files of a killed run.

    The main process holds the lock for all processes. Loader workers do not inherit the lock,
    because they may live some seconds longer than a killed run, and would block the next run.

    Raises:
        InputError: Another run uses the folder; nothing in the folder is changed.
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
