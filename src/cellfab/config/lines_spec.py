"""How many lines a plant has, when each of them starts, and what they share."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from cellfab.config.ramp_spec import Ramp
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
MOST_LINES = 50


class OneLine(Spec):
    """One of the lines."""

    start_week: NonNegative | None = None
    """When its own stations come alive, after the start of the simulation; default: `spacing_weeks` after the line
    before it."""
    copy_of: str | None = None
    """An earlier line, whose people it learns from before it starts; default: the first."""
    line: dict[str, Any] = {}
    """What is different from `line` (sources, buffers, stations, sinks and crews of its own, by their names there)."""


class Lines(Spec):
    """A plant of several lines: what is written under `line` once for each of them, except what they share."""

    named: dict[str, OneLine] = {}
    """The lines in the order in which they start, by names of your own."""
    count: Annotated[int, Field(ge=1, le=MOST_LINES)] | None = None
    """Instead of naming them: so many lines, called line1, line2 and so on; `named` may then say more of some."""
    spacing_weeks: NonNegative = 0.0
    """From the start of a line to that of the next. A plant in Holland, Michigan, started three lines about four
    months apart (LG Energy Solution, May to December 2025): 17."""
    shared: tuple[str, ...] = ()
    """Stations that exist once for all lines. So do the buffers beside them, and what feeds only them."""
    shared_crews: tuple[str, ...] = ()
    """Crews that serve all lines, with the size written under `line`; every other crew exists once per line."""
    transfer_loss_share: Share = 0.4
    """Of what the copied line has learned by then, what a new line does not start with (copied lines are reported to
    start at about 60 % yield; from 79 % after a first year, 35 % at the start and 95 % at the end that is 0.43 of the
    learning: assumption)."""
    shared_lessons_share: Share = 0.0
    """Of the experience that a running line gains from its work, what the other running lines gain from it, too
    (partial transfer between shipyards: Argote, Beckman and Epple 1990; the value is an assumption)."""
    lessons_delay_weeks: NonNegative = 4.0
    """Until a lesson of one line is put to use on another (assumption)."""
    ramp: Ramp | None = None
    """Laws of the lines after the first; none: those of `ramp`."""

    def names(self) -> tuple[str, ...]:
        """Names of the lines, in the order in which they start."""
        if self.count is None:
            return tuple(self.named)
        return tuple(f"line{number}" for number in range(1, self.count + 1))

    def start_weeks(self) -> dict[str, float]:
        """Week in which each line starts."""
        starts: dict[str, float] = {}
        latest = -self.spacing_weeks
        for name in self.names():
            given = self.named.get(name, OneLine()).start_week
            latest = starts[name] = latest + self.spacing_weeks if given is None else given
        return starts

    def copied_from(self, name: str) -> str | None:
        """The line that a line is a copy of; None for the first."""
        names = self.names()
        if name == names[0]:
            return None
        return self.named.get(name, OneLine()).copy_of or names[0]
