"""The serial station with `machines`: a chain that lots of many parts go through part by part.

It takes the next lot as soon as the first machine has taken the last part of the lot before, and passes a lot on when
its last part is out. One finished lot waits in the outlet, and no part of the next one can leave the last machine
before the outlet is free. In between nothing is an event: `cellfab.line.chain_flow` says when something happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cellfab.core.causes import cause
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels.laws import pack
from cellfab.kernels.serial_line import Mode, Stage, build, new_tally
from cellfab.line.chain_flow import NEVER, Call, ChainFlow, Ints, Passage
from cellfab.line.clock import Timetable
from cellfab.line.events import Alarm
from cellfab.line.stations import Station
from cellfab.line.units import Unit
from cellfab.units import TICKS_PER_WEEK

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

MACHINE_FAILURE = cause("line", "machine_failure", "in the machine when it failed, and thrown away (fate: scrap)")


def planned_stops(timetable: Timetable | None, end: int) -> Ints:
    """Planned stops that begin before tick `end`, as the kernels take them, shape (k, 2)."""
    stops: list[tuple[int, int]] = []
    if timetable is not None:
        off = timetable.next_off(0)
        while off < end:
            on = timetable.next_on(off)
            stops.append((off, on))
            off = timetable.next_off(on)
    return np.array(stops, np.int64).reshape(-1, 2)


class ChainUnit(Unit):
    """The chain as the line sees it: one unit that holds all lots inside; the machines are the flow's business."""

    __slots__ = ()

    def enter(self, state: int) -> None:
        """The states of the machines are booked by the flow."""

    def flush(self) -> None:
        """The states of the machines are booked by the flow."""

    def let_clocks_run(self) -> None:
        """The clocks of the machines are the flow's."""

    def begin(self) -> None:
        """A lot has been taken."""
        self.hungry = False
        self.collected = 0
        _chain(self).take_in()

    def freed(self) -> None:
        """The finished lot has been taken from the outlet."""
        _chain(self).outlet_freed()


def _chain(unit: Unit) -> ChainStation:
    station = unit.station
    assert isinstance(station, ChainStation)
    return station


class ChainStation(Station):
    """A chain of machines as one station. Its state times are those of the machines, each counted as a unit."""

    __slots__ = (
        "_armed", "_booked", "_crews", "_failures_booked", "_flow", "_inside", "_last_out", "_machines", "_priorities",
    )  # fmt: skip

    def __init__(self, line: LineRun, name: str, order: int, spec: Any) -> None:
        super().__init__(line, name, order, spec)
        for key, allowed in (("parallel", spec.parallel == 1), ("changeover", spec.changeover is None)):
            if not allowed:
                raise ConfigError(f"serial station '{name}': a chain of machines cannot have '{key}'")
        if isinstance(spec.feed, dict):
            raise ConfigError(
                f"serial station '{name}': a chain of machines cannot merge lots; do so in a station before"
            )
        self.units = [ChainUnit(self, 0)]
        self._machines = list(spec.machines)
        self._crews: dict[int, tuple[Any, int, int]] = {}
        self._inside: dict[int, Lot] = {}
        self._armed = NEVER
        self._last_out = 0
        self._booked = np.zeros(8, np.int64)
        self._failures_booked = 0
        self._flow: ChainFlow | None = None

    @property
    def unit_count(self) -> int:
        """Machines."""
        return len(self._machines)

    # Setting up.

    def start(self) -> None:
        """Lay out the chain, look at the timetable and be free for the first lot."""
        self.ask_pace()
        horizon, warmup = self.line.horizon, self.line.warmup
        chain = build(self._stages(planned_stops(self.timetable, horizon)))
        edges = [*range(0, horizon, TICKS_PER_WEEK), warmup, horizon]
        tally = new_tally(chain, edges, (warmup, horizon), quantiles=False)
        laws = [pack(machine.cycle) for machine in self.spec.machines.values()]
        self._flow = ChainFlow(chain, laws, tally, self.pace.time_to_failure)
        self.line.durations.append(self._flow)  # type: ignore[arg-type]  # it counts its draws like one
        if self.timetable is not None:
            self._follow_timetable(None)
        unit = self.units[0]
        unit.waits = True
        unit.become_hungry()

    def _stages(self, stops: Ints) -> list[Stage]:
        stages = []
        places, modes_before = 0, 0
        for m, (machine_name, machine) in enumerate(self.spec.machines.items()):
            owner = f"{self.name}.{machine_name}"
            modes: list[Mode] = []
            for mode_name, mode in machine.failures.items():
                if mode.crew is not None:
                    self._crews[modes_before + len(modes)] = (self.line.crews[mode.crew], mode.priority, m)
                modes.append(
                    Mode(
                        pack(mode.time_to_failure),
                        pack(mode.time_to_repair),
                        self.line.key(owner, mode_name, "time_to_failure"),
                        self.line.key(owner, mode_name, "time_to_repair"),
                        time_dependent=mode.clock == "time_dependent",
                        scrap=mode.fate == "scrap",
                        crew=mode.crew is not None,
                    )
                )
            modes_before += len(modes)
            stages.append(Stage(pack(machine.cycle), self.line.key(owner, "cycle"), places, 1, modes, stops))
            places = machine.buffer_after
        return stages

    @property
    def flow(self) -> ChainFlow:
        """What happens inside."""
        assert self._flow is not None
        return self._flow

    # Lots come.

    def feed_one(self) -> bool:
        """Take the next lot, if the first machine has taken the last part of the one before; False if not."""
        unit = self.first_hungry()
        giver = next((giver for giver in self.feeds if giver.ready()), None)
        if unit is None or giver is None:
            return False
        lot = giver.give()
        lot.entered = self.line.env.now
        self.entered += 1
        self.amount_in += lot.amount
        self.rows_in += lot.n_alive
        unit.lots.append(lot)
        unit.begin()
        return True

    def take_in(self) -> None:
        """The lot just taken enters the first machine."""
        unit = self.units[0]
        lot = unit.lots[-1]
        now = self.line.env.now
        machines = len(self._machines)
        exits = None
        if self.line.physics is not None:
            self.ask_pace()
            answer = self.line.physics.process(self.name, [lot], now)
            exits = answer.exit_machine
            unit.lots[-1] = lot = answer.lot
        if exits is None:
            exits = np.where(lot.alive(), machines, -1)
        pace = self.pace
        factors = (1.0 / pace.rate, pace.time_to_failure, pace.time_to_repair)
        passage = Passage(lot.identity, np.ascontiguousarray(exits, dtype=np.int64), now, factors)
        self._inside[id(passage)] = lot
        self.flow.enter(passage)
        self._arm()

    # Things happen.

    def _arm(self) -> None:
        """Wake up when the next thing happens inside."""
        env = self.line.env
        due = self.flow.due()
        self.units[0].waits = due >= NEVER or not self.flow.inside
        if due < NEVER and due != self._armed:
            self._armed = due
            Alarm(env, max(due - env.now, 0), lambda _: self._ring(due))

    def _ring(self, at: int) -> None:
        if at != self._armed:
            return
        self._armed = NEVER
        now = self.line.env.now
        while True:
            what = self.flow.step(now)
            if what is None:
                break
            if isinstance(what, Call):
                self._call(what)
            elif what.delivered:
                self._deliver(what)
            else:
                self.units[0].become_hungry()
        self._arm()

    def _call(self, call: Call) -> None:
        crew, priority, machine = self._crews[call.mode]

        def came(_: Any) -> None:
            env = self.line.env
            self.flow.crew_came(call, env.now)
            Alarm(env, call.repair, lambda _: crew.dismiss())
            self._arm()

        crew.call(priority, self.order, machine).callbacks.append(came)

    def _deliver(self, passage: Passage) -> None:
        """The last part of a lot is out."""
        unit = self.units[0]
        now = self.line.env.now
        lot = self._inside.pop(id(passage))
        thrown = passage.thrown_at >= 0
        if thrown.any():
            self.rows_scrapped += lot.scrap(thrown, MACHINE_FAILURE)
        # While lots overlap, the time up to the end of the one before was that one's.
        started = max(passage.entered, self._last_out)
        self._last_out = now
        self.worked += now - started
        self.nominal += (now - started) / passage.factors[0]
        if self.line.physics is not None:
            self.line.physics.worked(self.name, lot, started, now)
        others = [other for other in unit.lots if other is not lot]
        unit.lots = [lot]
        self._release_living(unit)
        unit.lots += others
        self.flow.outlet_taken(now, occupied=unit.outgoing > 0)

    def _release_living(self, unit: Unit) -> None:
        """Put the lot into the outlet, unless no part of it is left."""
        lot = unit.lots[0]
        if lot.n_alive:
            self.release(unit)
        else:
            unit.lots = []
            self.scrapped += 1
            self.line.throw_away(self.name, lot)

    def outlet_freed(self) -> None:
        """The next lot may leave the last machine."""
        self.flow.outlet_taken(self.line.env.now, occupied=False)
        self._rearm()

    def _rearm(self) -> None:
        self._armed = NEVER
        self._arm()

    def throw_out(self, unit: Unit) -> None:
        """Throw away every lot inside and in the outlet."""
        super().throw_out(unit)
        self._inside.clear()
        self.flow.clear(self.line.env.now)
        self._armed = NEVER
        unit.waits = True
        if not unit.hungry:
            unit.become_hungry()

    # Books.

    def hold(self, until: int) -> None:
        """Take no lot before tick `until`; once empty, the machines are being converted."""
        self._book_idle()
        super().hold(until)

    def _release_hold(self, event: Any) -> None:
        self._book_idle()
        super()._release_hold(event)

    def _book_idle(self) -> None:
        """Book the time of machines without parts up to now."""
        now = self.line.env.now
        if self.held and not self.flow.passages:
            self.flow.idle_until(now, self._last_out)
        else:
            self.flow.idle_until(now)

    def flush(self) -> None:
        """Book the machines' time up to now."""
        self._book_idle()
        ticks, failures = self.flow.booked(self.line.env.now)
        for state, more in enumerate(ticks - self._booked):
            self.book.ticks[state] += int(more)
        self._booked = ticks
        self.failures += failures - self._failures_booked
        self._failures_booked = failures
        self.book.flush()
