"""Processes of this machine that share work: how they are started, and a function over many things among them.

They are never forked from this one, whose threads they would inherit: on Linux from a server that has loaded what
replicates need, once for all of them. None of them runs the program that started them: a script needs no
`if __name__ == "__main__"` around it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import wait
from types import ModuleType
from typing import Any, TypeVar

_LOADED_ONCE = ("cellfab.study.worker", "cellfab.run", "cellfab.rated")

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def begin_loading() -> None:
    """Have a server for workers load what they need, in the background, while this process does something else."""
    if sys.platform == "linux":
        _context()
        with main_hidden():
            forkserver.ensure_running()


def new_processes(workers: int) -> ProcessPoolExecutor:
    """An executor of so many processes; submit to it within `main_hidden`."""
    return ProcessPoolExecutor(workers, mp_context=_context(), initializer=_begin_worker)


def spread(function: Callable[[Thing], Answer], things: Iterable[Thing], workers: int) -> Iterator[Answer]:
    """Answers of a function in the order of the things, each as soon as those before it are there.

    Parameters
    ----------
    function : callable
        Of a module, so that other processes find it; what it takes and gives can be pickled.
    things : iterable
    workers : int
        Processes; 0 or 1: this one.
    """
    if workers <= 1:
        yield from map(function, things)
        return
    executor = new_processes(workers)
    try:
        with main_hidden():
            futures = [executor.submit(function, thing) for thing in things]
        for future in futures:
            yield future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


@contextmanager
def main_hidden() -> Iterator[None]:
    """A program without a file, so that processes started meanwhile do not run it again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _context() -> Any:
    """How workers are started: on Linux by a server that has loaded everything once."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LOADED_ONCE))
    return context


def _begin_worker() -> None:
    """Leave Ctrl-C to the process that shares the work out, and end when that one is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
