"""A fleet: plants that sell cells into one market, its buyers, and who else sells to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cellfab.config.policy_spec import Credit, Tariff
from cellfab.config.project_spec import Slip
from cellfab.config.run_spec import Day, Run
from cellfab.config.schedule import NonNegativeSchedule, PositiveSchedule, Schedule, ShareSchedule
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]


class Contract(Spec):
    """What a plant has promised to deliver at a price of its own: so much, spread evenly over the days."""

    text: str = ""
    begins: Day
    ends: Day
    """The last day."""
    energy_gwh: Positive
    """Of all days together."""
    price_usd_per_kwh: NonNegative

    @model_validator(mode="after")
    def _begins_first(self) -> Contract:
        if self.ends < self.begins:
            raise ValueError(f"ends ({self.ends}) is before begins ({self.begins})")
        return self


class FleetPlant(Spec):
    """One plant: lines that are copies of the line of a scenario, in whatever size."""

    scenario: str
    """A scenario file, relative to this one, or the name of a shipped one: its line, prices, ramp and conversion."""
    text: str = ""
    begins: Day | None = None
    """Day on which week 0 of the scenario lies for the first line; none: the `run.start_date` of the scenario."""
    gwh_per_year: Positive
    """Good cells of all its lines together once they are mature. The scenario's line, its people and money are taken in
    proportion."""
    lines: Annotated[int, Field(ge=1, le=50)] = 1
    spacing_weeks: NonNegative = 0.0
    """From week 0 of a line to that of the next."""
    mainly: Literal["ess", "ev"] = "ess"
    """What most of the plant is for; the market here is that for storage."""
    ev_gwh_per_year: NonNegativeSchedule = Schedule.constant(0.0)
    """What its other lines make for cars: told beside the rest, outside the market."""
    credits: tuple[str, ...] | None = None
    """Tax credits that it earns, by their names in `economics.credits`; none written: all. A plant abroad: []."""
    conversion_gwh_per_year: Positive | None = None
    """The size of line that the capital of the conversion is written for; none: that of the scenario's line."""
    contracts: dict[str, Contract] = {}
    """What it delivers first, whatever the market's price; the rest is for the market."""
    slips: dict[str, Slip] = {}
    """What may make week 0 itself late, by a name of your own; those of the conversion's tasks come on top."""


class Buyers(Spec):
    """A group of buyers: Q max(0, 1 - e (p - P) / P)."""

    text: str = ""
    gwh_per_year: NonNegativeSchedule
    """Q: bought at the reference price."""
    factor: NonNegative = 1.0
    """On the quantity, for what-ifs."""
    reference_price_usd_per_kwh: PositiveSchedule
    """P"""
    elasticity_factor: Positive
    """e: percent bought less for one percent more, at the reference price."""


class Supplier(Spec):
    """Somebody who is not a plant of the fleet: imports, second-life packs."""

    text: str = ""
    price_usd_per_kwh: NonNegativeSchedule
    """Before duty and freight."""
    base_duty_share: NonNegative = 0.0
    """Ordinary duty on cells, of the price."""
    tariffs: tuple[str, ...] = ()
    """Further duties that hold for cells, by their names in `economics.tariffs`."""
    freight_usd_per_kwh: NonNegative = 0.0
    gwh_per_year: NonNegativeSchedule | None = None
    """None: as much as is wanted at that price."""


class Fleet(Spec):
    """Plants and market."""

    plants: Annotated[dict[str, FleetPlant], Field(min_length=1)]
    buyers: Annotated[dict[str, Buyers], Field(min_length=1)]
    suppliers: dict[str, Supplier] = {}
    parity: str | None = None
    """The supplier whose landed price is told as import parity."""
    material_assistance_share: ShareSchedule | None = None
    """Of direct material, what comes from elsewhere than prohibited origins, in all plants; none: by the origins of
    each scenario's materials."""
    delay_weeks: NonNegative = 0.0
    """Every line later by so much than written and drawn, for what-ifs."""


class FleetPolicy(Spec):
    """Duties on materials and cells, and credits for what is sold, instead of those of the plants' scenarios."""

    tariffs: dict[str, Tariff] = {}
    credits: dict[str, Credit] = {}


class FleetFile(Spec):
    """A fleet file, resolved. `run` gives its length, first day, seed and replicates, as for one plant."""

    name: str
    description: str = ""
    run: Run
    economics: FleetPolicy = FleetPolicy()
    fleet: Fleet
