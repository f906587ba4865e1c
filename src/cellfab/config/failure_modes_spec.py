"""Learning by causes: what goes wrong at each place, how it is found, who mends it, and what brings it back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
SomeShare = Annotated[float, Field(gt=0.0, le=1.0)]
Residual = Annotated[float, Field(ge=0.0, lt=1.0)]


class Mode(Spec):
    """One failure mode of the process: the reason why some capabilities of a place are not yet mature."""

    moves: Annotated[tuple[str, ...], Field(min_length=1)]
    """Capabilities of the place's step (parameters with `start` and `mature`) that its removal improves."""
    share: SomeShare = 1.0
    """Of the way from `start` to `mature`; what the modes written here leave over is dealt to generated ones."""
    recognised_share: SomeShare | None = None
    """Instead of `detection.recognised_share`: less for what is hard to trace back."""
    difficulty_factor: Positive = 1.0
    """On the engineering time of `fixing`."""
    residual_share: Residual | None = None
    """Instead of `fixing.residual_share`."""
    product: str | None = None
    """Only this product has it: a chemistry brings its own modes. None: all have it."""
    text: str = ""
    """What it is, for the report."""


class Generated(Spec):
    """Modes of a place that are not known by name: a Pareto of them shares what the named ones leave over.

    Mode k of n gets the share k^-slope / sum over j of j^-slope of the way of every capability that ramps (equation 4
    of the failure-mode Pareto, with the way from `start` to `mature` in the place of the initial loss).
    """

    modes: Annotated[int, Field(ge=0, le=50)] = 5
    """3-8 per step (assumption)."""
    slope: Annotated[float, Field(ge=0.0, le=5.0)] = 1.0
    """0.7-1.3 (assumption)."""


class PlaceModes(Spec):
    """Modes of one place ("station", or "station.machine" in a chain)."""

    modes: dict[str, Mode] = {}
    generated: Generated | None = None
    """Instead of the line's."""


class Detection(Spec):
    """A mode is detected when enough of the cells that were lost to it have been recognised.

    Each lost cell adds `recognised_share` to the hazard of the mode that it was lost to. The mode is detected when
    the hazard passes an Erlang draw of shape `evidence_cells`; on a constant line after evidence_cells / (N p q) on
    average, with N cells inspected per unit of time, p the share of them lost to the mode and q `recognised_share`.
    """

    recognised_share: SomeShare = 3e-5
    """Of the cells lost to a mode, those that lead an engineer to its cause: few are taken apart, and few of these tell
    (assumption; ten stations that make 50 000 cells a week learn with a time constant of ten months)."""
    evidence_cells: Annotated[int, Field(ge=1, le=100)] = 1
    """Cells recognised until it is believed; 1 makes the time to detection exponential (assumption)."""
    known_factor: Annotated[float, Field(ge=1.0)] = 5.0
    """How many times more readily a mode is recognised that was fixed once and has come back (assumption)."""


class Fixing(Spec):
    """What is detected waits for a team of engineers; the mode that costs most in scrap comes first."""

    teams: Annotated[int, Field(ge=0, le=1000)] = 6
    """Teams of the plant, one mode each at a time (assumption)."""
    mean_weeks: Positive = 4.0
    """Mean of the lognormal engineering time: trial, part, change, release (assumption)."""
    cv: NonNegative = 0.8
    """Of it, standard deviation over mean (assumption)."""
    residual_share: Residual = 0.05
    """Of a mode, stays for good (assumption)."""
    repeat_share: SomeShare = 0.3
    """Of the engineering time, where a mode comes back: the remedy is known (assumption)."""


class Experiments(Spec):
    """Cell lots made to learn from: they take the line's time and money and are not sold.

    Their share falls from `start_share` to `end_share` with a time constant; it starts anew with a conversion.
    """

    start_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.10
    """Of the lots of cells begun (assumption, 0-0.3)."""
    end_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.02
    """Assumption."""
    time_constant_months: Positive = 6.0
    """Assumption."""
    detection_factor: Annotated[float, Field(ge=1.0)] = 5.0
    """What a cell of an experiment teaches over one of production: the ratio of the weights 2.0 for experiments and 0.4
    for use in effective experience (assumption)."""

    @model_validator(mode="after")
    def _falls(self) -> Experiments:
        if self.end_share > self.start_share:
            raise ValueError(f"end_share ({self.end_share:g}) is above start_share ({self.start_share:g})")
        return self


class Setback(Spec):
    """What brings fixed modes back: a new supplier's powder, a new shift, people who leave, a layoff."""

    after_weeks: NonNegative | None = None
    """On this date, from the start of the run."""
    every_weeks: Positive | None = None
    """Or at random, with this mean time in between (exponential)."""
    places: tuple[str, ...] | None = None
    """Where; none: everywhere."""
    reopens_share: SomeShare = 0.3
    """Probability of each fixed mode to come back (assumption)."""
    text: str = ""
    """For the report."""

    @model_validator(mode="after")
    def _one_of(self) -> Setback:
        if (self.after_weeks is None) == (self.every_weeks is None):
            raise ValueError("give exactly one of after_weeks and every_weeks")
        return self


class FailureModes(Spec):
    """Learning by causes, instead of the exponential maturity of each station.

    Every capability that ramps stands at the sum of what its open modes hold it back; yield follows from that. Where
    they are needed, `learning.maturity_at_start` and the line's age say how many modes are fixed before the run, and
    `learning.forgetting_share_per_month` how fast an idle station's come back.
    """

    generated: Generated = Generated()
    places: dict[str, PlaceModes] = {}
    shared: dict[str, tuple[str, ...]] = {}
    """Places that are copies of a place and learn with it: a mode is found by what any of them loses, and fixed for all
    of them. The modes are written at the first one."""
    detection: Detection = Detection()
    fixing: Fixing = Fixing()
    experiments: Experiments | None = None
    setbacks: dict[str, Setback] = {}
