"""Departure times of parts in a chain of machines, by recursion over (part, machine): no event list, no clock.

A part starts at a machine when it has come and the machine is free; it leaves the machine when it is finished and
the part that takes its place ahead, `capacity` parts earlier, has started there. Everything else is bookkeeping.
Holds for one unit per stage and for breakdowns whose clocks run only while the machine works: then what happens at a
machine follows from the parts before it alone. How long a repair waits for a crew has to be known, or assumed and put
right afterwards (`waits`, `calls`). Conventions: `cellfab.kernels.serial_line`.

The recursion for blocking after service: Dallery and Gershwin, "Manufacturing flow line systems: a review of models
and analytical results", Queueing Systems 12 (1992) 3-94, https://doi.org/10.1007/BF01158636.
"""

from __future__ import annotations

import numpy as np

from cellfab.kernels._jit import kernel
from cellfab.kernels.laws import duration
from cellfab.kernels.serial_blocks import BLOCK, LEAST_BLOCK, pass_calmly
from cellfab.kernels.serial_line import (
    AT_HAND,
    BLOCKED,
    CAME,
    CAPACITY,
    CONVERTING,
    CREW,
    DOWN,
    EXITED,
    FAILED,
    LOSE,
    MADE,
    MODE,
    MODE_END,
    MOST,
    OPEN,
    PLANNED,
    RING,
    RING_SIZE,
    SCRAP,
    STARTED,
    STARVED,
    THROWN,
    TURNED_AWAY,
    TURNED_AWAY_EVER,
    WAIT,
    WAITING_CREW,
    WENT_ON,
    WORKING,
    Chain,
    Ints,
    Tally,
    draw,
    note_stay,
)
from cellfab.kernels.serial_state import (
    BIN,
    CALM,
    FREE,
    HEAD,
    INSIDE,
    NEXT_FAILURE,
    NEXT_STOP,
    NUMBER,
    STRIKES_AT,
    TAIL,
    WORKED,
    State,
)
from cellfab.units import TICKS_PER_S

CALL_TICK, CALL_MODE, CALL_NUMBER, CALL_REPAIR = range(4)
"""Columns of the calls for a crew: when, by which mode, which of its breakdowns, and how long the repair takes."""


@kernel
def stand(chain: Chain, state: State, tally: Tally, m: int, until: int, what: int) -> None:
    """Account for machine `m` up to tick `until`: `what`, covered by planned stops unless it is being converted."""
    machine = state.machine
    t = machine[m, FREE]
    row = machine[m, BIN]
    stop = machine[m, NEXT_STOP]
    while t < until:
        edge = tally.edges[row + 1]
        off, on = chain.stops[stop, 0], chain.stops[stop, 1]
        if t >= off:
            upto = min(until, on, edge)
            tally.ticks[row, m, what if what == CONVERTING else PLANNED] += upto - t
        else:
            upto = min(until, off, edge)
            tally.ticks[row, m, what] += upto - t
        t = upto
        if t == edge:
            row += 1
        if t == on:
            stop += 1
    machine[m, FREE] = t
    machine[m, BIN] = row
    machine[m, NEXT_STOP] = stop
    machine[m, CALM] = min(tally.edges[row + 1], chain.stops[stop, 0])


@kernel
def _wait_until_on(chain: Chain, state: State, tally: Tally, m: int) -> int:
    """Let a planned stop that covers FREE pass; return the tick."""
    machine = state.machine
    while machine[m, FREE] >= chain.stops[machine[m, NEXT_STOP], 0]:
        stand(chain, state, tally, m, chain.stops[machine[m, NEXT_STOP], 1], PLANNED)
    return int(machine[m, FREE])


@kernel
def _work(
    chain: Chain,
    state: State,
    tally: Tally,
    m: int,
    ticks: int,
    failure_factor: float,
    repair_factor: float,
    waits: Ints,
    calls: Ints,
    called: int,
) -> tuple[int, bool, int]:
    """Work on a part from FREE on, through breakdowns and planned stops.

    Returns the tick at which it is finished, or thrown away; whether it is kept; and the number of calls so far.
    """
    machine = state.machine
    stages = chain.stage.shape[0]
    while True:
        t = machine[m, FREE]
        off = chain.stops[machine[m, NEXT_STOP], 0]
        run = min(ticks, machine[m, NEXT_FAILURE] - machine[m, WORKED], off - t)
        stand(chain, state, tally, m, t + run, WORKING)
        machine[m, WORKED] += run
        ticks -= run
        t += run
        if ticks == 0:
            return t, True, called
        # At equal ticks the end of the work comes before a breakdown, and a breakdown before a planned stop.
        if machine[m, WORKED] < machine[m, NEXT_FAILURE]:
            _wait_until_on(chain, state, tally, m)
            continue
        first, end = chain.stage[m, MODE], chain.stage[m, MODE_END]
        struck = first
        while state.mode[struck, STRIKES_AT] != machine[m, NEXT_FAILURE]:
            struck += 1
        number = state.mode[struck, NUMBER]
        repair = draw(chain, stages + 2 * struck + 1, repair_factor, 0, number)
        tally.parts[machine[m, BIN], m, FAILED] += 1
        if chain.mode[struck, SCRAP]:
            tally.parts[machine[m, BIN], m, THROWN] += 1
        if chain.mode[struck, CREW]:
            if called < calls.shape[0]:
                calls[called, CALL_TICK] = t
                calls[called, CALL_MODE] = struck
                calls[called, CALL_NUMBER] = number
                calls[called, CALL_REPAIR] = repair
            called += 1
            for row in range(waits.shape[0]):
                if waits[row, 0] == struck and waits[row, 1] == number:
                    stand(chain, state, tally, m, t + waits[row, 2], WAITING_CREW)
        stand(chain, state, tally, m, machine[m, FREE] + repair, DOWN)
        state.mode[struck, NUMBER] = number + 1
        # At least one tick, or a machine that fails at once after each repair would never let time pass.
        run = max(1, draw(chain, stages + 2 * struck, failure_factor, 0, number + 1))
        state.mode[struck, STRIKES_AT] = machine[m, WORKED] + run
        following = state.mode[first, STRIKES_AT]
        for k in range(first + 1, end):
            following = min(following, state.mode[k, STRIKES_AT])
        machine[m, NEXT_FAILURE] = following
        if chain.mode[struck, SCRAP]:
            return t, False, called
        _wait_until_on(chain, state, tally, m)


def close(chain: Chain, state: State, tally: Tally, end: int) -> None:
    """Account for the time of all machines up to tick `end`: they have been waiting for parts since the last one."""
    for m in range(len(chain.stage)):
        stand(chain, state, tally, m, end, STARVED)


@kernel
def _is_on(chain: Chain, state: State, m: int, tick: int) -> bool:
    """Whether machine `m` is not planned off at `tick` >= FREE."""
    stop = state.machine[m, NEXT_STOP]
    while chain.stops[stop, 1] <= tick:
        stop += 1
    return bool(tick < chain.stops[stop, 0])


@kernel
def _count_in_buffer(
    machine: Ints, ring: Ints, origin: int, size: int, window: Ints, stays: Ints, m: int, entered: int, start: int
) -> None:
    """Note in the ring of stage `m` that a part which came into the buffer at `entered` starts at `start`."""
    inside, tail, head = machine[m, INSIDE], machine[m, TAIL], machine[m, HEAD]
    while inside > 0 and ring[origin + tail] <= entered:
        inside -= 1
        tail = tail + 1 if tail + 1 < size else 0
    ring[origin + head] = start
    machine[m, HEAD] = head + 1 if head + 1 < size else 0
    machine[m, TAIL] = tail
    machine[m, INSIDE] = inside + 1
    if window[0] <= entered < window[1]:
        stays[m, MOST] = max(stays[m, MOST], inside + (start > entered))
    elif entered < window[0] <= start:
        stays[m, OPEN] += 1


@kernel
def _is_full(stage: Ints, machine: Ints) -> bool:
    """Whether the ring of a queue without limit may be too short for one more part."""
    full = False
    for m in range(stage.shape[0]):
        full |= stage[m, CAPACITY] < 0 and machine[m, INSIDE] >= stage[m, RING_SIZE]
    return full


@kernel
def pass_parts(
    chain: Chain,
    state: State,
    tally: Tally,
    entity: Ints,
    of_lot: bool,
    cycles: Ints,
    ready: Ints,
    exit_stage: Ints,
    manner: int,
    cycle_factor: float,
    failure_factor: float,
    repair_factor: float,
    outlet: int,
    until: int,
    waits: Ints,
    calls: Ints,
    let_in: Ints,
    thrown_at: Ints,
    log: Ints,
) -> tuple[int, int, int, int, int]:
    """Send parts through the chain.

    Parameters
    ----------
    chain, state, tally
        State and tally are changed.
    entity : shape (n,) or (1,)
        Identity of each part (its row is 0); with `of_lot` the identity of the lot whose rows the parts are.
    of_lot : bool
    cycles : shape (n, M) or (0, 0)
        Ticks that each part takes at each machine, if they have been drawn before (with `cycle_factor`).
    ready : shape (n,) or (1,)
        Tick at which each part, or every part, is there; ascending.
    exit_stage : shape (n,)
        Stage after which each part is sorted out; M: it goes all the way; -1: it never enters.
    manner : int
        WAIT, LOSE or AT_HAND: what a part does that finds no room.
    cycle_factor, failure_factor, repair_factor : float
        On cycles (1 / rate), and on times to failure and to repair drawn during the call.
    outlet : int
        Tick before which no part can leave the last machine.
    until : int
        Stop at the first part that comes at this tick or later.
    waits : shape (w, 3)
        Mode, number of its breakdown, ticks that the repair has to wait for the crew; 0 for those not listed.
    calls : shape (c, 4)
        Output: columns CALL_TICK ... CALL_REPAIR of the breakdowns that need a crew, in the order of the parts.
    let_in : shape (n,) or (0,)
        Output: tick at which each part was let in; -1 if it never was.
    thrown_at : shape (n,) or (0,)
        Output: stage at which a breakdown threw the part away, else -1.
    log : shape (n, M, 3) or (0, 0, 0)
        Output: ticks of start, finish (or breakdown) and leaving, per part and machine; -1 where it never was.

    Returns
    -------
    parts : int
        Parts dealt with; fewer than n if `until` was reached, or if a queue without limit needs `more_room`.
    last_start : int
        Tick at which the first machine took the last of them; -1 if none entered.
    first_out, last_out : int
        Ticks at which the first part went all the way and the last one left in whichever way; -1 if none did.
    called : int
        Breakdowns that need a crew; if more than c, the last ones are not in `calls`.
    """
    # Arrays are taken out of their tuples once: each later access would count references, at ten times the price.
    stage, fixed_s = chain.stage, chain.fixed_s
    law, parameters, pool, pool_start, key = chain.law, chain.parameters, chain.pool, chain.pool_start, chain.key
    machine, ring = state.machine, state.ring
    ticks, parts = tally.ticks, tally.parts
    window, stays, gate, sketch = tally.window, tally.stays, tally.gate, tally.sketch
    stages = stage.shape[0]
    counts_stays = stays.shape[0] > 0
    fixed = np.empty(stages, np.int64)
    unlimited = False
    # A short cut for lots of which nobody asks for more than when they are out.
    untold = cycles.size + let_in.size + log.size == 0 and manner == AT_HAND and not counts_stays
    block = BLOCK if untold and ready.size == 1 and ready[0] < until and stage[0, CAPACITY] == 0 else 0
    for m in range(stages):
        fixed[m] = int(np.rint(fixed_s[m] * cycle_factor * TICKS_PER_S)) if fixed_s[m] >= 0.0 else -1
        unlimited |= stage[m, CAPACITY] < 0
        if fixed[m] < 0:
            block = 0
        elif m > 0:
            block = min(block, stage[m, CAPACITY])
    last_start = first_out = last_out = -1
    called = 0
    i, calm_from = -1, 0
    while i < exit_stage.size - 1:
        i += 1
        if i >= calm_from and block >= LEAST_BLOCK:
            i, calm_from, started, out, left = pass_calmly(
                stage, fixed, machine, ring, ticks, parts, window, gate, ready[0], exit_stage, outlet, block, i,
                thrown_at,
            )  # fmt: skip
            last_start, last_out = max(last_start, started), max(last_out, left)
            first_out = out if first_out < 0 else first_out
            if i == exit_stage.size:
                break
        came = ready[i] if ready.size > 1 else ready[0]
        if came >= until or (unlimited and _is_full(stage, machine)):
            return i, last_start, first_out, last_out, called
        if thrown_at.size > 0:
            thrown_at[i] = -1
        if let_in.size > 0:
            let_in[i] = -1
        exit_at = exit_stage[i]
        if exit_at < 0:
            continue
        identity, row = (entity[0], i) if of_lot else (entity[i], 0)
        if manner == LOSE:
            gate[CAME] += window[0] <= came < window[1]
            if stage[0, CAPACITY] == 0:
                room = machine[0, FREE] <= came and _is_on(chain, state, 0, came)
            else:
                room = stage[0, CAPACITY] < 0 or ring[stage[0, RING] + machine[0, HEAD]] <= came
            if not room:
                gate[TURNED_AWAY] += window[0] <= came < window[1]
                gate[TURNED_AWAY_EVER] += 1
                continue
        finish = came
        alive = True
        for m in range(min(exit_at + 1, stages)):
            capacity = stage[m, CAPACITY]
            entered = finish
            if capacity > 0:
                entered = max(finish, ring[stage[m, RING] + machine[m, HEAD]])
            free = machine[m, FREE]
            start = max(entered, free)
            cycle = cycles[i, m] if cycles.size > 0 else fixed[m]
            if cycle < 0:
                p0, p1, p2 = parameters[m, 0], parameters[m, 1], parameters[m, 2]
                values = pool[pool_start[m] : pool_start[m + 1]]
                cycle = duration(law[m], p0, p1, p2, values, cycle_factor, key[m], identity, row)
            end = start + cycle
            worked = machine[m, WORKED] + cycle
            if end < machine[m, CALM] and worked <= machine[m, NEXT_FAILURE]:
                ticks[machine[m, BIN], m, STARVED] += start - free
                ticks[machine[m, BIN], m, WORKING] += cycle
                machine[m, WORKED] = worked
                machine[m, FREE] = end
                parts[machine[m, BIN], m, STARTED] += 1
            else:
                stand(chain, state, tally, m, start, STARVED)
                start = _wait_until_on(chain, state, tally, m)
                parts[machine[m, BIN], m, STARTED] += 1
                end, alive, called = _work(
                    chain, state, tally, m, cycle, failure_factor, repair_factor, waits, calls, called
                )
            if capacity == 0:
                entered = start
            elif counts_stays:
                _count_in_buffer(machine, ring, stage[m, RING], stage[m, RING_SIZE], window, stays, m, entered, start)
                note_stay(window, stays, sketch, m, entered, start, True)
            else:
                head = machine[m, HEAD]
                ring[stage[m, RING] + head] = start
                machine[m, HEAD] = head + 1 if head + 1 < stage[m, RING_SIZE] else 0
            if m > 0:
                if entered < machine[m - 1, CALM]:
                    ticks[machine[m - 1, BIN], m - 1, BLOCKED] += entered - finish
                    machine[m - 1, FREE] = entered
                else:
                    stand(chain, state, tally, m - 1, entered, BLOCKED)
                parts[machine[m - 1, BIN], m - 1, WENT_ON] += 1
                if log.size > 0:
                    log[i, m - 1, 2] = entered
            else:
                last_start = start
                if let_in.size > 0:
                    let_in[i] = entered
                if manner == WAIT and counts_stays:
                    note_stay(window, stays, sketch, stages, came, entered, True)
                elif manner == AT_HAND:
                    came = entered
                if manner != LOSE:
                    gate[CAME] += window[0] <= came < window[1]
            if log.size > 0:
                log[i, m, 0] = start
                log[i, m, 1] = end
                log[i, m, 2] = end
            finish = end
            if not alive:
                break
            parts[machine[m, BIN], m, MADE] += 1
        through = alive and exit_at == stages
        if not alive:
            if thrown_at.size > 0:
                thrown_at[i] = m
        elif through:
            finish = max(finish, outlet)
            stand(chain, state, tally, m, finish, BLOCKED)
            parts[machine[m, BIN], m, WENT_ON] += 1
            if log.size > 0:
                log[i, m, 2] = finish
            if first_out < 0:
                first_out = finish
        else:
            parts[machine[m, BIN], m, EXITED] += 1
        if counts_stays:
            note_stay(window, stays, sketch, stages + 1, came, finish, through)
        last_out = max(last_out, finish)
    return exit_stage.size, last_start, first_out, last_out, called
