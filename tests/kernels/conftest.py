"""The slow, obvious twin of the flow kernels: a chain of machines moved one tick at a time."""

from __future__ import annotations

from collections import Counter, deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cellfab.kernels.laws import duration
from cellfab.kernels.serial_line import AT_HAND, LOSE, WAIT, Stage

WORKING, SETUP, STARVED, BLOCKED, DOWN, WAITING_CREW, PLANNED, CONVERTING = range(8)


class Part:
    def __init__(self, number: int, entity: int, row: int, exit_stage: int, ready: int, lot: int) -> None:
        self.number, self.entity, self.row, self.exit_stage = number, entity, row, exit_stage
        self.ready, self.lot = ready, lot
        self.came_in_buffer = -1


class Unit:
    def __init__(self, m: int, index: int, stage: Stage) -> None:
        self.m, self.index, self.stage = m, index, stage
        self.part: Part | None = None
        self.done = False
        self.left = self.finished_at = self.free_since = 0
        self.condition = "up"
        self.mode = self.repair_at = self.called_at = 0
        self.worked_just_now = False
        self.clocks = [max(1, self.draw(k, "failure", 0)) for k in range(len(stage.modes))]
        self.struck = [0] * len(stage.modes)

    def draw(self, k: int, what: str, number: int) -> int:
        mode = self.stage.modes[k]
        law, key = (
            (mode.time_to_failure, mode.failure_key) if what == "failure" else (mode.time_to_repair, mode.repair_key)
        )
        return int(duration(*law, 1.0, key, self.index, number))

    @property
    def working(self) -> bool:
        return self.part is not None and not self.done


class Twin:
    """Conventions of `cellfab.kernels.serial_line`, ticks of 1.

    Parameters
    ----------
    stages : list of Stage
    manner : int
    crew : int or None
        Members of the one crew that all modes with `crew` share; first come first served.
    outlet_delays : list of int
        Ticks for which each completed lot stays in the outlet.
    """

    def __init__(self, stages: list[Stage], manner: int, crew: int = 1, outlet_delays: tuple[int, ...] = ()) -> None:
        self.stages, self.manner = stages, manner
        self.units = [[Unit(m, i, s) for i in range(s.units)] for m, s in enumerate(stages)]
        self.buffers: list[deque[Part]] = [deque() for _ in stages]
        self.outside: deque[Part] = deque()
        self.crew_free = crew
        self.queue: list[Unit] = []
        self.log: dict[tuple[int, int], list[int]] = {}
        self.ticks = np.zeros((len(stages), 8), np.int64)
        self.area = np.zeros(len(stages) + 2, np.int64)
        self.most = np.zeros(len(stages), np.int64)
        self.stays: dict[int, list[int]] = {row: [] for row in range(len(stages) + 2)}
        self.thrown: list[tuple[int, int]] = []
        self.lost: list[int] = []
        self.struck: set[tuple[int, int, int]] = set()
        self.inside_of_lot: dict[int, int] = {}
        self.outlet_delays = outlet_delays
        self.gathering, self.outlet_until = 0, -1
        self.completed: list[tuple[int, int]] = []
        self.through: Counter[int] = Counter()
        self.t = 0

    def off(self, m: int) -> bool:
        return any(a <= self.t < b for a, b in self.stages[m].stops)

    # One tick.

    def step(self, arriving: list[Part]) -> None:
        self.outside.extend(arriving)
        for part in arriving:
            self.inside_of_lot[part.lot] = self.inside_of_lot.get(part.lot, 0) + 1
        moved = True
        while moved:
            while any(self.event(unit) for units in self.units for unit in units):
                pass
            moved = self.settle()
            if self.manner == LOSE:
                self.lost += [part.number for part in self.outside]
                self.outside.clear()
            while self.queue and self.crew_free:
                self.crew_free -= 1
                called = min(self.queue, key=lambda u: (u.called_at, u.m, u.index))
                self.queue.remove(called)
                self.repair(called)
                moved = True
        self.account()
        self.t += 1

    def event(self, unit: Unit) -> bool:
        if unit.condition == "repair" and unit.repair_at == self.t:
            unit.condition = "up"
            unit.struck[unit.mode] += 1
            unit.clocks[unit.mode] = max(1, unit.draw(unit.mode, "failure", unit.struck[unit.mode]))
            if unit.stage.modes[unit.mode].crew:
                self.crew_free += 1
            if unit.part is None:
                unit.free_since = self.t
            return True
        if unit.condition != "up":
            return False
        if unit.working and unit.left == 0:
            unit.done, unit.finished_at = True, self.t
            self.log[unit.part.number, unit.m][1:] = [self.t, self.t]
            if unit.part.exit_stage == unit.m:
                self.leaves_line(unit.part, through=False)
                unit.part, unit.done, unit.free_since = None, False, self.t
            return True
        on = not self.off(unit.m)
        for k, mode in enumerate(unit.stage.modes):
            running = (unit.working and (on or unit.worked_just_now)) or (
                mode.time_dependent and not unit.working and on
            )
            if running and unit.clocks[k] <= 0:
                self.strike(unit, k)
                return True
        return False

    def strike(self, unit: Unit, k: int) -> None:
        unit.mode = k
        if unit.stage.modes[k].scrap and unit.part is not None:
            if unit.working:
                self.log[unit.part.number, unit.m][1:] = [self.t, self.t]
                self.struck.add((unit.part.number, unit.m, self.t))
            self.thrown.append((unit.part.number, unit.m))
            self.leaves_line(unit.part, through=False)
            unit.part, unit.done = None, False
        if unit.stage.modes[k].crew:
            unit.condition = "waits"
            unit.called_at = self.t
            self.queue.append(unit)
        else:
            self.repair(unit)

    def repair(self, unit: Unit) -> None:
        unit.condition = "repair"
        unit.repair_at = self.t + unit.draw(unit.mode, "repair", unit.struck[unit.mode])

    def leaves_line(self, part: Part, through: bool) -> None:
        self.through[part.lot] += through
        if through:
            self.stays[len(self.stages) + 1].append(self.t - part.ready)
        self.area[-1] += self.t - part.ready
        self.inside_of_lot[part.lot] -= 1

    # Moves.

    def settle(self) -> bool:
        moved = False
        while any(self.pull(m) for m in range(len(self.stages), -1, -1)):
            moved = True
        lot = self.gathering
        if (
            self.outlet_delays
            and self.inside_of_lot.get(lot, -1) == 0
            and (self.outlet_until < 0 or not self.through[lot])
        ):
            self.completed.append((lot, self.t))
            if self.through[lot]:
                self.outlet_until = self.t + self.outlet_delays[lot]
            self.gathering += 1
            moved = True
        if 0 <= self.outlet_until <= self.t:
            self.outlet_until = -1
            moved = True
        return moved

    def giver(self, m: int) -> tuple[Unit | None, Part | None]:
        """Who could give stage `m` a part, and which."""
        if m == 0:
            while self.outside and self.outside[0].exit_stage < 0:
                self.inside_of_lot[self.outside.popleft().lot] -= 1
            return None, self.outside[0] if self.outside else None
        waiting = [u for u in self.units[m - 1] if u.done]
        if m == len(self.stages) and self.outlet_delays:
            waiting = [u for u in waiting if u.part.lot == self.gathering and self.outlet_until < 0]
        if not waiting:
            return None, None
        unit = min(waiting, key=lambda u: (u.finished_at, u.part.number))
        return unit, unit.part

    def let_go(self, m: int, unit: Unit | None, part: Part) -> None:
        if unit is not None:
            self.log[part.number, m - 1][2] = self.t
            unit.part, unit.done = None, False
            unit.free_since = self.t
        else:
            self.outside.popleft()
            if self.manner == AT_HAND:
                part.ready = self.t
            elif self.manner == WAIT:
                self.stays[len(self.stages)].append(self.t - part.ready)

    def pull(self, m: int) -> bool:
        moved = False
        if m == len(self.stages):
            unit, part = self.giver(m)
            if part is not None:
                self.let_go(m, unit, part)
                self.leaves_line(part, through=True)
            return part is not None
        capacity, buffer = self.stages[m].capacity, self.buffers[m]
        unit, part = self.giver(m)
        if capacity != 0 and part is not None and (capacity < 0 or len(buffer) < capacity):
            self.let_go(m, unit, part)
            part.came_in_buffer = self.t
            buffer.append(part)
            moved = True
        free = [u for u in self.units[m] if u.part is None and u.condition == "up"]
        if free and not self.off(m):
            taker = min(free, key=lambda u: (u.free_since, u.index))
            part = None
            if buffer:
                part = buffer.popleft()
                self.stays[m].append(self.t - part.came_in_buffer)
            elif capacity == 0:
                unit, part = self.giver(m)
                if part is not None:
                    self.let_go(m, unit, part)
            if part is not None:
                taker.part, taker.done = part, False
                stage = self.stages[m]
                taker.left = int(duration(*stage.cycle, 1.0, stage.cycle_key, part.entity, part.row))
                self.log[part.number, m] = [self.t, -1, -1]
                moved = True
        return moved

    def account(self) -> None:
        for m, units in enumerate(self.units):
            self.area[m] += len(self.buffers[m])
            self.most[m] = max(self.most[m], len(self.buffers[m]))
            off = self.off(m)
            for unit in units:
                unit.worked_just_now = False
                if off:
                    state = PLANNED
                elif unit.condition == "waits":
                    state = WAITING_CREW
                elif unit.condition == "repair":
                    state = DOWN
                else:
                    state = WORKING if unit.working else BLOCKED if unit.done else STARVED
                    unit.worked_just_now = unit.working
                    unit.left -= unit.working
                    for k, mode in enumerate(unit.stage.modes):
                        unit.clocks[k] -= unit.working or mode.time_dependent
                self.ticks[m, state] += 1


@pytest.fixture(scope="session")
def twin() -> Any:
    return SimpleNamespace(Part=Part, Twin=Twin)
