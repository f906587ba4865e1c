"""Prices of people, capital, power and floor, and how overhead follows from them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cellfab.config.carbon_spec import Carbon
from cellfab.config.policy_spec import Credit, Markups, Recycling, Tariff, WorkingCapital
from cellfab.config.schedule import NonNegativeSchedule, PositiveSchedule, Schedule
from cellfab.config.sizing_spec import Sizing
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Capital(Spec):
    """How capital becomes a yearly charge: the annuity that pays it back with interest over its life."""

    interest_share_per_year: Annotated[float, Field(ge=0.0, le=0.5)] = 0.08
    """Real cost of capital (assumption)."""
    equipment_life_years: Annotated[float, Field(ge=1.0, le=50.0)] = 10.0
    """BatPaC v5, via jbaars/Batt_Sust_Model."""
    building_life_years: Annotated[float, Field(ge=1.0, le=100.0)] = 20.0
    """BatPaC v5, via jbaars/Batt_Sust_Model."""


class Labour(Spec):
    """What an operator's place costs."""

    wage_usd_per_h: Positive = 40.0
    """Loaded hourly cost of an operator in the US (assumption; BatPaC v5 uses 25)."""
    staffed_h_per_week: Annotated[float, Field(gt=0.0, le=168.0)] = 168.0
    """Hours a week that each operator's place is filled: three shifts of 8 h, seven days."""
    paid_ratio: Annotated[float, Field(ge=1.0, le=2.0)] = 1.10
    """Hours paid per hour worked: leave, illness, training (assumption)."""
    crew_wage_usd_per_h: NonNegative | None = None
    """Loaded hourly cost of a member of a repair crew (`line.crews`), at work or waiting; none: crews cost nothing by
    themselves, and their people are in the variable overhead."""


class Overhead(Spec):
    """Indirect cost as shares of direct labour and of straight-line depreciation.

    BatPaC v5 (via jbaars/Batt_Sust_Model) adds variable overhead of 40 % of labour and 20 % of depreciation, and
    general and administrative cost of 25 % of labour with its overhead and 25 % of depreciation. The 20 % of
    depreciation is maintenance and utilities, which are posted by themselves here. Research, profit and warranty belong
    to the price, not to the cost.
    """

    variable_on_labour_share: NonNegative = 0.40
    crews_on_labour_share: NonNegative | None = None
    """Of the variable overhead: maintenance people, who are posted as `labour.CREW` and no longer as overhead. Needed
    where crews have a wage; 0 says that the share above never held them."""
    consumables_on_labour_share: NonNegative | None = None
    """Of the variable overhead: what is posted as `consumables.NAME`. Needed where stations use any; 0 says that the
    share above never held it."""
    general_on_labour_share: NonNegative = 0.25
    """Of labour together with its variable overhead, what of that is posted by itself included."""
    general_on_depreciation_share: NonNegative = 0.25
    maintenance_share_per_year: Annotated[float, Field(ge=0.0, le=0.3)] = 0.03
    """Spare parts and outside service, of the equipment's price (assumption; the BatPaC share above comes to 0.02)."""

    @property
    def posted_on_labour_share(self) -> float:
        """What of the variable overhead is posted by itself: crews and consumables."""
        return (self.crews_on_labour_share or 0.0) + (self.consumables_on_labour_share or 0.0)


class WeeklyConsumable(Spec):
    """How much of something the plant uses up, whether anything is made or not: filters, clothing, nitrogen."""

    per: Literal["week"]
    amount: NonNegative
    """In the unit of the price."""


class PlantShared(Spec):
    """What the plant has besides its stations: dry room, utilities, laboratory, warehouse, scrap handling."""

    capex_musd: NonNegative = 0.0
    operators: NonNegative = 0.0
    """People per shift."""
    power_kw: NonNegative = 0.0
    """Always on (dry-room air, chillers)."""
    heat_kw: NonNegative = 0.0
    """Always on (desiccant wheels of the dry room)."""
    floor_m2: NonNegative = 0.0
    consumables: dict[str, WeeklyConsumable] = {}
    """By the names of `economics.consumables`."""


class Supply(Spec):
    """Something that wears or is used up and is in no cell: knives, optics, solvent for cleaning, contacts."""

    unit: Literal["pieces", "kg", "m3", "L"] = "pieces"
    price_usd: NonNegativeSchedule
    """Of one unit."""


class Valuation(Spec):
    """How long and at what rate cash flow is valued."""

    after_run_years: Annotated[float, Field(ge=0.0, le=50.0)] = 8.0
    """Years in which the plant goes on as in the last quarter of the run, at the prices and credits of their dates
    (assumption: with two years of run the ten years that its equipment lasts)."""
    discount_share_per_year: Annotated[float, Field(ge=0.0, le=0.5)] | None = None
    """None: the interest on capital."""


class Economics(Spec):
    """Money side of a scenario. Prices are in the dollars of one year, `currency_year`, and may be numbers by date."""

    currency_year: Annotated[int, Field(ge=2000, le=2060)]
    """Year of the dollars in which all prices, wages and capital are given."""
    capital: Capital = Capital()
    labour: Labour = Labour()
    overhead: Overhead = Overhead()
    plant: PlantShared = PlantShared()
    electricity_usd_per_kwh: NonNegativeSchedule = Schedule.constant(0.08)
    """Industrial tariff, US (assumption)."""
    heat_usd_per_kwh: NonNegativeSchedule = Schedule.constant(0.02)
    """Natural gas heat (assumption)."""
    building_usd_per_m2: NonNegative = 3000.0
    """BatPaC v5, via jbaars/Batt_Sust_Model."""
    normal_utilisation_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.80
    """Share of the calendar in which a station is expected to work once mature. It sets the standard rate at which lots
    absorb period cost; what they do not absorb is idle capacity."""
    sale_price_usd_per_kwh: PositiveSchedule | None = None
    """Price of a good cell at the plant's gate, for products without one of their own. Where one has none, neither cash
    flow nor net present value is reported."""
    consumables: dict[str, Supply] = {}
    """Prices of what stations and plant use up, by a name of one's own; posted as `consumables.NAME`."""
    tariffs: dict[str, Tariff] = {}
    """Duties on materials, by a name of one's own."""
    recycling: Recycling = Recycling()
    credits: dict[str, Credit] = {}
    """Tax credits for cells and modules sold, by a name of one's own."""
    working_capital: WorkingCapital = WorkingCapital()
    markups: Markups = Markups()
    """From cost to price."""
    valuation: Valuation = Valuation()
    """Cash flow, net present value, rate of return."""
    carbon: Carbon = Carbon()
    """Emission factors of electricity and heat."""
    sizing: Sizing | None = None
    """What `cellfab size` has done to the plant; none: it is as written."""
