"""A static cost file: BatPaC's tables (process steps, overhead, factor prices, yields) and what is costed with them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from cellfab.config.spec import Spec

NonNegative = Annotated[float, Field(ge=0.0)]
Positive = Annotated[float, Field(gt=0.0)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Yield = Annotated[float, Field(gt=0.0, le=1.0)]
Exponent = Annotated[float, Field(ge=0.0, le=1.5)]
Count = Annotated[int, Field(ge=1)]
CurrencyYear = Annotated[int, Field(ge=1990, le=2060)]

RateName = Literal[
    "energy_kwh_per_year",
    "good_cells_per_year",
    "started_cells_per_year",
    "cathode_active_kg_per_year",
    "anode_active_kg_per_year",
    "cathode_area_m2_per_year",
    "anode_area_m2_per_year",
    "solvent_kg_per_year",
    "modules_per_year",
    "packs_per_year",
    "row_racks_per_year",
    "interconnects_per_year",
]
Basis = Literal[RateName, "cells_or_area"]
"""What a step's size follows: one of the rates, or the larger of the ratios of cells and of electrode area."""
Loss = Literal["none", "powder", "solvent", "foil", "separator", "electrolyte", "cell"]
"""The chain of yields that a material goes through before it is in a good cell."""


class Rates(Spec):
    """What a plant handles in a year."""

    energy_kwh_per_year: Positive
    """Of the good cells."""
    good_cells_per_year: Positive
    started_cells_per_year: Positive
    """Good cells over the yield of cells: the number that is stacked, filled and formed."""
    cathode_active_kg_per_year: Positive
    """Active material that is mixed, losses included."""
    anode_active_kg_per_year: Positive
    cathode_area_m2_per_year: Positive
    """Coated area of the started cells, each side of the foil counted: BatPaC's electrode area is one-side coated."""
    anode_area_m2_per_year: Positive
    solvent_kg_per_year: NonNegative
    """NMP evaporated from cathodes; 0: none is recovered."""
    modules_per_year: NonNegative = 0.0
    packs_per_year: NonNegative = 0.0
    row_racks_per_year: NonNegative = 0.0
    interconnects_per_year: NonNegative = 0.0


class Baseline(Spec):
    """The plant for which the process table was made."""

    rates: Rates
    cell_capacity_ah: Positive
    large_cell_ah: Positive
    """Above this, `large_cell_ratio` of a step counts."""
    modules_per_pack: Count
    cathode_solvent_kg_per_m2: Positive
    anode_solvent_kg_per_m2: Positive


class DryRow(Spec):
    """What becomes of a coating row when the electrode is made without solvent, as ratios to the wet row."""

    labour_ratio: NonNegative
    capital_ratio: NonNegative
    floor_ratio: NonNegative


class ProcessStep(Spec):
    """One row of the table: labour, capital and floor at the baseline rate, and how they grow."""

    basis: Basis
    scope: Literal["cell", "pack"] = "cell"
    labour_h_per_year: NonNegative
    capital_musd: NonNegative
    floor_m2: NonNegative
    labour_exponent: Exponent
    capital_exponent: Exponent
    floor_exponent: Exponent
    capacity_exponent: Exponent = 0.0
    """Of Ah per cell over the baseline's, on the whole row."""
    large_cell_ratio: Positive = 1.0
    """On capital, for cells above `baseline.large_cell_ah`."""
    modules_exponent: Exponent = 0.0
    """Of modules per pack over the baseline's, on labour and capital."""
    solvent_of: Literal["cathode", "anode"] | None = None
    """Whose solvent per m2 the capital follows."""
    solvent_exponent: Exponent = 0.0
    dry: DryRow | None = None
    """In place of the row where that electrode has no solvent."""
    note: str = ""


class Process(Spec):
    """The step table."""

    currency_year: CurrencyYear
    """Year of the dollars of its capital."""
    baseline: Baseline
    steps: dict[str, ProcessStep]
    without: tuple[str, ...] = ()
    """Steps left out."""


class OverheadRates(Spec):
    """Indirect cost, profit and warranty, as shares."""

    variable_on_labour_share: NonNegative
    variable_on_depreciation_share: NonNegative
    general_on_labour_share: NonNegative
    """Of labour together with its variable overhead."""
    general_on_depreciation_share: NonNegative
    research_on_depreciation_share: NonNegative
    launch_on_labour_share: NonNegative
    launch_on_materials_share: NonNegative
    working_capital_on_variable_share: NonNegative
    profit_on_investment_share_per_year: NonNegative
    warranty_share: NonNegative


class Factors(Spec):
    """Prices of labour and floor, and the lives over which capital is written off."""

    currency_year: CurrencyYear
    labour_usd_per_h: Positive
    building_usd_per_m2: NonNegative
    equipment_life_years: Annotated[float, Field(gt=0.0, le=100.0)]
    building_life_years: Annotated[float, Field(gt=0.0, le=100.0)]


class Yields(Spec):
    """Shares that get through each step."""

    mixing_yield: Yield
    slurry_coating_yield: Yield
    slurry_slitting_yield: Yield
    foil_coating_yield: Yield
    foil_slitting_yield: Yield
    electrode_stacking_yield: Yield
    separator_stacking_yield: Yield
    electrolyte_filling_yield: Yield
    """Of the material; not a yield of cells."""
    cell_yield: Yield
    """Good cells over cells started."""
    solvent_recovery_yield: Yield

    @property
    def powder(self) -> float:
        """From powder bought to powder in good cells."""
        coated = self.mixing_yield * self.slurry_coating_yield * self.slurry_slitting_yield
        return coated * self.electrode_stacking_yield * self.cell_yield

    @property
    def foil(self) -> float:
        """From foil bought to foil in good cells."""
        return self.foil_coating_yield * self.foil_slitting_yield * self.electrode_stacking_yield * self.cell_yield


class Price(Spec):
    """What a material costs: by its amount, and besides by the piece."""

    unit: Literal["kg", "m2", "pieces", "ah"] = "kg"
    price_usd: NonNegative = 0.0
    """Per unit."""
    each_usd: NonNegative = 0.0
    """Per piece at the baseline rate."""
    each_bases: tuple[RateName, ...] = ()
    """Rates with which `each_usd` falls; none: it does not."""
    each_exponent: Annotated[float, Field(gt=0.0, le=2.0)] = 0.85
    """p of each_usd x (r0 / r) ** (1 - p)."""
    note: str = ""


class Prices(Spec):
    """A price table."""

    currency_year: CurrencyYear
    """Year of its dollars."""
    materials: dict[str, Price]


class BillItem(Spec):
    """One line of a bill of materials."""

    material: str
    """Name in `prices.materials`."""
    amount: NonNegative = 0.0
    """In the product, in the unit of the price."""
    pieces_number: NonNegative = 0.0
    """Pieces in the product, for what is priced by the piece."""
    through: Loss = "none"


class CellQuantities(Spec):
    """What the rates need to know of one good cell."""

    capacity_ah: Positive
    energy_wh: Positive
    cathode_area_m2: Positive
    """Coated area, each side of the foil counted."""
    anode_area_m2: Positive
    cathode_active_g: Positive
    """In the cell."""
    anode_active_g: Positive
    cathode_solvent_g: NonNegative
    """Evaporated per cell, losses of slurry not counted; 0: dry."""
    anode_solvent_g: NonNegative
    recovered_solvent: bool = True
    """Whether the cathode's solvent is recovered (NMP); water is not."""
    bill: dict[str, BillItem] = {}
    """Per cell."""


class PackQuantities(Spec):
    """What is built of the cells."""

    cells_per_pack: Count
    modules_per_pack: Count
    row_racks_per_pack: Annotated[int, Field(ge=0)] = 0
    interconnects_per_pack: Annotated[int, Field(ge=0)] = 0
    bill: dict[str, BillItem] = {}
    """Per pack, cells' own materials not repeated."""


class Production(Spec):
    """How much is made: good energy a year, or packs a year."""

    gwh_per_year: Positive | None = None
    packs_per_year: Positive | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.gwh_per_year is None) == (self.packs_per_year is None):
            raise ValueError("give gwh_per_year or packs_per_year, and not both")
        return self


class CostTables(Spec):
    """BatPaC's tables alone: what a plant scenario is costed with."""

    name: str = ""
    description: str = ""
    process: Process
    overhead: OverheadRates
    factors: Factors
    yields: Yields
    scales_gwh_per_year: tuple[Positive, ...] = (2.0, 6.0, 10.0, 20.0, 35.0, 50.0, 100.0)
    """Outputs of the scale table."""


class CostSpec(CostTables):
    """A cost file: the tables, and a product. Without `cell` it is the baseline plant with all its rates scaled."""

    production: Production
    prices: Prices | None = None
    cell: CellQuantities | None = None
    pack: PackQuantities | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.pack is not None and self.cell is None:
            raise ValueError("a pack needs the quantities of its `cell`")
        if self.production.packs_per_year is not None and self.pack is None:
            raise ValueError("production.packs_per_year needs a `pack`; give gwh_per_year")
        return self
