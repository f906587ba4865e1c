"""The serial station with `machines`: a chain that lots of many parts go through part by part.

It takes the next lot as soon as the first machine is free of the last part of the lot before, and passes a lot on when
its last part is through. The parts of a lot of many gather in the outlet (a magazine, a tray), where one finished lot
waits; no part of the next one can leave the last machine before the outlet is free. A lot of one part needs no outlet:
it stays in the last machine, which is blocked, until it is taken. In between nothing is an event: where no failure
clock runs while a machine waits, the lots are computed by recursion (`cellfab.line.chain_flow`), else by a scan from
event to event (`cellfab.line.chain_scan`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.kernels.laws import pack
from cellfab.kernels.serial_line import TIME_DEPENDENT, Mode, Stage, build, new_tally
from cellfab.line.ahead import Ints, planned_stops
from cellfab.line.ahead_station import AheadStation
from cellfab.line.chain_flow import ChainFlow, ChainPassage
from cellfab.line.chain_scan import ChainScan
from cellfab.units import TICKS_PER_WEEK

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun


def copies(name: str, spec: Any) -> tuple[str, ...]:
    """Names of the places that a node of the config becomes: of parallel chains one each ("name", "name#2")."""
    if getattr(spec, "machines", None) and spec.parallel > 1:
        return (name, *(f"{name}#{number}" for number in range(2, spec.parallel + 1)))
    return (name,)


class ChainStation(AheadStation):
    """A chain of machines as one station. Its state times are those of the machines, each counted as a unit.

    Chains side by side are stations of one name, each with breakdowns of its own; `place` tells them apart.
    """

    takes_parallel = True
    __slots__ = ("flow", "place")

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        self.flow: ChainFlow | ChainScan
        self.place = name

    @property
    def unit_count(self) -> int:
        """Machines."""
        return len(self.spec.machines)

    def start(self) -> None:
        """Lay out the chain."""
        self.ask_pace()
        horizon, warmup = self.line.horizon, self.line.warmup
        chain = build(self._stages(planned_stops(self.timetable, horizon, self.begins)))
        edges = [self.begins, *range(0, horizon, TICKS_PER_WEEK)]
        scans = bool(chain.mode[:, TIME_DEPENDENT].any())
        # What parts wait in the buffers between machines is nobody's question, and the scan counts it anyway.
        tally = new_tally(chain, edges, (warmup, horizon), quantiles=False, stays=scans)
        laws = [pack(machine.cycle) for machine in self.spec.machines.values()]
        if scans:
            self.flow = ChainScan(chain, tally, self.pace.time_to_failure)
        else:
            self.flow = ChainFlow(chain, laws, tally, self.pace.time_to_failure)
        self.live_from_now()

    def _stages(self, stops: Ints) -> list[Stage]:
        stages: list[Stage] = []
        places, modes_before = 0, 0
        copy = () if self.place == self.name else (self.place,)
        for machine_name, machine in self.spec.machines.items():
            owner = f"{self.name}.{machine_name}"
            modes: list[Mode] = []
            for mode_name, mode in machine.failures.items():
                if mode.crew is not None:
                    crew = self.line.crews[mode.crew]
                    self.crews[modes_before + len(modes)] = (crew, mode.priority, len(stages))
                modes.append(
                    Mode(
                        pack(mode.time_to_failure),
                        pack(mode.time_to_repair),
                        self.line.key(owner, mode_name, "time_to_failure", *copy),
                        self.line.key(owner, mode_name, "time_to_repair", *copy),
                        time_dependent=mode.clock == "time_dependent",
                        scrap=mode.fate == "scrap",
                        crew=mode.crew is not None,
                    )
                )
            modes_before += len(modes)
            stages.append(Stage(pack(machine.cycle), self.line.key(owner, "cycle"), places, 1, modes, stops))
            places = machine.buffer_after
        return stages

    def passage_of(self, lot: Lot, rows: int, exits: Ints | None, seconds: float | None) -> ChainPassage:
        """Every living row goes all the way, unless the physics says otherwise."""
        if exits is None:
            exits = np.where(lot.alive(), self.unit_count, -1)
        exits = np.ascontiguousarray(exits, dtype=np.int64)
        return ChainPassage(lot.identity, self.line.env.now, self.factors(), exits=exits)

    def thrown_rows(self, passage: ChainPassage, lot: Lot) -> npt.NDArray[np.bool_]:
        """Rows that a breakdown threw away."""
        return passage.thrown_at >= 0

    def spent(self, passage: ChainPassage) -> tuple[int, int]:
        """While lots overlap, the time up to the end of the one before was that one's."""
        return max(passage.entered, self._last_out), self.line.env.now

    def delivered(self) -> None:
        """The next lot may leave the last machine once the outlet is free."""
        occupied = any(not passage.is_one_part for passage in self._finished.values())
        self.flow.outlet_taken(self.line.env.now, occupied)
