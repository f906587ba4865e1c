"""Where a chain stands between two calls of the recursion (`cellfab.kernels.serial_recursion`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cellfab.kernels.serial_line import (
    CAPACITY,
    FOREVER,
    MODE,
    MODE_END,
    RING,
    RING_SIZE,
    STOP,
    TIME_DEPENDENT,
    UNITS,
    Chain,
    Ints,
    Tally,
    draw,
    with_longer_rings,
)


class State(NamedTuple):
    """Where a chain stands between two calls. Copy the arrays to take a snapshot.

    Attributes
    ----------
    machine : shape (M, 9)
        Columns FREE ... INSIDE below.
    mode : shape (K, 2)
        Columns STRIKES_AT (in WORKED) and NUMBER of breakdowns so far.
    ring : shape (sum of ring sizes,)
        Per stage, the ticks at which the last `capacity` parts that came into its buffer started.
    """

    machine: Ints
    mode: Ints
    ring: Ints


FREE, WORKED, NEXT_FAILURE, NEXT_STOP, CALM, BIN, HEAD, TAIL, INSIDE = range(9)
"""Columns of `State.machine`.

FREE: tick up to which its time is accounted for. WORKED: ticks of work in all; NEXT_FAILURE: the same when the next
breakdown strikes. NEXT_STOP: first row of `Chain.stops` that has not ended at FREE; BIN: row of `Tally.edges` that FREE
lies in; CALM: tick from which one of the two needs looking at. HEAD: oldest entry of the ring; TAIL: oldest entry that
had not started when the last part came; INSIDE: how many there are from TAIL on.
"""
STRIKES_AT, NUMBER = range(2)
"""Columns of `State.mode`."""


def new_state(chain: Chain, tally: Tally, failure_factor: float = 1.0) -> State:
    """An empty chain at tick 0, all machines new.

    Raises
    ------
    ValueError
        If the chain has several units per stage or time-dependent failures.
    """
    if np.any(chain.stage[:, UNITS] != 1) or np.any(chain.mode[:, TIME_DEPENDENT]):
        raise ValueError("the recursion takes one unit per stage and operation-dependent failures only")
    stages = len(chain.stage)
    state = State(
        machine=np.zeros((stages, 9), np.int64),
        mode=np.zeros((len(chain.mode), 2), np.int64),
        ring=np.zeros(int(chain.stage[:, RING_SIZE].sum()), np.int64),
    )
    state.machine[:, NEXT_STOP] = chain.stage[:, STOP]
    state.machine[:, CALM] = np.minimum(tally.edges[1], chain.stops[chain.stage[:, STOP], 0])
    for m, (first, end) in enumerate(chain.stage[:, [MODE, MODE_END]]):
        for k in range(first, end):
            state.mode[k, STRIKES_AT] = max(1, draw(chain, stages + 2 * k, failure_factor, 0, 0))
        state.machine[m, NEXT_FAILURE] = state.mode[first:end, STRIKES_AT].min(initial=FOREVER)
    return state


def with_more_room(chain: Chain, state: State) -> tuple[Chain, State]:
    """Twice the room for queues without limit (after `pass_parts` has stopped early)."""
    longer = with_longer_rings(chain)
    ring = np.zeros(int(longer.stage[:, RING_SIZE].sum()), np.int64)
    machine = state.machine.copy()
    for m in range(len(chain.stage)):
        old, new = chain.stage[m], longer.stage[m]
        # Oldest first; in a queue without limit only the entries from TAIL on still matter.
        first, kept = (TAIL, machine[m, INSIDE]) if old[CAPACITY] < 0 else (HEAD, old[RING_SIZE])
        places = (machine[m, first] + np.arange(kept)) % max(old[RING_SIZE], 1)
        ring[new[RING] + np.arange(kept)] = state.ring[old[RING] + places]
        machine[m, TAIL] = 0 if old[CAPACITY] < 0 else (machine[m, TAIL] - machine[m, HEAD]) % max(old[RING_SIZE], 1)
        machine[m, HEAD] = kept if old[CAPACITY] < 0 else 0
    return longer, state._replace(ring=ring, machine=machine)


def clear(chain: Chain, state: State, tally: Tally, now: int) -> None:
    """Empty the chain at tick `now`, an edge of a bin: what was computed beyond is taken back, all machines are up."""
    row = int(np.searchsorted(tally.edges, now))
    tally.ticks[row:] = 0
    tally.parts[row:] = 0
    state.ring[:] = 0
    state.machine[:, [HEAD, TAIL, INSIDE]] = 0
    for m in range(len(chain.stage)):
        stop = chain.stage[m, STOP]
        while chain.stops[stop, 1] <= now:
            stop += 1
        state.machine[m, [FREE, BIN, NEXT_STOP]] = now, row, stop
        state.machine[m, CALM] = min(tally.edges[row + 1], chain.stops[stop, 0])
