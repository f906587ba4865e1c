"""Trays on N positions, each held for a recipe time: first come, first served, by recursion over trays.

A tray takes the position that has been, or will be, free first (the lowest number among equals). The ticks at which the
positions come free are kept in a binary heap that is carried from lot to lot, so that lots overlap as they do in a
formation rack: the trays of the next lot take the positions that the last one gives back.

A tray whose time is over stays where it is until its position is needed. It gives way as long as others of its lot are
still held (it waits for them beside the rack). Once its lot is complete it does not: until the lot leaves the station,
the position is blocked.

Laws, failure modes and planned stops come as a chain of one stage (`cellfab.kernels.serial_line.build`). A position
fails only while it holds a tray; conventions are those of a chain, position by position.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cellfab.kernels._jit import kernel
from cellfab.kernels.serial_line import BLOCKED, CREW, DOWN, FOREVER, SCRAP, WAITING_CREW, WORKING, Chain, Ints, draw


class Positions(NamedTuple):
    """Where the positions stand between two calls. Copy the arrays to take a snapshot.

    Attributes
    ----------
    free : shape (N,)
        Ticks at which they come free, as a heap (smallest first); `place`: which position each entry is.
    place : shape (N,)
    clock : shape (N, K, 2)
        Per position and mode: ticks of work to the next breakdown, and breakdowns so far.
    kept : shape (N, 2)
        Per position, of the tray that was last on it. COMPLETE: tick at which its lot is complete (FOREVER: not known,
        or thrown away); LEAVES: tick at which the lot leaves the station.
    counts : shape (B, 9)
        Ticks of all positions per bin of time and state, as far as they come from trays (WORKING, BLOCKED, DOWN,
        WAITING_CREW), and in the last column (FAILED) breakdowns.
    """

    free: Ints
    place: Ints
    clock: Ints
    kept: Ints
    counts: Ints


FAILED = 8
COMPLETE, LEAVES = range(2)


def new_positions(chain: Chain, positions: int, edges: Ints, failure_factor: float) -> Positions:
    """Empty positions at tick 0; `edges`, shape (B,), are the ticks at which the bins begin, the first of them 0."""
    modes = len(chain.mode)
    clock = np.zeros((positions, modes, 2), np.int64)
    for place in range(positions):
        for k in range(modes):
            clock[place, k, 0] = max(1, draw(chain, 1 + 2 * k, failure_factor, place, 0))
    kept = np.full((positions, 2), FOREVER, np.int64)
    counts = np.zeros((len(edges), 9), np.int64)
    return Positions(np.zeros(positions, np.int64), np.arange(positions), clock, kept, counts)


@kernel
def _passed(ticks: Ints, now: int) -> int:
    """How many of the ascending `ticks` are not after `now` (numba's own search costs 0.4 s to compile)."""
    low, high = 0, ticks.size
    while low < high:
        middle = (low + high) // 2
        if ticks[middle] <= now:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _account(counts: Ints, edges: Ints, stops: Ints, stop: int, start: int, end: int, what: int, sign: int) -> None:
    """Add (`sign` -1: take back) the ticks from `start` to `end` outside planned stops; `stop`: the first not ended."""
    row = _passed(edges, start) - 1
    t = start
    while t < end:
        if stops[stop, 0] <= t < stops[stop, 1]:
            t = min(end, stops[stop, 1])
        else:
            upto = min(end, stops[stop, 0])
            while t < upto:
                while row + 1 < edges.size and edges[row + 1] <= t:
                    row += 1
                piece = upto if row + 1 == edges.size else min(upto, edges[row + 1])
                counts[row, what] += sign * (piece - t)
                t = piece
        while stops[stop, 1] <= t:
            stop += 1


@kernel
def _hold(
    chain: Chain,
    edges: Ints,
    clock: Ints,
    counts: Ints,
    place: int,
    start: int,
    ticks: int,
    failure_factor: float,
    repair_factor: float,
    waits: Ints,
    calls: Ints,
    called: int,
) -> tuple[int, int, int, bool, int]:
    """Hold one tray: tick it begins, tick it leaves, tick the position is free, whether it is kept, calls so far."""
    stops = chain.stops
    modes = clock.shape[1]
    stop = _passed(stops[:, 1], start)
    if stops[stop, 0] <= start:
        start = stops[stop, 1]
        stop += 1
    t = start
    while True:
        struck = -1
        run = ticks
        for k in range(modes):
            if clock[place, k, 0] < run:
                run = clock[place, k, 0]
                struck = k
        if stops[stop, 0] - t < run:
            run = stops[stop, 0] - t
            struck = -1
        _account(counts, edges, stops, stop, t, t + run, WORKING, 1)
        for k in range(modes):
            clock[place, k, 0] -= run
        ticks -= run
        t += run
        if struck < 0:
            if ticks == 0:
                return start, t, t, True, called
            t = stops[stop, 1]
            stop += 1
            continue
        number = clock[place, struck, 1]
        repair = draw(chain, 2 + 2 * struck, repair_factor, place, number)
        counts[_passed(edges, t) - 1, FAILED] += 1
        up = t
        if chain.mode[struck, CREW]:
            if called < calls.shape[0]:
                calls[called, 0] = place
                calls[called, 1] = struck
                calls[called, 2] = number
                calls[called, 3] = t
                calls[called, 4] = repair
            called += 1
            for row in range(waits.shape[0]):
                if waits[row, 0] == place and waits[row, 1] == struck and waits[row, 2] == number:
                    up += waits[row, 3]
            _account(counts, edges, stops, stop, t, up, WAITING_CREW, 1)
        while stops[stop, 1] <= up:
            stop += 1
        _account(counts, edges, stops, stop, up, up + repair, DOWN, 1)
        up += repair
        while stops[stop, 1] <= up:
            stop += 1
        clock[place, struck, 1] = number + 1
        clock[place, struck, 0] = max(1, draw(chain, 1 + 2 * struck, failure_factor, place, number + 1))
        if chain.mode[struck, SCRAP]:
            return start, t, up, False, called
        t = up
        if stops[stop, 0] <= t:
            t = stops[stop, 1]
            stop += 1


@kernel
def _sink(free: Ints, place: Ints, up: int) -> None:
    """The first position of the heap is to come free at tick `up`: it goes to its new place."""
    which = place[0]
    node = 0
    while True:
        child = 2 * node + 1
        if child >= free.size:
            break
        other = child + 1
        if other < free.size and (
            free[other] < free[child] or (free[other] == free[child] and place[other] < place[child])
        ):
            child = other
        if free[child] > up or (free[child] == up and place[child] > which):
            break
        free[node] = free[child]
        place[node] = place[child]
        node = child
    free[node] = up
    place[node] = which


@kernel
def _first_free(free: Ints, place: Ints, kept: Ints, ready: int) -> int:
    """Tick, not before `ready`, at which a tray can have the first position, which is none that is blocked then."""
    while True:
        began = max(ready, free[0])
        complete, leaves = kept[place[0], COMPLETE], kept[place[0], LEAVES]
        if complete > began or leaves <= max(complete, free[0]):
            return int(began)
        _sink(free, place, leaves)


@kernel
def hold_trays(
    chain: Chain,
    positions: Positions,
    edges: Ints,
    ready: int,
    ticks: Ints,
    failure_factor: float,
    repair_factor: float,
    waits: Ints,
    calls: Ints,
    start: Ints,
    end: Ints,
    lost: Ints,
    at: Ints,
    leaves: int,
) -> tuple[int, int, int, int]:
    """Give each tray of a lot a position.

    Parameters
    ----------
    chain : Chain
        One stage: modes, planned stops and laws; its cycle is not looked at.
    positions : Positions
        Is changed.
    edges : shape (B,)
        Ascending ticks at which the bins of `positions.counts` begin, the first of them 0; the last bin is open.
    ready : int
        Tick at which the lot is there.
    ticks : shape (n,)
        Time that each tray holds its position.
    failure_factor, repair_factor : float
        On times to failure and to repair drawn during the call.
    waits : shape (w, 4)
        Position, mode, number of its breakdown, ticks that the repair has to wait for the crew; 0 if not listed.
    calls : shape (c, 5)
        Output: position, mode, number, tick and duration of the repair of breakdowns that need a crew.
    start, end : shape (n,)
        Output: ticks at which each tray takes its position and leaves it.
    lost : shape (n,)
        Output: 1 if a breakdown threw the tray away.
    at : shape (n,)
        Output: position of each tray.
    leaves : int
        Tick at which the lot leaves the station, if that is later than the end of its last tray.

    Returns
    -------
    first_start, last_end, open_at : int
        Ticks; `ready` for a lot without trays. From `open_at` on all trays have a position and another one is free.
    called : int
        Breakdowns that need a crew; if more than c, the last ones are not in `calls`.
    """
    free, place, clock, counts = positions.free, positions.place, positions.clock, positions.counts
    kept = positions.kept
    stops = chain.stops
    modes = clock.shape[1]
    first_start = last_start = last_end = ready
    called = 0
    stop = _passed(stops[:, 1], ready)
    row = _passed(edges, ready) - 1
    for i in range(ticks.size):
        began = _first_free(free, place, kept, ready)
        which = place[0]
        complete = kept[which, COMPLETE]
        if began < complete < kept[which, LEAVES]:
            # The tray on it gives way after all.
            first = _passed(stops[:, 1], complete)
            _account(counts, edges, stops, first, complete, kept[which, LEAVES], BLOCKED, -1)
        kept[which, COMPLETE] = FOREVER
        while stops[stop, 1] <= began:
            stop += 1
        while row + 1 < edges.size and edges[row + 1] <= began:
            row += 1
        calm = stops[stop, 0] if row + 1 == edges.size else min(stops[stop, 0], edges[row + 1])
        soonest = ticks[i]
        for k in range(modes):
            soonest = min(soonest, clock[which, k, 0])
        if soonest == ticks[i] and began + ticks[i] <= calm and began < calm:
            # Nothing happens to this tray: what `_hold` would do, in a few steps.
            for k in range(modes):
                clock[which, k, 0] -= ticks[i]
            counts[row, WORKING] += ticks[i]
            left = up = began + ticks[i]
            stays = True
        else:
            began, left, up, stays, called = _hold(
                chain, edges, clock, counts, which, began, ticks[i], failure_factor, repair_factor, waits, calls, called
            )
        start[i] = began
        end[i] = left
        lost[i] = 0 if stays else 1
        at[i] = which
        if i == 0:
            first_start = began
        last_start = max(last_start, began)
        last_end = max(last_end, left)
        _sink(free, place, up)
    for i in range(ticks.size):
        kept[at[i], LEAVES] = i  # of the trays that were on one position, the last one counts
    leaves = max(leaves, last_end)
    stop = _passed(stops[:, 1], last_end)
    for i in range(ticks.size):
        if kept[at[i], LEAVES] == i and lost[i] == 0:
            kept[at[i], COMPLETE] = last_end
            _account(counts, edges, stops, stop, last_end, leaves, BLOCKED, 1)
    for i in range(ticks.size):
        kept[at[i], LEAVES] = leaves
    open_at = _first_free(free, place, kept, last_start)
    return first_start, last_end, open_at, called
