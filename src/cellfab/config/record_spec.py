"""What is publicly known of a plant's ramp: dated figures with their sources, and what a prediction may lean on.

A record extends one of the shipped ramps, so that what is believed before the first figure (the ranges `low` to `high`
of its laws) is what the simulator itself assumes.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.ramp_spec import Ramp
from cellfab.config.schedule import PERIOD_PATTERN
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Moment = Annotated[str, Field(pattern=rf"^{PERIOD_PATTERN}$")]
"""A day, or a month or a year, which stands for its middle."""


def day_of(moment: str) -> datetime.date:
    """The day that a moment stands for: of a month the 15th, of a year the 1st of July.

    Raises
    ------
    ValueError
        If there is no such day.
    """
    parts = [int(part) for part in moment.split("-")]
    return datetime.date(parts[0], parts[1] if len(parts) > 1 else 7, (*parts, 15)[2] if len(parts) > 1 else 1)


class YieldRecord(Spec):
    """Reported yields."""

    error_share: Positive = 0.03
    """Standard deviation of a plant's yield around its law: products, lines and definitions change (assumption)."""
    reported_share: Annotated[dict[Moment, Share], Field(min_length=1)]
    """By date, each with its `low`, `high` and `source`."""


class OutputRecord(Spec):
    """Output of a plant over what is installed: as a rate, as the sum since the start, or both."""

    unit: str
    """Of amounts, for people: "GWh", "million cells"."""
    per: Literal["week", "month", "year"]
    """Time that rates are given for."""
    installed_amount: Annotated[dict[Moment, Positive], Field(min_length=1)]
    """Nameplate rate from a date on, all lines together. What is added later starts better (see `copy_loss_share`)."""
    attained_share: Positive = 0.95
    """Of the nameplate, once everything is mature (assumption 0.8-1.05: nameplates are told with an OEE in mind)."""
    copy_loss_share: Share = 0.2
    """Of what the first lines had reached when later ones start, this much is not passed on (assumption 0.1-0.4)."""
    availability_share: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.8
    """Of the mature plant (assumption 0.67-0.87: world class is 0.87)."""
    error_share: Positive = 0.15
    """Relative standard deviation of a told output around its law: a best week for a rate, demand, holidays, cells that
    were built but not sold (assumption)."""
    reported_rate: dict[Moment, Positive] = {}
    """By date, each with its `low`, `high` and `source`."""
    reported_amount: dict[Moment, Positive] = {}
    """All that was made since the start, by date, each with its `low`, `high` and `source`."""

    @model_validator(mode="after")
    def _something(self) -> OutputRecord:
        if not self.reported_rate and not self.reported_amount:
            raise ValueError("write `reported_rate` or `reported_amount`")
        return self


class LinesRecord(Spec):
    """How many lines run: one from the start, another every `spacing_months`."""

    spacing_months: Positive = 4.0
    """3-6 where lines are converted or copied one by one (assumption, after LG Energy Solution's Holland plant)."""
    error_number: Positive = 0.25
    """Standard deviation of a reported number around the law, in lines (assumption)."""
    reported_number: Annotated[dict[Moment, Positive], Field(min_length=1)]
    """By date, each with its `low`, `high` and `source`."""


class PlantRecord(Spec):
    """One plant."""

    plant: str
    text: str = ""
    """What is special about it."""
    started: Moment
    """Begin of series production."""
    delay_months: float = 0.0
    """From `started` to the real start; its `low` and `high` say how well that date is known."""
    utilisation_share: Share = 1.0
    """During the ramp; drives learning by use, and operating hours. 1 is the clock of the published time constants,
    which were read off the calendar of plants that ran as much as they could."""
    yield_start: Share = 0.35
    """First line of a new plant 0.2-0.5, of a new process 0.1-0.3 (assumption, from press reports of 30-50 % scrap at
    the start of production); yield is yield_mature - (yield_mature - yield_start) (1 - m), m the maturity."""
    yield_mature: Annotated[float, Field(gt=0.0, le=1.0)] = 0.93
    """0.95-0.97 experienced, 0.92-0.95 average, 0.88-0.92 new maker (scrap of 5-12 % after years)."""
    given_until: Moment
    """Figures up to here are given to the fit; what comes later is predicted."""
    yields: YieldRecord | None = None
    output: OutputRecord | None = None
    lines: LinesRecord | None = None

    @model_validator(mode="after")
    def _dates(self) -> PlantRecord:
        if self.yields is None and self.output is None and self.lines is None:
            raise ValueError("has nothing to predict: write `yields`, `output` or `lines`")
        for moment in (self.started, self.given_until, *self.moments):
            try:
                day_of(moment)
            except ValueError as error:
                raise ValueError(f"'{moment}' is no date: {error}") from None
        if self.output is not None and min(map(day_of, self.output.installed_amount)) > day_of(self.started):
            raise ValueError(f"nothing is installed when production starts ({self.started})")
        return self

    @property
    def moments(self) -> tuple[str, ...]:
        """Of all observations and installations."""
        found: list[str] = []
        if self.yields is not None:
            found += self.yields.reported_share
        if self.output is not None:
            found += [*self.output.installed_amount, *self.output.reported_rate, *self.output.reported_amount]
        if self.lines is not None:
            found += self.lines.reported_number
        return tuple(found)


class RecordFile(Spec):
    """A record: the plant, and the ramp that is believed of it."""

    record: PlantRecord
    ramp: Ramp = Ramp()
