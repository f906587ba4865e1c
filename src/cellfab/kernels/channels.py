"""Trays on N positions, each held for a recipe time: first come, first served, by recursion over trays.

A tray takes the position that has been, or will be, free first. The ticks at which the positions come free are kept in
a binary heap that is carried from lot to lot, so that lots overlap as they do in a formation rack: the trays of the
next lot take the positions that the last one gives back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

Ints = npt.NDArray[np.int64]


@kernel
def _hold(stops: Ints, edges: Ints, busy: Ints, start: int, ticks: int) -> tuple[int, int]:
    """First tick of work at or after `start`, and its end after `ticks` of work; planned stops are waited out."""
    stop = np.searchsorted(stops[:, 1], start, side="right")
    row = np.searchsorted(edges, start, side="right") - 1
    if stop < stops.shape[0] and stops[stop, 0] <= start:
        start = stops[stop, 1]
        stop += 1
    t = start
    while ticks > 0:
        run = ticks
        if stop < stops.shape[0]:
            run = min(run, stops[stop, 0] - t)
        ticks -= run
        end = t + run
        while t < end:
            while row + 1 < edges.size and edges[row + 1] <= t:
                row += 1
            upto = end if row + 1 == edges.size else min(end, edges[row + 1])
            busy[row] += upto - t
            t = upto
        if ticks > 0:
            t = stops[stop, 1]
            stop += 1
    return start, t


@kernel
def hold_trays(
    free: Ints, ready: int, ticks: Ints, stops: Ints, edges: Ints, busy: Ints, start: Ints, end: Ints
) -> tuple[int, int, int]:
    """Give each tray of a lot a position.

    Parameters
    ----------
    free : shape (N,)
        Ticks at which the positions come free, as a heap (smallest first); changed.
    ready : int
        Tick at which the lot is there.
    ticks : shape (n,)
        Time each tray holds its position.
    stops : shape (k, 2)
        Planned stops, ascending and disjoint: first tick off, first tick on again. Work waits, nothing starts.
    edges : shape (B,)
        Ascending ticks at which the bins of `busy` begin, the first at or before `ready`; the last bin is open.
    busy : shape (B,)
        Ticks of work of all positions together; added to.
    start, end : shape (n,)
        Output: ticks at which each tray takes and gives back its position.

    Returns
    -------
    first_start, last_start, last_end : int
        Ticks; -1 for a lot without trays. After `last_start` the trays of the next lot have their turn.
    """
    first_start = last_start = last_end = -1
    positions = free.size
    for i in range(ticks.size):
        began, ended = _hold(stops, edges, busy, max(ready, free[0]), ticks[i])
        start[i] = began
        end[i] = ended
        if i == 0:
            first_start = began
        last_start = began
        last_end = max(last_end, ended)
        place = 0
        while True:  # the position goes to its new place in the heap
            child = 2 * place + 1
            if child >= positions:
                break
            if child + 1 < positions and free[child + 1] < free[child]:
                child += 1
            if free[child] >= ended:
                break
            free[place] = free[child]
            place = child
        free[place] = ended
    return first_start, last_start, last_end
