"""What a plant pays and earns besides materials, people and machines: duties, recyclers, tax credits, stock, price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from cellfab.config.schedule import NonNegativeSchedule, ShareSchedule
from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Days = Annotated[float, Field(ge=0.0, le=365.0)]


class Tariff(Spec):
    """A duty on materials from one origin, on top of their price; several on one origin add up."""

    origin: str
    """As in `materials.NAME.origins`."""
    share: NonNegativeSchedule
    """Duty over the price of the material."""
    materials: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Which materials it is on; none: all from that origin."""


class Recycling(Spec):
    """What it takes to hand scrap to a recycler; what he pays for is `materials.NAME.recovery`."""

    freight_usd_per_kg: NonNegative = 0.0
    """Of scrap, to the recycler."""
    hazard_usd_per_kg: NonNegative = 0.0
    """Packing, discharge and insurance: waste lithium-ion cells are dangerous goods."""


class MaterialAssistance(Spec):
    """The rule of 26 USC 45X (as amended in 2025) on material from prohibited foreign entities.

    ratio = (direct material cost - what of it comes from prohibited origins) / direct material cost. A product earns
    the credit in a week only if the ratio of the cells sold in it is at least `least_share`.
    """

    prohibited_origins: Annotated[tuple[str, ...], Field(min_length=1)]
    least_share: ShareSchedule


class Credit(Spec):
    """A tax credit per kWh of cells sold, by date of sale. Scrap, and cells that may not be sold, earn none."""

    usd_per_kwh: NonNegativeSchedule
    applies_to: Literal["cell", "module"] = "cell"
    """module: earned on the share of sales that the plant builds into modules itself."""
    sales_share: Share = 1.0
    """Of the kWh sold that earn it: modules the plant makes, or sales to unrelated buyers."""
    least_cell_wh: NonNegative = 0.0
    """Cells with less energy earn none."""
    least_cell_wh_per_l: NonNegative = 0.0
    """Cells with less energy per volume of their outline earn none."""
    material_assistance: MaterialAssistance | None = None
    paid_after_months: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    """From the sale to the money."""

    def undersized(self, energy_wh: float, wh_per_l: float) -> Iterator[tuple[str, str]]:
        """Why a cell is too small for the credit: (field with the limit, message)."""
        if energy_wh < self.least_cell_wh:
            yield "least_cell_wh", f"a cell of {energy_wh:.3g} Wh is below the minimum of {self.least_cell_wh:g} Wh"
        if wh_per_l < self.least_cell_wh_per_l:
            message = f"a cell with {wh_per_l:.3g} Wh/L is below the minimum of {self.least_cell_wh_per_l:g} Wh/L"
            yield "least_cell_wh_per_l", message


class WorkingCapital(Spec):
    """Money that is bound in stock and bills; what is in the line itself is taken from the ledger.

    Its interest is a cost like the charge for equipment: in full cost, not in cash cost.
    """

    materials_d: Days = 0.0
    """Stock of materials, in days of use."""
    goods_d: Days = 0.0
    """Stock of finished cells, in days of output at full cost."""
    receivables_d: Days = 0.0
    """From the sale to the customer's money."""
    payables_d: Days = 0.0
    """From the delivery of materials and energy to the plant's payment."""
    interest_share_per_year: Annotated[float, Field(ge=0.0, le=0.5)] | None = None
    """None: as for capital."""


class Markups(Spec):
    """From cost to the price at which a maker would sell, after BatPaC v5 (via jbaars/Batt_Sust_Model).

    price = (cash cost + depreciation + research + profit on investment) x (1 + warranty). Depreciation and profit take
    the place of the interest-bearing capital charge of full cost, so the return on capital is counted once.
    """

    research_on_depreciation_share: NonNegative = 0.40
    launch_on_labour_share: NonNegative = 0.10
    """Launch cost, part of the investment: of a year's labour with its variable overhead."""
    launch_on_materials_share: NonNegative = 0.05
    """Launch cost: of a year's materials."""
    profit_on_investment_share_per_year: NonNegative = 0.05
    """On equipment, building, launch cost and working capital."""
    working_capital_on_variable_share: NonNegative = 0.15
    """Working capital of the price: of a year's variable cost (materials, labour with its variable overhead)."""
    warranty_share: NonNegative = 0.056


class Recovery(Spec):
    """What a recycler pays for a material in scrap, over what it cost; negative where he must be paid."""

    electrode_share: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    """In powder and electrodes of one side."""
    cell_share: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.0
    """In cells, wound or stacked, with both sides and perhaps electrolyte."""

    def of(self, form: str) -> float:
        """Share for a form of scrap: "electrode" or "cell"."""
        return self.cell_share if form == "cell" else self.electrode_share
