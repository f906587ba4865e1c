"""Dates and payments of a conversion: from the plan, and from what the simulation has found out so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cellfab.config.conversion_spec import Conversion
from cellfab.config.copying import Layout
from cellfab.ramp.network import Timeline
from cellfab.ramp.project import (
    COMMISSIONING,
    DELIVERY,
    DRAIN,
    INSTALL,
    ONE_LINE,
    ORDER,
    RELEASE,
    STOP,
    STRIP_OUT,
    on_line,
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
        All stations of the line, or of all lines.
    delays : mapping of str to float, optional
        Weeks that tasks are late.
    layout : Layout
        Which station is on which line.

    Attributes
    ----------
    tasks : tuple of Task
    lines : tuple of str
        Lines that are converted one by one; ("",) where there is one date for all.
    found : dict of str to int
        Durations, in ticks, of tasks that the simulation has seen the end of.
    """

    def __init__(
        self, conversion: Conversion, stations: Iterable[str], delays: Mapping[str, float] | None = None,
        layout: Layout = ONE_LINE,
    ) -> None:  # fmt: skip
        self.conversion = conversion
        self.stations = tuple(stations)
        self.tasks = project_tasks(conversion, self.stations, layout)
        self.lines = tuple(conversion.lines) or ("",)
        self.network = project_network(self.tasks, conversion.crews)
        self.found: dict[str, int] = {}
        self._layout = layout
        self._lasts = {
            task.name: max(ticks(task.weeks) + ticks(late), 0)
            for task in self.tasks
            if (late := (delays or {}).get(task.name, 0.0))
        }

    def timeline(self) -> Timeline:
        """Dates of every task as far as they are known."""
        return self.network.schedule({**self._lasts, **self.found})

    def stations_of(self, line: str) -> tuple[str, ...]:
        """Stations that are converted with a line."""
        if not line:
            return self.stations
        return tuple(name for name in self.stations if self._layout.line_of.get(name) == line)

    def plan(self, drained: int | None = None, line: str = "") -> ConversionPlan:
        """Every date of a line, once it is known when it was empty, or as planned before that.

        Parameters
        ----------
        drained : int, optional
            Tick at which the last lot left; noted in `found`.
        line : str
            One of `lines`.

        Returns
        -------
        ConversionPlan
            With drained <= ready[station] and drained <= restart <= release.
        """
        conversion = self.conversion
        timeline = self.timeline()
        stop = timeline.dates[on_line(line, STOP)].finish
        if drained is not None:
            self.found[on_line(line, DRAIN)] = drained - stop
            timeline = self.timeline()
        dates = timeline.dates
        empty, stripped = dates[on_line(line, DRAIN)].finish, dates[on_line(line, STRIP_OUT)].finish
        ready = dict.fromkeys(self.stations_of(line), empty)
        for task in self.tasks:
            if task.holds in ready and task.holds is not None:
                ready[task.holds] = max(ready[task.holds], dates[task.name].finish)
        accepted = dates[on_line(line, COMMISSIONING)]
        rebuilt, restart = accepted.start, accepted.finish
        by_lots = conversion.requalification.duration_weeks is None
        release = None if by_lots else dates[on_line(line, RELEASE)].finish
        longest = [name for name, end in ready.items() if end == rebuilt and conversion.task(name).action != "reuse"]
        drain = "the line is idle" if conversion.product_from is None else (
            f"no new {conversion.product_from}; what is inside is finished"
        )  # fmt: skip
        phases = [
            PlannedPhase("drain", stop, empty, drain),
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
            order, acceptance = on_line(task.line, ORDER), on_line(task.line, COMMISSIONING)
            delivery = task.name.replace(INSTALL, DELIVERY, 1)
            own = dates.get(delivery) if task.kind == "install" else None  # else its goods come when it begins
            for share, due, tick in (
                (task.payment.order_share, order, dates[order].finish),
                (
                    task.payment.delivery_share,
                    task.name if own is None else delivery,
                    dates[task.name].start if own is None else own.finish,
                ),
                (task.payment.acceptance_share, acceptance, dates[acceptance].finish),
            ):
                if share:
                    yield CapitalSpend(where, tick, share * task.capex_musd, due)

    def known_payments(self, now: int) -> Iterator[CapitalSpend]:
        """Payments whose dates are certain by `now`: all once every line has been empty, else those that are due and do
        not depend on when a line will be empty."""
        later = {on_line(line, DRAIN) for line in self.lines} - self.found.keys()
        whole = not later
        while more := {task.name for task in self.tasks if task.name not in later and later.intersection(task.after)}:
            later |= more
        for spend in self.payments(self.timeline()):
            if whole or (spend.tick < now and spend.task not in later):
                yield spend
