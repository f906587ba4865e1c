"""A short cut of the recursion over parts and machines: blocks of parts to which nothing happens, machine by machine.

Most parts of a lot pass between two breakdowns. `cellfab.kernels.serial_recursion` sends the others.
"""

from __future__ import annotations

import numpy as np

from cellfab.kernels._jit import kernel
from cellfab.kernels.serial_line import (
    BLOCKED,
    CAME,
    EXITED,
    MADE,
    RING,
    RING_SIZE,
    STARTED,
    STARVED,
    WENT_ON,
    WORKING,
    Ints,
)
from cellfab.kernels.serial_state import BIN, CALM, FREE, HEAD, NEXT_FAILURE, WORKED

BLOCK, LEAST_BLOCK = 64, 8
"""Parts that are sent through at once where nothing happens to them: most, and how few are not worth the trouble."""


@kernel
def _pass_block(
    stage: Ints,
    cycle: Ints,
    machine: Ints,
    ring: Ints,
    ticks: Ints,
    parts: Ints,
    outlet: int,
    come: Ints,
    exit_stage: Ints,
    entering: Ints,
    start: Ints,
    gone: Ints,
) -> tuple[int, int]:
    """Send a few parts through, machine by machine, if nothing happens before the last of them has left.

    Something is a breakdown, a planned stop or the end of a bin, at any machine. Without it a machine's time is work,
    waiting for the next machine, and for the rest waiting for parts. Whoever makes room for a part in a buffer started
    before all of these, for there are no more of them than the smallest buffer holds: so one machine after the other
    can be dealt with.

    Parameters
    ----------
    stage, cycle, machine, ring, ticks, parts, outlet
        See `pass_parts`; `cycle` in ticks, shape (M,).
    come, exit_stage : shape (n,)
        Tick at which each part can enter, and stage after which it is sorted out, at least 0; are changed.
    entering, start, gone : shapes (M + 1,), (M, n), (M, 2)
        Output, good if nothing happens: how many parts entered each machine (and went all the way), when each of them
        started there, and tick at which the last one left a machine and ticks that it was blocked.

    Returns
    -------
    first_out, last_out : int
        As `pass_parts`; `last_out` is -1, and nothing has been noted, if something happens.
    """
    stages = stage.shape[0]
    last_out = -1
    entering[0] = come.size
    for m in range(stages):
        free, blocked, going = machine[m, FREE], 0, 0
        following = min(m + 1, stages - 1)
        first_place = stage[following, RING]
        place, end = first_place + machine[following, HEAD], first_place + stage[following, RING_SIZE]
        for j in range(entering[m]):
            start[m, j] = max(come[j], free)
            finish = start[m, j] + cycle[m]
            if exit_stage[j] <= m:
                free = finish
                last_out = max(last_out, finish)
                continue
            if m + 1 < stages:
                free = max(finish, ring[place])
                place = place + 1 if place + 1 < end else first_place
            else:
                free = max(finish, outlet)
            blocked += free - finish
            come[going], exit_stage[going] = free, exit_stage[j]
            going += 1
        entering[m + 1] = going
        gone[m, 0], gone[m, 1] = free, blocked
        worked = machine[m, WORKED] + entering[m] * cycle[m]
        if entering[m] > 0 and (free >= machine[m, CALM] or worked > machine[m, NEXT_FAILURE]):
            return -1, -1
    for m in range(stages):
        row, entered = machine[m, BIN], entering[m]
        work = entered * cycle[m]
        ticks[row, m, WORKING] += work
        ticks[row, m, BLOCKED] += gone[m, 1]
        ticks[row, m, STARVED] += gone[m, 0] - machine[m, FREE] - work - gone[m, 1]
        parts[row, m, STARTED] += entered
        parts[row, m, MADE] += entered
        parts[row, m, WENT_ON] += entering[m + 1]
        parts[row, m, EXITED] += entered - entering[m + 1]
        machine[m, WORKED] += work
        machine[m, FREE] = gone[m, 0]
        head = machine[m, HEAD]
        for j in range(entered if m > 0 else 0):
            ring[stage[m, RING] + head] = start[m, j]
            head = head + 1 if head + 1 < stage[m, RING_SIZE] else 0
        machine[m, HEAD] = head
    if entering[stages] == 0:
        return -1, last_out
    out = int(come[entering[stages] - 1])
    return int(come[0]), max(last_out, out)


@kernel
def pass_calmly(
    stage: Ints,
    cycle: Ints,
    machine: Ints,
    ring: Ints,
    ticks: Ints,
    parts: Ints,
    window: Ints,
    gate: Ints,
    came: int,
    exit_stage: Ints,
    outlet: int,
    block: int,
    first: int,
    thrown_at: Ints,
) -> tuple[int, int, int, int, int]:
    """Send parts that are AT_HAND since tick `came` on, from part `first`, in blocks to which nothing happens.

    Parameters
    ----------
    stage, machine, ring, ticks, parts, window, gate, exit_stage, outlet, thrown_at
        See `pass_parts` of `cellfab.kernels.serial_recursion`; the first machine has no buffer before it.
    cycle : shape (M,)
        Ticks, the same for every part.
    came : int
        Tick at which all parts are there.
    block : int
        Most parts at once; no buffer holds fewer.
    first : int
        Part to begin with.

    Returns
    -------
    part, upto : int
        The part to go on with, and the one after the block to which something happens.
    last_start, first_out, last_out : int
        As `pass_parts`.
    """
    stages = stage.shape[0]
    come, exits, start = np.empty(block, np.int64), np.empty(block, np.int64), np.empty((stages, block), np.int64)
    entering, gone = np.empty(stages + 1, np.int64), np.empty((stages, 2), np.int64)
    last_start = first_out = last_out = -1
    i = first
    while i < exit_stage.size:
        upto, entered = i, 0
        while upto < exit_stage.size and entered < block:
            if exit_stage[upto] >= 0:
                come[entered], exits[entered] = came, exit_stage[upto]
                entered += 1
            upto += 1
        if entered > 0:
            out, left = _pass_block(
                stage,
                cycle,
                machine,
                ring,
                ticks,
                parts,
                outlet,
                come[:entered],
                exits[:entered],
                entering,
                start,
                gone,
            )
            if left < 0:
                return i, upto, last_start, first_out, last_out
            for j in range(entered):
                gate[CAME] += window[0] <= start[0, j] < window[1]
            last_start = start[0, entered - 1]
            first_out = out if first_out < 0 else first_out
            last_out = max(last_out, left)
        if thrown_at.size > 0:
            thrown_at[i:upto] = -1
        i = upto
    return i, i, last_start, first_out, last_out
