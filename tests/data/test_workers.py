"""Loader workers outlive signals and end with their process."""

import multiprocessing
import os
import signal

import pytest
from torch.utils.data import Dataset

from ava_det.data.workers import SteadyLoader


class Numbers(Dataset):
    def __len__(self):
        return 1000

    def __getitem__(self, index):
        return index


def steady() -> SteadyLoader:
    return SteadyLoader(Numbers(), batch_size=2, num_workers=1, persistent_workers=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_a_worker_costs_no_batch(number):
    before = set(multiprocessing.active_children())
    batches = iter(steady())
    seen = [next(batches).tolist()]
    (worker,) = set(multiprocessing.active_children()) - before
    for _ in range(20):
        os.kill(worker.pid, number)
        seen.append(next(batches).tolist())
    assert seen == [[2 * k, 2 * k + 1] for k in range(21)]
    assert worker.is_alive()


def leave_in_the_middle() -> None:
    globals()["kept"] = batches = iter(steady())
    next(batches)


def leave_by_an_error() -> None:
    batches = iter(steady())
    next(batches)
    raise SystemExit(7)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize(("leave", "code"), [(leave_in_the_middle, 0), (leave_by_an_error, 7)])
def test_workers_do_not_keep_a_process_from_ending(method, leave, code):
    process = multiprocessing.get_context(method).Process(target=leave)
    process.start()
    process.join(300)
    assert process.exitcode == code
