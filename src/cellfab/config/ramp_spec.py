"""How a line gets better: yield, rate and reliability, each by a law of its own, per station."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, model_validator

from cellfab.config.failure_modes_spec import FailureModes
from cellfab.config.spec import Spec

Positive = Annotated[float, Field(gt=0.0)]
NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Factor = Annotated[float, Field(gt=0.0, le=1.0)]


class Learning(Spec):
    """Yield: the maturity m in [0, 1) at which each process capability stands between its `start` and `mature` values.

    m = 1 - (1 - maturity_at_start) exp(-E / time_constant); E, the effective experience in months, grows by
    dE/dt = calendar_weight + utilisation_weight * utilisation, and shrinks while the station stands idle.
    """

    time_constant_months: Positive = 9.0
    """First line of a new plant 6-15, copied line 2-4, converted line with the same people 3-6 (fits to LG Wroclaw 8.7,
    SK On 9.2 and the 4680 pilot 8.3 months from dated press reports; converted: assumption)."""
    maturity_at_start: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """0 for a first line. A copied line that starts at 60 % yield where a first one starts at 35 % and both end at 95 %
    has (0.60 - 0.35) / (0.95 - 0.35) = 0.42."""
    calendar_weight: NonNegative = 0.5
    utilisation_weight: NonNegative = 0.5
    """Together 1, so that a fully used station gains a month per month: the clock of the published time constants
    (the split is an assumption)."""
    forgetting_share_per_month: Annotated[float, Field(ge=0.0, le=1.0)] = 0.04
    """Of E, while idle (assumption, 0.02-0.06 after a layoff)."""
    idle_after_weeks: NonNegative = 2.0
    """A station without work for longer than this is idle (assumption)."""


class ReleaseWhen(Spec):
    """Speed held on purpose until scrap has fallen: one step of speed each time the condition holds.

    Scrap is that of the whole line, in worth of cells lost of those begun, over the last `over_weeks`. After a step as
    many weeks pass before the next one, so that the scrap at the new speed is seen first.
    """

    scrap_below_share: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Release while scrap is below this."""
    scrap_falls_to_share: Annotated[float, Field(gt=0.0, lt=1.0)] | None = None
    """Or while it is below this share of what it was in the first `over_weeks`: 0.5 once it has halved."""
    over_weeks: Annotated[int, Field(ge=1, le=52)] = 4
    """Assumption."""
    step_share: Factor = 0.1
    """Of nominal speed, per step (assumption)."""

    @model_validator(mode="after")
    def _one_of(self) -> ReleaseWhen:
        if (self.scrap_below_share is None) == (self.scrap_falls_to_share is None):
            raise ValueError("give exactly one of scrap_below_share and scrap_falls_to_share")
        return self


class RateRelease(Spec):
    """Rate: the share of nominal speed the station is run at, released step by step as people trust it.

    r = mature - (mature - start) exp(-t / time_constant), t counted in months of operation; or by a policy, `when`.
    """

    start: Factor = 0.5
    """Share of nominal speed on day one (assumption)."""
    mature: Factor = 1.0
    time_constant_months: Positive = 9.0
    """With start 0.5: 0.9 of nominal speed after 14 months; as availability and yield grow beside it, the line passes
    0.9 of nameplate within the 18-36 months of announced greenfield targets (assumption)."""
    when: ReleaseWhen | None = None
    """From `start` to `mature` by steps, as scrap falls, instead of with the time constant."""


class ReliabilityGrowth(Spec):
    """Reliability: mean time between failures grows with operating time T as (T0 + T)^growth_exponent (Duane;
    Crow-AMSAA with beta = 1 - growth_exponent) up to the mature value written at the station; repairs get faster."""

    start: Factor = 0.25
    """Mean time between failures on day one over the mature one (assumption; gives about 1/2 after a quarter)."""
    growth_exponent: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.35
    """0.3-0.5 in managed programmes (Duane 1964; Crow 1974)."""
    mature_after_h: Positive = 10_000.0
    """Operating hours from a Duane clock of zero to the mature value: about two years of operation (assumption)."""
    repair_start: Annotated[float, Field(ge=1.0, le=10.0)] = 1.5
    """Mean time to repair on day one over the mature one (assumption)."""
    repair_time_constant_months: Positive = 6.0
    """Of operation (assumption)."""


class StationRamp(Spec):
    """The three laws of one station."""

    learning: Learning = Learning()
    rate: RateRelease = RateRelease()
    reliability: ReliabilityGrowth = ReliabilityGrowth()


class LabourLearning(Spec):
    """People: hours per station fall with the cells made, by De Jong's law c = c1 (M + (1 - M) n^-b).

    n counts cells in units of `first_cells`. `operators` of the stations are those of the mature line, reached after
    `mature_cells`; before, there are more of them. De Jong (1957), "The effects of increasing skill on cycle time and
    its consequences for time standards", Ergonomics 1, 51-60.
    """

    machine_paced_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.7
    """M, the share that no practice shortens; 0.5-0.8 on machines (assumption)."""
    learning_rate_share: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.15
    """Of the rest, saved with every doubling of the cells made: b = -log2(1 - it); 0.10-0.20 in plants (assumption)."""
    first_cells: Annotated[int, Field(ge=1)] = 100_000
    """Assumption: a few days' output."""
    mature_cells: Annotated[int, Field(ge=1)] = 50_000_000
    """Assumption: two years' output of one line."""


class Ramp(Spec):
    """Ramp of a line: the laws that hold everywhere, and what is different at single stations."""

    default: StationRamp = StationRamp()
    stations: dict[str, StationRamp] = {}
    """Only what differs from `default` need be written."""
    months_before_start: NonNegative = 0.0
    """Age of the line when the simulation begins."""
    utilisation_before_start: Share = 0.6
    """Mean utilisation during that time (assumption)."""
    failure_modes: FailureModes | None = None
    """Learning by causes: capabilities improve as modes are found and fixed, not with the exponential of `learning`."""
    labour: LabourLearning | None = None
    """None: every station always has its mature operators."""

    def of(self, station: str) -> StationRamp:
        """The laws of `station`: `default`, overlaid with what is written for it."""
        own = self.stations.get(station)
        return self.default if own is None else _overlay(self.default, own)


def _overlay(base: StationRamp, own: StationRamp) -> StationRamp:
    changed: dict[str, BaseModel] = {}
    for name in own.model_fields_set:
        law: BaseModel = getattr(own, name)
        written = {key: getattr(law, key) for key in law.model_fields_set}
        changed[name] = getattr(base, name).model_copy(update=written)
    return base.model_copy(update=changed)
