"""A static cost as a whole: every step, the materials, three views, and how the cost falls with scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from cellfab.config.batpac_spec import BillItem, CostTables, PackQuantities, Prices
from cellfab.economics.batpac import (
    VIEWS,
    Multipliers,
    Needs,
    StaticPlant,
    StepCost,
    View,
    bill_cost,
    multipliers,
    scaled,
    step_cost,
    step_needs,
)


class Totals(NamedTuple):
    """Dollars per good kWh: cell processing, module and pack assembly, materials."""

    cell_labour: float
    cell_equipment: float
    cell_building: float
    pack_labour: float
    pack_equipment: float
    pack_building: float
    materials: float

    @property
    def cell_processing(self) -> float:
        """Of all steps that make cells."""
        return self.cell_labour + self.cell_equipment + self.cell_building

    @property
    def pack_processing(self) -> float:
        """Module and pack assembly."""
        return self.pack_labour + self.pack_equipment + self.pack_building

    @property
    def labour(self) -> float:
        """Of all steps."""
        return self.cell_labour + self.pack_labour

    @property
    def equipment(self) -> float:
        """Of all steps."""
        return self.cell_equipment + self.pack_equipment

    @property
    def building(self) -> float:
        """Of all steps."""
        return self.cell_building + self.pack_building

    @property
    def total(self) -> float:
        """Everything."""
        return self.cell_processing + self.pack_processing + self.materials


class Scale(NamedTuple):
    """The same product at another output."""

    gwh_per_year: float
    cell_processing_usd_per_kwh: float
    total_usd_per_kwh: float
    equipment_musd_per_gwh: float
    labour_h_per_mwh: float


@dataclass(frozen=True, slots=True)
class StaticStep:
    """One step of the plant.

    Attributes
    ----------
    scope : "cell" or "pack"
    needs : Needs
        Labour, capital and floor of the plant.
    usd_per_kwh : mapping of view to StepCost
    """

    name: str
    scope: str
    needs: Needs
    usd_per_kwh: Mapping[View, StepCost]


@dataclass(frozen=True, slots=True)
class StaticCost:
    """What `cellfab cost` found.

    Attributes
    ----------
    plant : StaticPlant
    kwh_per_unit : float
        Energy of the pack, or of the cell.
    unit : "pack", "cell" or ""
        What materials are given for; empty: the table has no product.
    steps : list of StaticStep
    materials_usd_per_unit : dict of str to float
        Direct cost by line of the bill.
    multipliers, totals : mapping of view to Multipliers and Totals
    scales : list of Scale
        As price.
    remarks : list of str
        What a reader must know: assumptions made, what was left out.
    """

    name: str
    description: str
    plant: StaticPlant
    unit: str
    kwh_per_unit: float
    steps: list[StaticStep]
    materials_usd_per_unit: dict[str, float]
    multipliers: Mapping[View, Multipliers]
    totals: Mapping[View, Totals]
    scales: list[Scale]
    currency_years: tuple[int, ...]
    remarks: list[str] = field(default_factory=list)


class Product(NamedTuple):
    """What materials are counted for: bills of one cell and of one pack, and how many cells a pack has."""

    cell_bill: Mapping[str, BillItem]
    pack: PackQuantities | None
    prices: Prices | None


def static_cost(
    tables: CostTables,
    plant: StaticPlant,
    product: Product,
    *,
    name: str,
    description: str = "",
    remarks: list[str] | None = None,
) -> StaticCost:
    """Cost a plant by BatPaC's tables.

    Parameters
    ----------
    tables : CostTables
    plant : StaticPlant
        Rates and product, from `plant_of`, `baseline_plant` or `scaled`.
    product : Product
        Bills and prices; materials are left out where there are no prices.
    """
    marks = {view: multipliers(tables.overhead, tables.factors, view) for view in VIEWS}
    materials = _materials(tables, plant, product)
    cells = product.pack.cells_per_pack if product.pack is not None else 1
    kwh = plant.rates.energy_kwh_per_year / plant.rates.good_cells_per_year * cells
    unit = "" if product.prices is None else "pack" if product.pack is not None else "cell"
    steps = _steps(tables, plant, marks, with_pack=product.pack is not None or product.prices is None)
    totals = {view: _totals(steps, sum(materials.values()) / kwh, marks[view], view) for view in VIEWS}
    years = {tables.process.currency_year, tables.factors.currency_year}
    if product.prices is not None:
        years.add(product.prices.currency_year)
    return StaticCost(
        name=name,
        description=description,
        plant=plant,
        unit=unit,
        kwh_per_unit=kwh,
        steps=steps,
        materials_usd_per_unit=materials,
        multipliers=marks,
        totals=totals,
        scales=[_scale(tables, plant, gwh, product, marks["price"]) for gwh in tables.scales_gwh_per_year],
        currency_years=tuple(sorted(years)),
        remarks=list(remarks or ()),
    )


def _materials(tables: CostTables, plant: StaticPlant, product: Product) -> dict[str, float]:
    """Direct cost of materials of one pack, or of one cell, usd."""
    if product.prices is None:
        return {}
    baseline, rates = tables.process.baseline.rates, plant.rates
    cell = bill_cost(product.cell_bill, product.prices, tables.yields, baseline, rates)
    if product.pack is None:
        return cell
    pack = bill_cost(product.pack.bill, product.prices, tables.yields, baseline, rates)
    return {**{line: usd * product.pack.cells_per_pack for line, usd in cell.items()}, **pack}


def _steps(
    tables: CostTables, plant: StaticPlant, marks: Mapping[View, Multipliers], *, with_pack: bool
) -> list[StaticStep]:
    kwh = plant.rates.energy_kwh_per_year
    found = []
    for name, step in tables.process.steps.items():
        if name in tables.process.without or (step.scope == "pack" and not with_pack):
            continue
        needs = step_needs(step, tables.process, plant)
        costs = {
            view: StepCost(*(usd / kwh for usd in step_cost(needs, tables.factors, by))) for view, by in marks.items()
        }
        found.append(StaticStep(name, step.scope, needs, costs))
    return found


def _totals(steps: list[StaticStep], materials_usd_per_kwh: float, by: Multipliers, view: View) -> Totals:
    sums = [
        sum(step.usd_per_kwh[view][part] for step in steps if step.scope == scope)
        for scope in ("cell", "pack")
        for part in range(3)
    ]
    return Totals._make([*sums, materials_usd_per_kwh * by.materials])


def _scale(
    tables: CostTables, whole: StaticPlant, gwh_per_year: float, product: Product, by: Multipliers
) -> Scale:  # fmt: skip
    plant = scaled(whole, gwh_per_year)
    marks: dict[View, Multipliers] = {"price": by}
    steps = _steps(tables, plant, marks, with_pack=product.pack is not None)
    cells = product.pack.cells_per_pack if product.pack is not None else 1
    kwh = plant.rates.energy_kwh_per_year / plant.rates.good_cells_per_year * cells
    totals = _totals(steps, sum(_materials(tables, plant, product).values()) / kwh, by, "price")
    cell_steps = [step.needs for step in steps if step.scope == "cell"]
    return Scale(
        gwh_per_year,
        totals.cell_processing,
        totals.total,
        sum(needs.capital_musd for needs in cell_steps) / gwh_per_year,
        sum(needs.labour_h_per_year for needs in cell_steps) / (gwh_per_year * 1e3),
    )
