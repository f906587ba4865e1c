"""A chain of machines moved from event to event, by a scan over all units for the next one.

Slower than the recursion, but time runs forward in it, so it takes whatever the conventions of
`cellfab.kernels.serial_line` allow: time-dependent clocks, several units per stage, repairs that wait for a crew. It
is resumable: `advance` returns at the first thing that only somebody outside can decide, and goes on from there.

At one tick things happen in this order: work ends, breakdowns strike machines at work and repairs end; planned stops
begin and end; breakdowns strike machines that wait; then parts move, the longest-waiting first. Parts move from the
last stage to the first: what one stage takes only makes room in the stage before.
"""

from __future__ import annotations

import numpy as np

from cellfab.kernels._jit import kernel
from cellfab.kernels.laws import duration
from cellfab.kernels.serial_floor import (
    ARRIVED,
    BIN,
    BOUNDARY,
    CALL,
    CALLING,
    CALLS,
    CHANGES,
    CLOCK,
    COMPLETE,
    COMPLETED,
    CONDITION,
    DONE,
    END,
    ENTITY,
    EXIT,
    FED,
    FETCHED,
    FINISHED,
    FINISHES,
    FREE,
    FREE_SINCE,
    GATHERING,
    GREW,
    GREW_TO,
    HANDOVER,
    HEAD,
    INPUT,
    INSIDE,
    LEFT,
    LEVEL,
    LOST,
    LOT,
    LOTS,
    NOW,
    OFF,
    OFFERED,
    OUTLET,
    PART,
    READY,
    REPAIR,
    ROOM,
    ROW,
    RUN_OUT,
    SILENT,
    SINCE,
    STAGE,
    TAKEN,
    THROUGH,
    TOUCHED,
    UNSETTLED,
    UNTIL,
    UP,
    WAITS,
    Floor,
)
from cellfab.kernels.serial_line import (
    AREA,
    AT_HAND,
    BLOCKED,
    CAME,
    CAPACITY,
    COUNT,
    DOWN,
    EXITED,
    FIRST_UNIT,
    FOREVER,
    LONGEST,
    LOSE,
    MADE,
    MODE,
    MODE_END,
    MOST,
    PLANNED,
    RING,
    RING_SIZE,
    STARTED,
    STARVED,
    TIME_DEPENDENT,
    TOTAL,
    TURNED_AWAY,
    TURNED_AWAY_EVER,
    UNITS,
    WAIT,
    WAITING_CREW,
    WENT_ON,
    WORKING,
    Chain,
    Ints,
    Tally,
    note_stay,
)
from cellfab.kernels.serial_units import (
    change_shifts,
    gone,
    longest_free,
    look_at_calendar,
    mended,
    oldest_finished,
    strike,
)
from cellfab.kernels.sketch import bucket
from cellfab.units import TICKS_PER_S


@kernel
def advance(
    chain: Chain,
    floor: Floor,
    tally: Tally,
    manner: int,
    expecting: int,
    cycle_factor: float,
    failure_factor: float,
    repair_factor: float,
    until: int,
    log: Ints,
) -> tuple[int, int]:
    """Let time pass until something happens that only somebody outside can decide.

    Parameters
    ----------
    chain, floor, tally
        Floor and tally are changed; `floor.now[NOW]` is the tick reached.
    manner : int
        WAIT, LOSE or AT_HAND: what a part does that finds no room.
    expecting : int
        SILENT; RUN_OUT: return when the known parts have run out: all of them come (all let in, if AT_HAND); ADMITTING:
        return when all of them have been let in and the first stage could take another.
    cycle_factor, failure_factor, repair_factor : float
        On cycles (1 / rate), and on times to failure and to repair drawn during the call.
    until : int
        Last tick to deal with.
    log : shape (n, M, 3) or (0, 0, 0)
        Output: ticks of start, finish (or breakdown) and leaving, per part number and stage.

    Returns
    -------
    reason : int
        UNTIL, INPUT, CALL, COMPLETE, ROOM or LOST, after everything at that tick has moved that could.
    which : int
        CALL: the unit; COMPLETE, LOST: the lot; ROOM: the stage.
    """
    # Arrays are taken out of their tuples once: each later access would count references, at ten times the price.
    table, mode, fixed_s = chain.stage, chain.mode, chain.fixed_s
    law, parameters, pool, pool_start, key = chain.law, chain.parameters, chain.pool, chain.pool_start, chain.key
    unit, due, clock, stage, ring = floor.unit, floor.due, floor.clock, floor.stage, floor.ring
    part, lot, now = floor.part, floor.lot, floor.now
    ticks, parts, window, stays = tally.ticks, tally.parts, tally.window, tally.stays
    gate, sketch = tally.gate, tally.sketch
    stages = table.shape[0]
    mask = part.shape[0] - 1
    fixed = np.empty(stages, np.int64)
    for m in range(stages):
        fixed[m] = int(np.rint(fixed_s[m] * cycle_factor * TICKS_PER_S)) if fixed_s[m] >= 0.0 else -1
    while True:
        following = now[BOUNDARY]
        if now[ARRIVED] < now[FED]:
            following = min(following, part[now[ARRIVED] & mask, READY])
        for u in range(due.size):
            following = min(following, due[u])
        t = now[NOW]

        if following > t and now[UNSETTLED]:
            now[UNSETTLED] = 0
            for m in range(stages, -1, -1):
                if stage[m, TOUCHED] == 0:
                    continue
                stage[m, TOUCHED] = 0
                first_before = table[m - 1, FIRST_UNIT] if m > 0 else 0
                units_before = table[m - 1, UNITS] if m > 0 else 0
                capacity = table[m, CAPACITY] if m < stages else 0
                moved = True
                while moved:
                    moved = False
                    # Who could give a part? A finished unit of the stage before, or whoever waits outside.
                    giver = number = -1
                    if m > 0:
                        if stage[m - 1, FINISHED] > 0 and (m < stages or now[OUTLET] == 0):
                            only = now[GATHERING] if m == stages else -1
                            giver = first_before
                            if units_before > 1:
                                giver = oldest_finished(unit, part, first_before, units_before, only)
                            elif m == stages and part[unit[giver, PART] & mask, LOT] != only:
                                giver = -1
                            if giver >= 0:
                                number = unit[giver, PART]
                    else:
                        while now[TAKEN] < now[ARRIVED] and part[now[TAKEN] & mask, EXIT] < 0:
                            gone(part, lot, now, now[TAKEN])
                            now[TAKEN] += 1
                        if now[TAKEN] < now[ARRIVED]:
                            number = now[TAKEN]
                    # Can somebody take one?
                    goes_in = came = -1
                    into_buffer = leaves = False
                    if m == stages:
                        leaves = number >= 0
                        if leaves and part[number & mask, EXIT] > stages and now[HANDOVER] != FETCHED:
                            leaves = False
                            if now[HANDOVER] == INSIDE:
                                now[HANDOVER] = FINISHES
                    else:
                        if capacity != 0 and number >= 0 and (capacity < 0 or stage[m, LEVEL] < capacity):
                            if stage[m, LEVEL] == table[m, RING_SIZE]:
                                stage[m, TOUCHED] = 1
                                now[UNSETTLED] = 1
                                return ROOM, m
                            into_buffer = True
                        if stage[m, OFF] == 0 and stage[m, FREE] > 0:
                            if stage[m, LEVEL] > 0:
                                place = table[m, RING] + stage[m, HEAD]
                                goes_in = ring[place, 0]
                                came = ring[place, 1]
                                into_buffer = False
                            elif capacity == 0 and number >= 0:
                                goes_in = number
                                leaves = True
                    # The part leaves where it was ...
                    if into_buffer or leaves:
                        moved = True
                        if m > 0:
                            what = BLOCKED
                            if stage[m - 1, OFF]:
                                what = PLANNED
                            elif unit[giver, CONDITION] != UP:
                                what = DOWN if unit[giver, CONDITION] == REPAIR else WAITING_CREW
                            ticks[now[BIN], m - 1, what] += t - unit[giver, SINCE]
                            unit[giver, SINCE] = t
                            unit[giver, PART] = -1
                            unit[giver, DONE] = 0
                            stage[m - 1, FINISHED] -= 1
                            if unit[giver, CONDITION] == UP:
                                stage[m - 1, FREE] += 1
                                unit[giver, FREE_SINCE] = t
                            stage[m - 1, TOUCHED] = 1
                            parts[now[BIN], m - 1, WENT_ON] += 1
                            if log.size > 0:
                                log[number, m - 1, 2] = t
                            if m == stages:
                                came = part[number & mask, READY]
                                note_stay(window, stays, sketch, stages + 1, came, t, True)
                                now[THROUGH] += 1
                                gone(part, lot, now, number)
                        else:
                            now[TAKEN] += 1
                            if manner == AT_HAND:
                                part[number & mask, READY] = t
                                gate[CAME] += window[0] <= t < window[1]
                            elif manner == WAIT:
                                note_stay(window, stays, sketch, stages, part[number & mask, READY], t, True)
                        if into_buffer:
                            place = stage[m, HEAD] + stage[m, LEVEL]
                            place -= table[m, RING_SIZE] if place >= table[m, RING_SIZE] else 0
                            ring[table[m, RING] + place, 0] = number
                            ring[table[m, RING] + place, 1] = t
                            stage[m, LEVEL] += 1
                            now[GREW] = min(now[GREW], m)
                            now[GREW_TO] = max(now[GREW_TO], m)
                    # ... and starts where it goes.
                    if goes_in >= 0:
                        moved = True
                        if came >= 0:
                            # What `note_stay` does, without the price of a call with three arrays.
                            stay = t - came
                            if window[0] <= t < window[1]:
                                stays[m, COUNT] += 1
                                stays[m, TOTAL] += stay
                                stays[m, LONGEST] = max(stays[m, LONGEST], stay)
                                stays[m, AREA] += t - max(came, window[0])
                                if sketch.shape[0] > 0:
                                    sketch[m, bucket(stay)] += 1
                            elif t >= window[1] > came:
                                stays[m, AREA] += window[1] - max(came, window[0])
                            stage[m, LEVEL] -= 1
                            following_place = stage[m, HEAD] + 1
                            stage[m, HEAD] = following_place if following_place < table[m, RING_SIZE] else 0
                        u = table[m, FIRST_UNIT]
                        if table[m, UNITS] > 1:
                            u = longest_free(unit, u, table[m, UNITS])
                        ticks[now[BIN], m, STARVED] += t - unit[u, SINCE]
                        unit[u, SINCE] = t
                        cycle = fixed[m]
                        if cycle < 0:
                            p0, p1, p2 = parameters[m, 0], parameters[m, 1], parameters[m, 2]
                            values = pool[pool_start[m] : pool_start[m + 1]]
                            entity, row = part[goes_in & mask, ENTITY], part[goes_in & mask, ROW]
                            cycle = duration(law[m], p0, p1, p2, values, cycle_factor, key[m], entity, row)
                        unit[u, PART] = goes_in
                        parts[now[BIN], m, STARTED] += 1
                        unit[u, END] = t + cycle
                        stage[m, FREE] -= 1
                        event = t + cycle
                        row = unit[u, CLOCK] - table[m, MODE]
                        for k in range(table[m, MODE], table[m, MODE_END]):
                            if mode[k, TIME_DEPENDENT] == 0:
                                clock[row + k, LEFT] += t
                            event = min(event, clock[row + k, LEFT])
                        due[u] = event
                        if log.size > 0:
                            log[goes_in, m, 0] = t
            if manner == LOSE and now[TAKEN] < now[ARRIVED]:
                gate[TURNED_AWAY] += (now[ARRIVED] - now[TAKEN]) * (window[0] <= t < window[1])
                gate[TURNED_AWAY_EVER] += now[ARRIVED] - now[TAKEN]
                now[TAKEN] = now[ARRIVED]
            if now[CALLING] == 0:
                continue

        if following > t:
            if now[CALLING] > 0:
                for u in range(due.size):
                    if unit[u, CONDITION] == CALLS:
                        unit[u, CONDITION] = WAITS
                        now[CALLING] -= 1
                        return CALL, u
            if now[HANDOVER] == FINISHES:
                now[HANDOVER] = OFFERED
                return COMPLETE, now[GATHERING]
            if now[COMPLETED]:
                # The lot goes into the outlet, unless nothing of it is left; the parts of the next one queue up behind.
                handover = now[HANDOVER]
                now[HANDOVER] = INSIDE
                now[OUTLET] = max(now[OUTLET], now[THROUGH] > 0 and handover != FETCHED)
                now[THROUGH] = 0
                now[GATHERING] += 1
                now[COMPLETED] = now[GATHERING] < now[LOTS] and lot[now[GATHERING] % lot.size] == 0
                stage[stages, TOUCHED] = 1
                now[UNSETTLED] = 1
                if handover == FETCHED:
                    continue
                return (LOST if handover == OFFERED else COMPLETE), now[GATHERING] - 1
            known = now[TAKEN] if manner == AT_HAND else now[ARRIVED]
            if expecting != SILENT and known == now[FED] and (expecting == RUN_OUT or stage[0, FREE] > 0):
                return INPUT, 0
            if following > until:
                now[NOW] = max(t, until)
                return UNTIL, 0
            # Only a level that lasts counts: a part may come and go at one tick.
            for m in range(now[GREW], now[GREW_TO] + 1):
                if window[0] <= t < window[1]:
                    stays[m, MOST] = max(stays[m, MOST], stage[m, LEVEL])
            now[GREW] = stages
            now[GREW_TO] = -1
            if manner == WAIT and window[0] <= t < window[1]:
                stays[stages, MOST] = max(stays[stages, MOST], now[ARRIVED] - now[TAKEN])
            t = now[NOW] = following

        changes = now[BOUNDARY] == t
        if changes:
            look_at_calendar(chain, floor, tally)
        while now[ARRIVED] < now[FED] and part[now[ARRIVED] & mask, READY] == t:
            now[ARRIVED] += 1
            gate[CAME] += window[0] <= t < window[1]
            stage[0, TOUCHED] = 1
            now[UNSETTLED] = 1
        for u in range(due.size):
            if due[u] > t:
                continue
            m = unit[u, STAGE]
            if unit[u, CONDITION] == REPAIR:
                mended(chain, floor, tally, u, failure_factor)
            elif unit[u, PART] >= 0 and unit[u, DONE] == 0 and unit[u, END] == t:
                ticks[now[BIN], m, WORKING] += t - unit[u, SINCE]
                unit[u, SINCE] = t
                event = FOREVER
                row = unit[u, CLOCK] - table[m, MODE]
                for k in range(table[m, MODE], table[m, MODE_END]):
                    if mode[k, TIME_DEPENDENT] == 1:
                        event = min(event, clock[row + k, LEFT])
                    else:
                        clock[row + k, LEFT] -= t
                due[u] = event
                unit[u, DONE] = 1
                parts[now[BIN], m, MADE] += 1
                number = unit[u, PART]
                if log.size > 0:
                    log[number, m, 1] = t
                    log[number, m, 2] = t
                if part[number & mask, EXIT] == m:
                    unit[u, PART] = -1
                    unit[u, DONE] = 0
                    unit[u, FREE_SINCE] = t
                    stage[m, FREE] += 1
                    stage[m, TOUCHED] = 1
                    parts[now[BIN], m, EXITED] += 1
                    note_stay(window, stays, sketch, stages + 1, part[number & mask, READY], t, False)
                    gone(part, lot, now, number)
                else:
                    stage[m, FINISHED] += 1
                    stage[m + 1, TOUCHED] = 1
                now[UNSETTLED] = 1
            elif (unit[u, PART] >= 0 and unit[u, DONE] == 0) or stage[m, CHANGES] == 0:
                if log.size > 0 and unit[u, PART] >= 0 and unit[u, DONE] == 0:
                    number = unit[u, PART]
                    strike(chain, floor, tally, u, repair_factor)
                    if unit[u, PART] < 0:
                        log[number, m, 1] = t
                        log[number, m, 2] = t
                else:
                    strike(chain, floor, tally, u, repair_factor)
        if changes:
            change_shifts(chain, floor, tally)
