"""Dates and payments of a conversion: from the plan, and from what the simulation has found out so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cellfab.config.conversion_spec import Conversion
from cellfab.ramp.network import Timeline
from cellfab.ramp.project import (
    COMMISSIONING,
    DELIVERY,
    DRAIN,
    ORDER,
    RELEASE,
    STOP,
    STRIP_OUT,
    project_network,
    project_tasks,
    ticks,
)

PLANT = "plant"
"""Where money of no single station is spent."""


class PlannedPhase(NamedTuple):
    """One phase of the plan; `end` is None where it depends on lots still to be made."""

    name: str
    start: int
    end: int | None
    text: str


class CapitalSpend(NamedTuple):
    """Money spent on a station (or "plant") at a tick, in million dollars; `task` is what has to be over for it."""

    station: str
    tick: int
    musd: float
    task: str


class ConversionPlan(NamedTuple):
    """Dates of a conversion in ticks.

    Attributes
    ----------
    stop, drained : int
        No new lots; nothing left inside.
    ready : mapping of station to int
        End of the station's rebuilding; a reused station is ready when the line is empty.
    restart : int
        First lot of the new product, after commissioning.
    release : int or None
        From here on what is finished may be sold; None: decided by the number of requalification lots.
    phases : tuple of PlannedPhase
    capital : tuple of CapitalSpend
        When it is paid.
    timeline : Timeline
        Of every task.
    """

    stop: int
    drained: int
    ready: Mapping[str, int]
    restart: int
    release: int | None
    phases: tuple[PlannedPhase, ...]
    capital: tuple[CapitalSpend, ...]
    timeline: Timeline

    @property
    def capex_musd(self) -> float:
        """Money of all stations and of the plant."""
        return sum(spend.musd for spend in self.capital)


class Project:
    """The plan of a conversion, scheduled with what is known so far.

    Parameters
    ----------
    conversion : Conversion
    stations : iterable of str
        All stations of the line.
    delays : mapping of str to float, optional
        Weeks that tasks are late.

    Attributes
    ----------
    tasks : tuple of Task
    """

    def __init__(
        self, conversion: Conversion, stations: Iterable[str], delays: Mapping[str, float] | None = None
    ) -> None:
        self.conversion = conversion
        self.stations = tuple(stations)
        self.tasks = project_tasks(conversion, self.stations)
        self.network = project_network(self.tasks, conversion.crews)
        self._lasts = {
            task.name: max(ticks(task.weeks) + ticks(late), 0)
            for task in self.tasks
            if (late := (delays or {}).get(task.name, 0.0))
        }

    def timeline(self, found: Mapping[str, int] | None = None) -> Timeline:
        """Dates of every task; `found` are durations, in ticks, of tasks that the simulation has seen the end of."""
        return self.network.schedule({**self._lasts, **(found or {})})

    def plan(self, drained: int | None = None) -> ConversionPlan:
        """Every date, once it is known when the line was empty, or as planned before that.

        Parameters
        ----------
        drained : int, optional
            Tick at which the last lot left.

        Returns
        -------
        ConversionPlan
            With drained <= ready[station] and drained <= restart <= release.
        """
        conversion = self.conversion
        timeline = self.timeline()
        stop = timeline.dates[STOP].finish
        if drained is not None:
            timeline = self.timeline({DRAIN: drained - stop})
        dates = timeline.dates
        empty, stripped = dates[DRAIN].finish, dates[STRIP_OUT].finish
        ready = dict.fromkeys(self.stations, empty)
        for task in self.tasks:
            if task.holds is not None:
                ready[task.holds] = max(ready[task.holds], dates[task.name].finish)
        rebuilt, restart = dates[COMMISSIONING].start, dates[COMMISSIONING].finish
        by_lots = conversion.requalification.duration_weeks is None
        release = None if by_lots else dates[RELEASE].finish
        longest = [name for name, end in ready.items() if end == rebuilt and conversion.task(name).action != "reuse"]
        phases = [
            PlannedPhase("drain", stop, empty, f"no new {conversion.product_from}; what is inside is finished"),
            PlannedPhase("strip out", empty, stripped, ""),
            PlannedPhase("rebuild", stripped, rebuilt, f"longest: {', '.join(longest)}" if longest else ""),
            PlannedPhase("commissioning", rebuilt, restart, ""),
            PlannedPhase("requalification", restart, release, f"{conversion.product_to} is made, not sold"),
        ]
        return ConversionPlan(
            stop, empty, ready, restart, release,
            tuple(phase for phase in phases if phase.end is None or phase.end > phase.start),
            tuple(self.payments(timeline)), timeline,
        )  # fmt: skip

    def payments(self, timeline: Timeline) -> Iterator[CapitalSpend]:
        """When the price of each task is paid, and the task whose date that is."""
        dates = timeline.dates
        for task in self.tasks:
            if not task.capex_musd:
                continue
            where = task.station or PLANT
            if task.payment is None:
                yield CapitalSpend(where, dates[task.name].start, task.capex_musd, task.name)
                continue
            own = dates.get(f"{DELIVERY}{task.station}")  # without one its goods come when it begins
            delivered = f"{DELIVERY}{task.station}" if own is not None else task.name
            for share, due, tick in (
                (task.payment.order_share, ORDER, dates[ORDER].finish),
                (task.payment.delivery_share, delivered, dates[task.name].start if own is None else own.finish),
                (task.payment.acceptance_share, COMMISSIONING, dates[COMMISSIONING].finish),
            ):
                if share:
                    yield CapitalSpend(where, tick, share * task.capex_musd, due)

    def known(self, timeline: Timeline, now: int) -> Iterator[CapitalSpend]:
        """Payments that are due by `now` for what does not depend on when the line is empty."""
        later = self._after_drain()
        for spend in self.payments(timeline):
            if spend.tick < now and spend.task not in later:
                yield spend

    def _after_drain(self) -> set[str]:
        found = {DRAIN}
        while True:
            more = {task.name for task in self.tasks if task.name not in found and found.intersection(task.after)}
            if not more:
                return found
            found |= more
