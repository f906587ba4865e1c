"""What happens to one unit of a chain in the event scan: it breaks down, is mended, begins and ends its planned stops.

Small steps on the arrays of `cellfab.kernels.serial_floor`, used by `cellfab.kernels.serial_events`.
"""

from __future__ import annotations

from cellfab.kernels._jit import kernel
from cellfab.kernels.serial_floor import (
    BIN,
    BOUNDARY,
    CALLING,
    CALLS,
    CHANGES,
    CLOCK,
    COMPLETED,
    CONDITION,
    DONE,
    END,
    FINISHED,
    FREE,
    FREE_SINCE,
    GATHERING,
    LEFT,
    LEVEL,
    LOT,
    MODE_STRUCK,
    N_THROWN,
    NEXT_STOP,
    NOW,
    OFF,
    PART,
    READY,
    REPAIR,
    REPAIRED,
    STAGE,
    STRUCK,
    TOUCHED,
    UNSETTLED,
    UP,
    Floor,
    book,
    set_due,
)
from cellfab.kernels.serial_line import (
    CREW,
    FAILED,
    FIRST_UNIT,
    FOREVER,
    MODE,
    MODE_END,
    OPEN,
    SCRAP,
    THROWN,
    TIME_DEPENDENT,
    UNITS,
    Chain,
    Ints,
    Tally,
    draw,
    note_stay,
)


@kernel
def move_clocks(
    unit: Ints, clock: Ints, mode: Ints, first_mode: int, end_mode: int, u: int, kind: int, by: int
) -> None:
    """Set going (`by` = now) or stop (`by` = -now) the clocks of a unit that are of `kind` (1: time-dependent)."""
    row = unit[u, CLOCK] - first_mode
    for k in range(first_mode, end_mode):
        if mode[k, TIME_DEPENDENT] == kind:
            clock[row + k, LEFT] += by


@kernel
def gone(part: Ints, lot: Ints, now: Ints, number: int) -> None:
    """A part has left in whichever way."""
    which = part[number & (part.shape[0] - 1), LOT]
    lot[which % lot.size] -= 1
    if lot[which % lot.size] == 0 and which == now[GATHERING] and now[COMPLETED] == 0:
        now[COMPLETED] = 1


@kernel
def strike(chain: Chain, floor: Floor, tally: Tally, u: int, repair_factor: float) -> None:
    """The first clock of a unit that has run out strikes."""
    unit, clock, now, stage = floor.unit, floor.clock, floor.now, floor.stage
    m = unit[u, STAGE]
    t = now[NOW]
    first, end = chain.stage[m, MODE], chain.stage[m, MODE_END]
    works = unit[u, PART] >= 0 and unit[u, DONE] == 0
    struck = first
    row = unit[u, CLOCK] - first
    while clock[row + struck, LEFT] > t or not (works or chain.mode[struck, TIME_DEPENDENT]):
        struck += 1
    book(unit, tally.ticks, now[BIN], stage[m, OFF], u, m, t)
    move_clocks(unit, clock, chain.mode, first, end, u, 1, -t)
    if works:
        move_clocks(unit, clock, chain.mode, first, end, u, 0, -t)
        unit[u, END] -= t
    tally.parts[now[BIN], m, FAILED] += 1
    number = unit[u, PART]
    if number < 0:
        stage[m, FREE] -= 1
    elif chain.mode[struck, SCRAP]:
        if not works:
            stage[m, FINISHED] -= 1
        unit[u, PART] = -1
        unit[u, DONE] = 0
        tally.parts[now[BIN], m, THROWN] += 1
        came = floor.part[number & (floor.part.shape[0] - 1), READY]
        note_stay(tally.window, tally.stays, tally.sketch, chain.stage.shape[0] + 1, came, t, False)
        floor.thrown[now[N_THROWN] % floor.thrown.shape[0], 0] = number
        floor.thrown[now[N_THROWN] % floor.thrown.shape[0], 1] = m
        now[N_THROWN] += 1
        gone(floor.part, floor.lot, now, number)
    unit[u, MODE_STRUCK] = struck
    if chain.mode[struck, CREW]:
        unit[u, CONDITION] = CALLS
        now[CALLING] += 1
        floor.due[u] = FOREVER
    else:
        start_repair(chain, floor, tally, u, repair_factor)


@kernel
def start_repair(chain: Chain, floor: Floor, tally: Tally, u: int, repair_factor: float) -> None:
    """The crew is there: the repair of unit `u` starts now."""
    unit, now = floor.unit, floor.now
    m = unit[u, STAGE]
    book(unit, tally.ticks, now[BIN], floor.stage[m, OFF], u, m, now[NOW])
    struck = unit[u, MODE_STRUCK]
    times = floor.clock[unit[u, CLOCK] + struck - chain.stage[m, MODE], STRUCK]
    index = u - chain.stage[m, FIRST_UNIT]
    unit[u, CONDITION] = REPAIR
    repair = draw(chain, chain.stage.shape[0] + 2 * struck + 1, repair_factor, index, times)
    unit[u, REPAIRED] = floor.due[u] = now[NOW] + repair


@kernel
def mended(chain: Chain, floor: Floor, tally: Tally, u: int, failure_factor: float) -> None:
    """The repair of a unit ends."""
    unit, clock, now, stage = floor.unit, floor.clock, floor.now, floor.stage
    m = unit[u, STAGE]
    t = now[NOW]
    first, end = chain.stage[m, MODE], chain.stage[m, MODE_END]
    book(unit, tally.ticks, now[BIN], stage[m, OFF], u, m, t)
    struck = unit[u, MODE_STRUCK]
    row = unit[u, CLOCK] + struck - first
    clock[row, STRUCK] += 1
    # At least one tick, or a unit that fails at once after each repair would never let time pass.
    run = draw(
        chain, chain.stage.shape[0] + 2 * struck, failure_factor, u - chain.stage[m, FIRST_UNIT], clock[row, STRUCK]
    )
    clock[row, LEFT] = max(1, run)
    unit[u, CONDITION] = UP
    if stage[m, OFF] == 0:
        go_on(unit, clock, chain.mode, first, end, u, t)
    if unit[u, PART] < 0:
        stage[m, FREE] += 1
        unit[u, FREE_SINCE] = t
        stage[m, TOUCHED] = 1
        now[UNSETTLED] = 1
    set_due(unit, floor.due, clock, chain.mode, first, end, stage[m, OFF], u)


@kernel
def go_on(unit: Ints, clock: Ints, mode: Ints, first: int, end: int, u: int, tick: int) -> None:
    """An interruption ends at `tick`: clocks and work of a unit that is up go on. With -`tick` they stop."""
    move_clocks(unit, clock, mode, first, end, u, 1, tick)
    if unit[u, PART] >= 0 and unit[u, DONE] == 0:
        move_clocks(unit, clock, mode, first, end, u, 0, tick)
        unit[u, END] += tick


@kernel
def look_at_calendar(chain: Chain, floor: Floor, tally: Tally) -> None:
    """At an edge of a bin account for everybody; mark the stages whose planned stop begins or ends now."""
    now, stage = floor.now, floor.stage
    t = now[NOW]
    following = FOREVER
    for m in range(chain.stage.shape[0]):
        if t == tally.window[0]:
            tally.stays[m, OPEN] = stage[m, LEVEL]
    if t == tally.edges[now[BIN] + 1]:
        for u in range(floor.due.size):
            m = floor.unit[u, STAGE]
            book(floor.unit, tally.ticks, now[BIN], stage[m, OFF], u, m, t)
        now[BIN] += 1
    for m in range(chain.stage.shape[0]):
        stop = stage[m, NEXT_STOP]
        if t == chain.stops[stop, stage[m, OFF]]:
            stage[m, CHANGES] = 1
            following = min(following, chain.stops[stop, 1] if stage[m, OFF] == 0 else chain.stops[stop + 1, 0])
        else:
            following = min(following, chain.stops[stop, stage[m, OFF]])
    now[BOUNDARY] = min(following, tally.edges[now[BIN] + 1])


@kernel
def change_shifts(chain: Chain, floor: Floor, tally: Tally) -> None:
    """Begin or end the planned stops that were marked."""
    now, stage, unit = floor.now, floor.stage, floor.unit
    t = now[NOW]
    for m in range(chain.stage.shape[0]):
        if stage[m, CHANGES] == 0:
            continue
        stage[m, CHANGES] = 0
        first, end = chain.stage[m, MODE], chain.stage[m, MODE_END]
        for u in range(chain.stage[m, FIRST_UNIT], chain.stage[m, FIRST_UNIT] + chain.stage[m, UNITS]):
            book(unit, tally.ticks, now[BIN], stage[m, OFF], u, m, t)
            if unit[u, CONDITION] == UP:
                go_on(unit, floor.clock, chain.mode, first, end, u, t if stage[m, OFF] else -t)
            set_due(unit, floor.due, floor.clock, chain.mode, first, end, 1 - stage[m, OFF], u)
        if stage[m, OFF]:
            stage[m, NEXT_STOP] += 1
            stage[m, TOUCHED] = 1
            now[UNSETTLED] = 1
        stage[m, OFF] = 1 - stage[m, OFF]


@kernel
def oldest_finished(unit: Ints, part: Ints, first: int, units: int, lot: int) -> int:
    """Unit of a stage whose finished part has waited longest; with `lot` >= 0 only parts of that lot; -1: none."""
    best = -1
    for u in range(first, first + units):
        if unit[u, PART] < 0 or unit[u, DONE] == 0:
            continue
        if lot >= 0 and part[unit[u, PART] & (part.shape[0] - 1), LOT] != lot:
            continue
        if (
            best < 0
            or unit[u, END] < unit[best, END]
            or (unit[u, END] == unit[best, END] and unit[u, PART] < unit[best, PART])
        ):
            best = u
    return best


@kernel
def longest_free(unit: Ints, first: int, units: int) -> int:
    """Unit of a stage that has been able to take a part for longest; there is one."""
    best = -1
    for u in range(first, first + units):
        if (
            unit[u, PART] < 0
            and unit[u, CONDITION] == UP
            and (best < 0 or unit[u, FREE_SINCE] < unit[best, FREE_SINCE])
        ):
            best = u
    return best
