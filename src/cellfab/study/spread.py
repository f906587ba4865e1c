"""A function over many things, shared out among processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from cellfab.study.executors import _begin_worker, _context, _main_hidden

Thing = TypeVar("Thing")
Answer = TypeVar("Answer")


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
    executor = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_begin_worker)
    try:
        with _main_hidden():
            futures = [executor.submit(function, thing) for thing in things]
        for future in futures:
            yield future.result()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
