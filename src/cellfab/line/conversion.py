"""The conversion of a line while it runs: stop, drain, rebuild, restart, release, by the dates of its plan."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy.events import Event

from cellfab.config.conversion_spec import Conversion
from cellfab.config.copying import Layout
from cellfab.ramp.book import RampBook
from cellfab.ramp.conversion import CapitalSpend, ConversionPlan, PlannedPhase, Project
from cellfab.ramp.project import ONE_LINE, RELEASE, REQUALIFICATION, STOP, on_line, ticks
from cellfab.units import TICKS_PER_H

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

HOUR = TICKS_PER_H
"""How often requalification lots are counted, and the line is swept after its time to drain has run out."""


class AtStop(NamedTuple):
    """What was inside at the stop, in lots, and what became of it."""

    inside: int
    finished: int
    thrown_away: int


class LineConversion:
    """Controller that converts a line once; pass it to the run as one of its `controllers`.

    Parameters
    ----------
    spec : Conversion
        Of this line.
    project : Project
        Its plan, which lines that are converted one by one share.
    line : str
        Its name where there are several.
    nodes : set of str, optional
        What belongs to it; default: everything.
    book : RampBook or None
        Told at the restart what each station has carried over.
    cells : callable, optional
        Cells inside, sold and so on, which are noted at the stop and at the restart.

    Attributes
    ----------
    plan : ConversionPlan or None
        All dates, from the moment the line is empty.
    released : int or None
        Tick since which the new product may be sold.
    discarded : int
        Lots thrown away because they could not be finished: rolls without a partner when the line had run dry, and
        whatever was inside when the time to drain ran out.
    at_stop : AtStop or None
        Known when the line is empty.
    cells_at : mapping of str to mapping of str to int
        What `cells` said at the "stop" and at the "restart".
    """

    def __init__(
        self,
        spec: Conversion,
        project: Project,
        line: str = "",
        nodes: frozenset[str] | None = None,
        book: RampBook | None = None,
        cells: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self.spec = spec
        self.project = project
        self.line = line
        self.book = book
        self.plan: ConversionPlan | None = None
        self.released: int | None = None
        self.discarded = 0
        self.at_stop: AtStop | None = None
        self.cells_at: dict[str, Mapping[str, int]] = {}
        self._nodes = nodes
        self._cells = cells

    def phases(self, now: int) -> tuple[PlannedPhase, ...]:
        """Phases begun by tick `now`; one that has not ended (or has no known end) ends at `now`."""
        if self.plan is None:
            return ()
        found = []
        for phase in self.plan.phases:
            end = phase.end if phase.end is not None else self.released
            if phase.start < now:
                found.append(phase._replace(end=now if end is None else min(end, now)))
        return tuple(found)

    def __call__(self, run: LineRun) -> Generator[Event, Any, None]:
        """The process: ends with the release, or never if the simulation ends before."""
        env, spec, project, nodes = run.env, self.spec, self.project, self._nodes
        if spec.product_from is None:
            run.stop_sources(nodes)
        yield env.timeout(project.timeline().dates[on_line(self.line, STOP)].finish - run.now)
        still_fed = frozenset(spec.drain.fed_until_empty)
        run.stop_sources((run.sources.keys() if nodes is None else nodes) - still_fed)
        self._count("stop")
        inside, finished = self._lots_inside(run), self._lots_finished(run)
        empty = run.drained(nodes)
        limit_weeks = 0.0 if spec.drain.work_in_progress == "scrap" else spec.drain.limit_weeks
        yield empty | env.timeout(ticks(limit_weeks))
        overdue = not empty.triggered
        if still_fed:
            run.stop_sources(nodes)
        dates = self.plan = project.plan(run.now, self.line)
        for station in run.stations.values():
            if station.name in dates.ready:
                # Overdue lots must not go on when the first stations are ready: then nothing moves before the restart.
                until = dates.restart if overdue else dates.ready[station.name]
                if until > run.now:
                    station.hold(until)
        finished = self._lots_finished(run) - finished
        self.discarded += run.discard_leftovers(nodes)
        while overdue and self._lots_inside(run):
            yield env.timeout(HOUR)
            self.discarded += run.discard_leftovers(nodes)
        self.at_stop = AtStop(inside, finished, self.discarded)

        yield env.timeout(dates.restart - run.now)
        self._count("restart")
        if self.book is not None:
            kept = 1.0 if spec.people is None else 1.0 - spec.people.lost_share
            for name in dates.ready:
                laws = None if spec.ramp is None else spec.ramp.of(name)
                self.book.convert(name, run.now, kept * spec.task(name).carried_share, laws)
        yield from self._requalify(run, dates)
        run.restart_sources(spec.product_to, sellable=True, names=nodes)
        self.released = run.now

    def _requalify(self, run: LineRun, dates: ConversionPlan) -> Generator[Event, Any, None]:
        """Make what may not be sold: all that enters before the release, after a time or a number of lots."""
        run.restart_sources(self.spec.product_to, sellable=False, names=self._nodes)
        task = on_line(self.line, REQUALIFICATION)
        begun = dates.timeline.dates[task].start
        release = dates.release
        if release is None:
            yield run.env.timeout(begun - run.now)
            wanted = self._lots_finished(run) + (self.spec.requalification.lots or 0)
            while self._lots_finished(run) < wanted:
                yield run.env.timeout(HOUR)
            self.project.found[task] = run.now - begun
            release = self.project.timeline().dates[on_line(self.line, RELEASE)].finish
        yield run.env.timeout(release - run.now)

    def _count(self, moment: str) -> None:
        if self._cells is not None:
            self.cells_at[moment] = dict(self._cells())

    def _lots_inside(self, run: LineRun) -> int:
        nodes = (*run.stations.values(), *run.buffers.values())
        return sum(node.inside for node in nodes if self._nodes is None or node.name in self._nodes)

    def _lots_finished(self, run: LineRun) -> int:
        sinks = run.sinks.values()
        return sum(sink.entered for sink in sinks if self._nodes is None or sink.name in self._nodes)


class PlantConversion:
    """The conversion of all lines of a plant, at once or one by one.

    Parameters
    ----------
    spec : Conversion
    stations : iterable of str
        Of all lines.
    layout : Layout
        Which node is on which line.
    book, cells : optional
        As `LineConversion`.
    delays : mapping of str to float, optional
        Weeks that tasks are late in this replicate.

    Attributes
    ----------
    spec : Conversion
    project : Project
        With what was found out: in the end its timeline is what happened.
    each : tuple of LineConversion
        Controllers, one for each date; the line that stops first comes first.
    """

    def __init__(
        self,
        spec: Conversion,
        stations: Iterable[str],
        layout: Layout = ONE_LINE,
        book: RampBook | None = None,
        delays: Mapping[str, float] | None = None,
        cells: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self.spec = spec
        self.project = Project(spec, stations, delays, layout)
        made = []
        for line in self.project.lines:
            own = spec.on_line(line) if line else spec
            nodes = frozenset(name for name, of in layout.line_of.items() if of == line) if line else None
            made.append(LineConversion(own, self.project, line, nodes, book, cells))
        starts = {name: dates.finish for name, dates in self.project.timeline().dates.items()}
        self.each = tuple(sorted(made, key=lambda one: starts[on_line(one.line, STOP)]))

    @property
    def plan(self) -> ConversionPlan | None:
        """Dates of the line that stops first; None as long as it has not been empty."""
        return self.each[0].plan

    def phases(self, now: int) -> tuple[PlannedPhase, ...]:
        """Phases of all lines, by their beginnings; with the line's name where there are several."""
        found = [
            phase._replace(name=f"{phase.name} of {one.line}") if one.line else phase
            for one in self.each
            for phase in one.phases(now)
        ]
        return tuple(sorted(found, key=lambda phase: phase.start)) if len(self.each) > 1 else tuple(found)

    def capital(self, now: int) -> tuple[CapitalSpend, ...]:
        """What the conversion costs and when, as far as that is certain by tick `now`."""
        return tuple(self.project.known_payments(now))

    def dates_by_station(self) -> dict[str, ConversionPlan]:
        """Dates of the line of each station that has been emptied."""
        return {name: one.plan for one in self.each if one.plan is not None for name in one.plan.ready}
