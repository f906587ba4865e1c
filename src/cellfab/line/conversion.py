"""The conversion of a line while it runs: stop, drain, rebuild, restart, release."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from simpy.events import Event

from cellfab.config.conversion_spec import Conversion
from cellfab.ramp.book import RampBook
from cellfab.ramp.conversion import ConversionPlan, PlannedPhase, plan
from cellfab.units import TICKS_PER_S, TICKS_PER_WEEK

if TYPE_CHECKING:
    from cellfab.line.line_run import LineRun

HOUR = 3600 * TICKS_PER_S
"""How often requalification lots are counted, and the line is swept after its time to drain has run out."""


class LineConversion:
    """Controller that converts a line once; pass it to the run as one of its `controllers`.

    Parameters
    ----------
    spec : Conversion
    book : RampBook or None
        Told at the restart what each station has carried over.

    Attributes
    ----------
    plan : ConversionPlan or None
        All dates, from the moment the line is empty.
    released : int or None
        Tick since which the new product may be sold.
    discarded : int
        Lots thrown away because they could not be finished: rolls without a partner when the line had run dry, and
        whatever was inside when the time to drain ran out.
    """

    def __init__(self, spec: Conversion, book: RampBook | None = None) -> None:
        self.spec = spec
        self.book = book
        self.plan: ConversionPlan | None = None
        self.released: int | None = None
        self.discarded = 0

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

    def __call__(self, line: LineRun) -> Generator[Event, Any, None]:
        """The process: ends with the release, or never if the simulation ends before."""
        env = line.env
        spec = self.spec
        stop = round(spec.stop_week * TICKS_PER_WEEK)
        yield env.timeout(stop - line.now)
        line.stop_sources()
        empty = line.drained()
        yield empty | env.timeout(round(spec.drain.limit_weeks * TICKS_PER_WEEK))
        overdue = not empty.triggered
        dates = self.plan = plan(spec, line.spec.stations, stop, line.now)
        for station in line.stations.values():
            # Overdue lots must not go on when the first stations are ready: then nothing moves before the restart.
            until = dates.restart if overdue else dates.ready[station.name]
            if until > line.now:
                station.hold(until)
        self.discarded += line.discard_leftovers()
        while overdue and _lots_inside(line):
            yield env.timeout(HOUR)
            self.discarded += line.discard_leftovers()

        yield env.timeout(dates.restart - line.now)
        if self.book is not None:
            for name in line.spec.stations:
                laws = None if spec.ramp is None else spec.ramp.of(name)
                self.book.convert(name, line.now, spec.task(name).carried_share, laws)
        yield from self._requalify(line, dates)
        line.restart_sources(spec.product_to, sellable=True)
        self.released = line.now

    def _requalify(self, line: LineRun, dates: ConversionPlan) -> Generator[Event, Any, None]:
        """Make what may not be sold: all that enters before the release, after a time or a number of lots."""
        line.restart_sources(self.spec.product_to, sellable=False)
        if dates.release is not None:
            yield line.env.timeout(dates.release - line.now)
            return
        wanted = _lots_finished(line) + (self.spec.requalification.lots or 0)
        while _lots_finished(line) < wanted:
            yield line.env.timeout(HOUR)


def _lots_inside(line: LineRun) -> int:
    return sum(node.inside for node in (*line.stations.values(), *line.buffers.values()))


def _lots_finished(line: LineRun) -> int:
    return sum(sink.entered for sink in line.sinks.values())
