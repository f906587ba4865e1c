"""The conversion of a line while it runs: stop, drain, rebuild, restart, release, by the dates of its plan."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from simpy.events import Event

from cellfab.config.conversion_spec import Conversion
from cellfab.ramp.book import RampBook
from cellfab.ramp.conversion import CapitalSpend, ConversionPlan, PlannedPhase, Project
from cellfab.ramp.network import Timeline
from cellfab.ramp.project import DRAIN, RELEASE, REQUALIFICATION, STOP, ticks
from cellfab.units import TICKS_PER_S

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

HOUR = 3600 * TICKS_PER_S
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
    book : RampBook or None
        Told at the restart what each station has carried over.
    delays : mapping of str to float, optional
        Weeks that tasks are late in this replicate.
    cells : callable, optional
        Cells inside, sold and so on, which are noted at the stop and at the restart.

    Attributes
    ----------
    project : Project or None
        From the start of the run on.
    plan : ConversionPlan or None
        All dates, from the moment the line is empty.
    timeline : Timeline or None
        Of every task, as far as it is known: first as planned, in the end as it was.
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
        book: RampBook | None = None,
        delays: Mapping[str, float] | None = None,
        cells: Callable[[], Mapping[str, int]] | None = None,
    ) -> None:
        self.spec = spec
        self.book = book
        self.project: Project | None = None
        self.plan: ConversionPlan | None = None
        self.timeline: Timeline | None = None
        self.released: int | None = None
        self.discarded = 0
        self.at_stop: AtStop | None = None
        self.cells_at: dict[str, Mapping[str, int]] = {}
        self._delays = delays
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

    def capital(self, now: int) -> tuple[CapitalSpend, ...]:
        """What the conversion costs and when, as far as its dates are known by tick `now`."""
        if self.plan is not None:
            return self.plan.capital
        if self.project is None or self.timeline is None:
            return ()
        return tuple(self.project.known(self.timeline, now))

    def __call__(self, line: LineRun) -> Generator[Event, Any, None]:
        """The process: ends with the release, or never if the simulation ends before."""
        env = line.env
        spec = self.spec
        project = self.project = Project(spec, line.spec.stations, self._delays)
        self.timeline = project.timeline()
        if spec.product_from is None:
            line.stop_sources()
        yield env.timeout(self.timeline.dates[STOP].finish - line.now)
        line.stop_sources()
        self._count("stop")
        inside, finished = _lots_inside(line), _lots_finished(line)
        empty = line.drained()
        limit_weeks = 0.0 if spec.drain.work_in_progress == "scrap" else spec.drain.limit_weeks
        yield empty | env.timeout(ticks(limit_weeks))
        overdue = not empty.triggered
        dates = self.plan = project.plan(line.now)
        self.timeline = dates.timeline
        for station in line.stations.values():
            # Overdue lots must not go on when the first stations are ready: then nothing moves before the restart.
            until = dates.restart if overdue else dates.ready[station.name]
            if until > line.now:
                station.hold(until)
        finished = _lots_finished(line) - finished
        self.discarded += line.discard_leftovers()
        while overdue and _lots_inside(line):
            yield env.timeout(HOUR)
            self.discarded += line.discard_leftovers()
        self.at_stop = AtStop(inside, finished, self.discarded)

        yield env.timeout(dates.restart - line.now)
        self._count("restart")
        if self.book is not None:
            kept = 1.0 if spec.people is None else 1.0 - spec.people.lost_share
            for name in line.spec.stations:
                laws = None if spec.ramp is None else spec.ramp.of(name)
                self.book.convert(name, line.now, kept * spec.task(name).carried_share, laws)
        yield from self._requalify(line, project, dates)
        line.restart_sources(spec.product_to, sellable=True)
        self.released = line.now

    def _requalify(self, line: LineRun, project: Project, dates: ConversionPlan) -> Generator[Event, Any, None]:
        """Make what may not be sold: all that enters before the release, after a time or a number of lots."""
        line.restart_sources(self.spec.product_to, sellable=False)
        begun = dates.timeline.dates[REQUALIFICATION].start
        release = dates.release
        if release is None:
            yield line.env.timeout(begun - line.now)
            wanted = _lots_finished(line) + (self.spec.requalification.lots or 0)
            while _lots_finished(line) < wanted:
                yield line.env.timeout(HOUR)
            self.timeline = project.timeline({DRAIN: dates.drained - dates.stop, REQUALIFICATION: line.now - begun})
            release = self.timeline.dates[RELEASE].finish
        yield line.env.timeout(release - line.now)

    def _count(self, moment: str) -> None:
        if self._cells is not None:
            self.cells_at[moment] = dict(self._cells())


def _lots_inside(line: LineRun) -> int:
    return sum(node.inside for node in (*line.stations.values(), *line.buffers.values()))


def _lots_finished(line: LineRun) -> int:
    return sum(sink.entered for sink in line.sinks.values())
