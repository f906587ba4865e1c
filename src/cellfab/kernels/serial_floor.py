"""What the event scan works on: where every unit, clock, buffer and part of a chain stands at one moment.

The arrays, how they are made, and what somebody outside may do to them between two calls of
`cellfab.kernels.serial_events.advance`: make parts known (`feed`), take a completed lot (`release_outlet`), copy
everything (`snapshot`), make room in queues without limit (`with_more_room`) and close the books (`close`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.serial_line import (
    AREA,
    AT_HAND,
    BLOCKED,
    DOWN,
    FIRST_UNIT,
    FOREVER,
    MODE,
    MODE_END,
    MOST,
    PLANNED,
    RING,
    RING_SIZE,
    STARVED,
    STOP,
    TIME_DEPENDENT,
    UNITS,
    WAIT,
    WAITING_CREW,
    WORKING,
    Chain,
    Ints,
    Tally,
    draw,
    with_longer_rings,
)


class Floor(NamedTuple):
    """Where everything stands at one moment. Copy all arrays but `part` to take a snapshot (`snapshot`).

    Attributes
    ----------
    unit : shape (U, 10)
        Columns STAGE ... CLOCK below; the units of a stage stand together.
    due : shape (U,)
        Tick of the next event of each unit.
    clock : shape (C, 2)
        Per unit and mode of its stage. LEFT: tick of the next breakdown while the clock runs, ticks to it while it
        does not; STRUCK: breakdowns so far.
    stage : shape (M + 1, 8)
        Columns OFF ... CHANGES below; the last row stands for what is behind the last stage.
    ring : shape (R, 2)
        Numbers of the parts in the buffers and the ticks at which they came.
    part : shape (P, 5)
        Columns ENTITY ... LOT of part number i in row i % P, P a power of two.
    lot : shape (L,)
        Parts not yet gone of lot number j, in entry j % L.
    thrown : shape (T, 2)
        Numbers of the parts that breakdowns threw away and the stages where; the first `now[N_THROWN]` rows count.
    now : shape (17,)
        Entries NOW ... below.
    """

    unit: Ints
    due: Ints
    clock: Ints
    stage: Ints
    ring: Ints
    part: Ints
    lot: Ints
    thrown: Ints
    now: Ints


STAGE, PART, DONE, END, CONDITION, MODE_STRUCK, REPAIRED, SINCE, FREE_SINCE, CLOCK = range(10)
"""Columns of `Floor.unit`.

PART: number of the part in it, -1: none; DONE: it is finished. END: tick at which the work ends or ended; ticks of work
left while it is interrupted. CONDITION: UP ... WAITS; MODE_STRUCK: by which row of `Chain.mode`; REPAIRED: tick.
SINCE: tick up to which its time is accounted for. FREE_SINCE: tick since which it is able to take a part. CLOCK: its
first row of `Floor.clock`.
"""
UP, REPAIR, CALLS, WAITS = range(4)
"""Condition of a unit: able to work; being repaired; calls for a crew; was heard and waits for it."""
OFF, NEXT_STOP, HEAD, LEVEL, FINISHED, FREE, TOUCHED, CHANGES = range(8)
"""Columns of `Floor.stage`.

OFF: planned off; NEXT_STOP: first row of `Chain.stops` that has not ended. HEAD: oldest place in the ring; LEVEL:
parts in the buffer. FINISHED, FREE: units with a finished part, and units able to take one. TOUCHED: something has
changed that may let it take a part. CHANGES: a planned stop begins or ends at this tick.
"""
LEFT, STRUCK = range(2)
ENTITY, ROW, EXIT, READY, LOT = range(5)
"""Columns of `Floor.part`; READY: tick at which it is there (AT_HAND: at which it was let in)."""
NOW, BIN, FED, ARRIVED, TAKEN, LOTS, GATHERING, THROUGH, COMPLETED, OUTLET = range(10)
N_THROWN, CALLING, BOUNDARY, UNSETTLED, GREW, GREW_TO, HANDOVER = range(10, 17)
"""Entries of `Floor.now`.

FED, ARRIVED, TAKEN: parts known, come, and let in or turned away. LOTS: lots known. GATHERING: the lot whose parts may
leave the chain; THROUGH: how many have; COMPLETED: all of it is gone. OUTLET: the lot before is still in the outlet.
CALLING: units that have called and were not heard. BOUNDARY: tick of the next planned change or edge of a bin.
UNSETTLED: some stage is touched. GREW, GREW_TO: first and last stage into whose buffer a part came at this tick.
HANDOVER: how far the one part of the lot GATHERING is, of those that stay in the last machine until they are taken.
"""
INSIDE, FINISHES, OFFERED, FETCHED = range(4)
"""Values of HANDOVER: not finished; just finished; told to be complete; taken."""
SILENT, RUN_OUT, ADMITTING = range(3)
"""What `advance` tells about further parts: nothing; that known parts have run out; that another one could start."""
UNTIL, INPUT, CALL, COMPLETE, ROOM, LOST = range(6)
"""Why `advance` returned: the tick was reached; parts have run out; a unit calls for a crew; a lot is complete; a queue
without limit needs a longer ring (`with_more_room`); a breakdown threw away what was told to be complete."""


def new_floor(chain: Chain, tally: Tally, parts: int, failure_factor: float = 1.0) -> Floor:
    """An empty chain at tick 0, all units new.

    Parameters
    ----------
    chain : Chain
    tally : Tally
    parts : int
        Parts that can be known at once (fed and not yet gone).
    failure_factor : float
        On the first times to failure.
    """
    stages = len(chain.stage)
    units = int(chain.stage[:, UNITS].sum())
    unit = np.zeros((units, 10), np.int64)
    clocks: list[tuple[int, int]] = []
    for m in range(stages):
        for index in range(chain.stage[m, UNITS]):
            u = chain.stage[m, FIRST_UNIT] + index
            unit[u, STAGE] = m
            unit[u, CLOCK] = len(clocks)
            for k in range(chain.stage[m, MODE], chain.stage[m, MODE_END]):
                clocks.append((max(1, draw(chain, stages + 2 * k, failure_factor, index, 0)), 0))
    unit[:, PART] = -1
    stage = np.zeros((stages + 1, 8), np.int64)
    stage[:stages, FREE] = chain.stage[:, UNITS]
    stage[:stages, NEXT_STOP] = chain.stage[:, STOP]
    stage[:, TOUCHED] = 1
    now = np.zeros(17, np.int64)
    now[GREW], now[GREW_TO] = stages, -1
    now[BOUNDARY] = min(tally.edges[1], chain.stops[chain.stage[:, STOP], 0].min())
    now[UNSETTLED] = 1
    size = 1 << max(4, (parts - 1).bit_length())
    floor = Floor(
        unit=unit,
        due=np.full(units, FOREVER, np.int64),
        clock=np.array(clocks, np.int64).reshape(-1, 2),
        stage=stage,
        ring=np.zeros((int(chain.stage[:, RING_SIZE].sum()), 2), np.int64),
        part=np.zeros((size, 5), np.int64),
        lot=np.zeros(size, np.int64),
        thrown=np.zeros((size, 2), np.int64),
        now=now,
    )
    for u in range(units):
        # Time-dependent clocks run from tick 0 on, unless a planned stop begins there, which `advance` sees to.
        m = unit[u, STAGE]
        set_due(unit, floor.due, floor.clock, chain.mode, chain.stage[m, MODE], chain.stage[m, MODE_END], 0, u)
    return floor


def feed(
    chain: Chain,
    floor: Floor,
    entity: npt.ArrayLike,
    row: npt.ArrayLike,
    exit_stage: Ints,
    ready: npt.ArrayLike,
    manner: int,
    lot: bool,
) -> Floor:
    """Make parts known: one lot of them, or further parts of a stream without lots.

    Parameters
    ----------
    chain : Chain
    floor : Floor
        Is changed.
    entity, row, ready : array_like of int, shape (n,) or one value for all
        Name of the random draws about each part; tick at which it comes (ascending, not before `now[NOW]`).
    exit_stage : shape (n,)
        Stage after which each part is sorted out; M: it goes all the way; -1: it never enters. M + 1, for a lot of one
        part: it goes all the way, and stays in the last machine until it is taken.
    manner : int
        As will be given to `advance`.
    lot : bool
        The parts are a lot of their own.

    Returns
    -------
    Floor
        The same, or one with a longer table of parts if that was too short.
    """
    n = exit_stage.size
    now, size = floor.now, len(floor.part)
    if now[FED] + n - size > 0:
        first = oldest(chain, floor)
        if now[FED] + n - first > size:
            table = np.zeros((1 << int(now[FED] + n - first - 1).bit_length(), 5), np.int64)
            known = np.arange(first, now[FED])
            table[known & (len(table) - 1)] = floor.part[known & (size - 1)]
            floor, size = floor._replace(part=table), len(table)
    rows = np.arange(now[FED], now[FED] + n) & (size - 1)
    number = now[LOTS] if lot else 0
    for column, values in ((ENTITY, entity), (ROW, row), (EXIT, exit_stage), (READY, ready), (LOT, number)):
        floor.part[rows, column] = values
    now[FED] += n
    if lot:
        floor.lot[number % len(floor.lot)] = n
        now[LOTS] += 1
        if n == 0 and number == now[GATHERING]:
            now[COMPLETED] = 1
    else:
        floor.lot[0] = FOREVER
    if manner == AT_HAND:
        now[ARRIVED] = now[FED]
    floor.stage[0, TOUCHED] = 1
    now[UNSETTLED] = 1
    return floor


def oldest(chain: Chain, floor: Floor) -> int:
    """Number of the oldest part that may still be in the chain or before it."""
    inside = [int(floor.now[TAKEN]), *floor.unit[floor.unit[:, PART] >= 0, PART]]
    for m, (first, size) in enumerate(chain.stage[:, [RING, RING_SIZE]]):
        places = (floor.stage[m, HEAD] + np.arange(floor.stage[m, LEVEL])) % max(size, 1)
        inside += floor.ring[first + places, 0].tolist()
    return int(min(inside))


def release_outlet(floor: Floor) -> None:
    """The plant has taken the completed lot: the parts of the next one may leave, or its one part may."""
    floor.now[OUTLET] = 0
    if floor.now[HANDOVER] == OFFERED:
        floor.now[HANDOVER] = FETCHED
    floor.stage[-1, TOUCHED] = 1
    floor.now[UNSETTLED] = 1


def snapshot(floor: Floor) -> Floor:
    """A copy that `advance` can change without touching the original; the parts' own facts are shared."""
    copies = {name: getattr(floor, name).copy() for name in Floor._fields if name != "part"}
    return Floor(part=floor.part, **copies)


def with_more_room(chain: Chain, floor: Floor) -> tuple[Chain, Floor]:
    """Twice the room for queues without limit (after `advance` has returned ROOM)."""
    longer = with_longer_rings(chain)
    ring = np.zeros((int(longer.stage[:, RING_SIZE].sum()), 2), np.int64)
    stage = floor.stage.copy()
    for m in range(len(chain.stage)):
        level = stage[m, LEVEL]
        places = (stage[m, HEAD] + np.arange(level)) % max(chain.stage[m, RING_SIZE], 1)
        ring[longer.stage[m, RING] + np.arange(level)] = floor.ring[chain.stage[m, RING] + places]
        stage[m, HEAD] = 0
    return longer, floor._replace(ring=ring, stage=stage)


def clear(chain: Chain, floor: Floor, tally: Tally) -> None:
    """Take every part out of machines and buffers; nothing is known to come."""
    now, unit, stage = floor.now, floor.unit, floor.stage
    for u in range(len(floor.due)):
        m = unit[u, STAGE]
        first, end = chain.stage[m, MODE], chain.stage[m, MODE_END]
        book(unit, tally.ticks, now[BIN], stage[m, OFF], u, m, now[NOW])
        if unit[u, PART] < 0:
            continue
        if unit[u, DONE] == 0 and unit[u, CONDITION] == UP and not stage[m, OFF]:
            clocks = floor.clock[unit[u, CLOCK] : unit[u, CLOCK] + end - first]
            clocks[:, LEFT] -= now[NOW] * (chain.mode[first:end, TIME_DEPENDENT] == 0)
        unit[u, [PART, DONE]] = -1, 0
        if unit[u, CONDITION] == UP:
            unit[u, FREE_SINCE] = now[NOW]
            stage[m, FREE] += 1
        set_due(unit, floor.due, floor.clock, chain.mode, first, end, stage[m, OFF], u)
    stage[:, [LEVEL, FINISHED]] = 0
    now[[ARRIVED, TAKEN]] = now[FED]
    now[GATHERING] = now[LOTS]
    now[[COMPLETED, OUTLET, THROUGH, HANDOVER]] = 0


def thrown_away(floor: Floor) -> Ints:
    """Numbers of the parts that breakdowns threw away since the last call, and the stages where; shape (n, 2)."""
    rows = floor.thrown[: floor.now[N_THROWN]].copy()
    floor.now[N_THROWN] = 0
    return rows


def close(chain: Chain, floor: Floor, tally: Tally, manner: int, end: int) -> None:
    """Account for the time of all units, and for the stays of all parts still there, up to tick `end`."""
    first, beyond = tally.window
    stages = len(chain.stage)

    def stay(row: int, came: int) -> None:
        tally.stays[row, AREA] += max(0, min(end, beyond) - max(came, first))

    def whole(number: int) -> None:
        stay(stages + 1, floor.part[number & (len(floor.part) - 1), READY])

    for u in range(len(floor.due)):
        m = floor.unit[u, STAGE]
        book(floor.unit, tally.ticks, floor.now[BIN], floor.stage[m, OFF], u, m, end)
        if floor.unit[u, PART] >= 0:
            whole(floor.unit[u, PART])
    for m in range(stages):
        tally.stays[m, MOST] = max(tally.stays[m, MOST], floor.stage[m, LEVEL])
        for place in range(floor.stage[m, LEVEL]):
            at = (floor.stage[m, HEAD] + place) % chain.stage[m, RING_SIZE]
            number, came = floor.ring[chain.stage[m, RING] + at]
            stay(m, came)
            whole(number)
    if manner == WAIT:
        tally.stays[stages, MOST] = max(tally.stays[stages, MOST], floor.now[ARRIVED] - floor.now[TAKEN])
        for number in range(floor.now[TAKEN], floor.now[ARRIVED]):
            stay(stages, floor.part[number & (len(floor.part) - 1), READY])
            whole(number)


@kernel
def set_due(unit: Ints, due: Ints, clock: Ints, mode: Ints, first_mode: int, end_mode: int, off: int, u: int) -> None:
    """Find the next event of a unit whose clocks and END are up to date."""
    tick = FOREVER
    condition = unit[u, CONDITION]
    if condition == REPAIR:
        tick = unit[u, REPAIRED]
    elif condition == UP and off == 0:
        works = unit[u, PART] >= 0 and unit[u, DONE] == 0
        if works:
            tick = unit[u, END]
        row = unit[u, CLOCK] - first_mode
        for k in range(first_mode, end_mode):
            if works or mode[k, TIME_DEPENDENT] == 1:
                tick = min(tick, clock[row + k, LEFT])
    due[u] = tick


@kernel
def book(unit: Ints, ticks: Ints, row: int, off: int, u: int, m: int, now: int) -> None:
    """Account for the time of a unit up to tick `now`, all of it spent in its present state."""
    since = unit[u, SINCE]
    if now == since:
        return
    if off:
        what = PLANNED
    elif unit[u, CONDITION] == REPAIR:
        what = DOWN
    elif unit[u, CONDITION] != UP:
        what = WAITING_CREW
    elif unit[u, PART] < 0:
        what = STARVED
    elif unit[u, DONE]:
        what = BLOCKED
    else:
        what = WORKING
    ticks[row, m, what] += now - since
    unit[u, SINCE] = now
