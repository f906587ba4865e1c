"""BatPaC as a static calculator: a process table, a power law per step, and four multipliers for all that is indirect.

    X = X0 (r / r0) ** p                               labour hours, capital and floor of a step
    price = labour w m_l + capital m_c + floor b m_b + materials m_m

Nothing here knows a clock. The exponents are those of a plant with many parallel machines, so they hold on average what
whole machines would show one by one; the two must not be combined. The result is a *price*: profit and warranty are in
it. `multipliers` also gives the two costs that are contained in it.

References
----------
BatPaC v5, Argonne National Laboratory, as ported in github.com/jbaars/Batt_Sust_Model (commit 91a78d3, MIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cellfab.config.batpac_spec import (
    Basis,
    BillItem,
    CellQuantities,
    Factors,
    Loss,
    OverheadRates,
    PackQuantities,
    Prices,
    Process,
    ProcessStep,
    Rates,
    Yields,
)
from cellfab.economics.scaling import power_law

View = Literal["cash", "full", "price"]
VIEWS: tuple[View, ...] = ("cash", "full", "price")
_USD_PER_MUSD = 1e6
_G_PER_KG = 1e3


class Multipliers(NamedTuple):
    """What one dollar of each kind comes to: of labour and materials once, of capital every year."""

    labour: float
    equipment_per_year: float
    building_per_year: float
    materials: float


def multipliers(overhead: OverheadRates, factors: Factors, view: View = "price") -> Multipliers:
    """Direct cost to cash cost, full cost or price.

    Parameters
    ----------
    overhead : OverheadRates
    factors : Factors
        Lives of equipment and building, years: depreciation is 1 / life a year.
    view : "cash", "full" or "price"
        cash: variable and general overhead on labour and depreciation. full: straight-line depreciation besides. price:
        research, profit on the investment (capital, launch cost and working capital) and warranty besides.

    Returns
    -------
    Multipliers
        As price 1.86648, 0.253704, 0.153252 and 1.06656 with BatPaC v5's rates and 10 and 20 years.

    Notes
    -----
    The port computes depreciation as life / 100, which is 1 / life only for ten years.
    """
    on_labour = 1.0 + overhead.variable_on_labour_share
    launch, working = overhead.launch_on_labour_share, overhead.working_capital_on_variable_share
    profit, warranty = overhead.profit_on_investment_share_per_year, 1.0 + overhead.warranty_share
    labour = on_labour * (1.0 + overhead.general_on_labour_share)
    on_depreciation = (
        overhead.variable_on_depreciation_share * (1.0 + overhead.general_on_labour_share)
        + overhead.general_on_depreciation_share
    )
    rates = 1.0 / factors.equipment_life_years, 1.0 / factors.building_life_years
    if view == "cash":
        equipment, building = (on_depreciation * rate for rate in rates)
        return Multipliers(labour, equipment, building, 1.0)
    if view == "full":
        equipment, building = ((on_depreciation + 1.0) * rate for rate in rates)
        return Multipliers(labour, equipment, building, 1.0)
    equipment, building = (
        warranty
        * (
            (on_depreciation + 1.0 + overhead.research_on_depreciation_share) * rate
            + profit * (1.0 + overhead.variable_on_depreciation_share * (launch + working) * rate)
        )
        for rate in rates
    )
    return Multipliers(
        warranty * (labour + profit * on_labour * (launch + working)),
        equipment,
        building,
        warranty * (1.0 + profit * (overhead.launch_on_materials_share + working)),
    )


@dataclass(frozen=True, slots=True)
class StaticPlant:
    """What is made in a year, and what steps need to know of the product.

    Attributes
    ----------
    rates : Rates
    capacity_ah : float
        Of a cell.
    modules_per_pack : int
    cathode_solvent_kg_per_m2, anode_solvent_kg_per_m2 : float
        Evaporated per coated area; 0: made dry.
    """

    rates: Rates
    capacity_ah: float
    modules_per_pack: int
    cathode_solvent_kg_per_m2: float
    anode_solvent_kg_per_m2: float

    @property
    def gwh_per_year(self) -> float:
        """Good energy."""
        return self.rates.energy_kwh_per_year * 1e-6


def baseline_plant(process: Process) -> StaticPlant:
    """The plant for which the table was made."""
    base = process.baseline
    return StaticPlant(
        base.rates,
        base.cell_capacity_ah,
        base.modules_per_pack,
        base.cathode_solvent_kg_per_m2,
        base.anode_solvent_kg_per_m2,
    )


def scaled(plant: StaticPlant, gwh_per_year: float) -> StaticPlant:
    """The same product at another output: all rates by the same ratio.

    Raises
    ------
    ValueError
        Unless the output is positive.
    """
    if not gwh_per_year > 0.0:
        raise ValueError(f"an output of {gwh_per_year} GWh a year has no cost per kWh")
    ratio = gwh_per_year / plant.gwh_per_year
    rates = Rates(**{name: rate * ratio for name, rate in plant.rates.model_dump().items()})
    return StaticPlant(
        rates,
        plant.capacity_ah,
        plant.modules_per_pack,
        plant.cathode_solvent_kg_per_m2,
        plant.anode_solvent_kg_per_m2,
    )


def plant_of(
    cell: CellQuantities, yields: Yields, good_cells_per_year: float, pack: PackQuantities | None = None
) -> StaticPlant:
    """Rates that a product needs.

    Powder and solvent are divided by all yields that powder goes through. Area is that of the cells started, without
    the yields of electrodes: so BatPaC does, and its baseline is meant so.
    """
    started = good_cells_per_year / yields.cell_yield
    per_cell = good_cells_per_year / yields.powder / _G_PER_KG
    cathode_area, anode_area = started * cell.cathode_area_m2, started * cell.anode_area_m2
    cathode_solvent, anode_solvent = cell.cathode_solvent_g * per_cell, cell.anode_solvent_g * per_cell
    packs = good_cells_per_year / pack.cells_per_pack if pack is not None else 0.0
    rates = Rates(
        energy_kwh_per_year=good_cells_per_year * cell.energy_wh * 1e-3,
        good_cells_per_year=good_cells_per_year,
        started_cells_per_year=started,
        cathode_active_kg_per_year=cell.cathode_active_g * per_cell,
        anode_active_kg_per_year=cell.anode_active_g * per_cell,
        cathode_area_m2_per_year=cathode_area,
        anode_area_m2_per_year=anode_area,
        solvent_kg_per_year=cathode_solvent if cell.recovered_solvent else 0.0,
        modules_per_year=packs * pack.modules_per_pack if pack is not None else 0.0,
        packs_per_year=packs,
        row_racks_per_year=packs * pack.row_racks_per_pack if pack is not None else 0.0,
        interconnects_per_year=packs * pack.interconnects_per_pack if pack is not None else 0.0,
    )
    modules = pack.modules_per_pack if pack is not None else 0
    return StaticPlant(rates, cell.capacity_ah, modules, cathode_solvent / cathode_area, anode_solvent / anode_area)


class Needs(NamedTuple):
    """What a step needs, and the ratio of rates from which that follows."""

    ratio: float
    labour_h_per_year: float
    capital_musd: float
    floor_m2: float


def step_needs(step: ProcessStep, process: Process, plant: StaticPlant) -> Needs:
    """One row of the table at the rates of a plant.

    Nothing where the rate is zero (solvent recovery of a dry cathode, packs of a plant that sells cells).
    """
    base = process.baseline
    ratio = rate_ratio(step.basis, base.rates, plant.rates)
    if ratio == 0.0:
        return Needs(0.0, 0.0, 0.0, 0.0)
    capacity = plant.capacity_ah / base.cell_capacity_ah
    row = capacity**step.capacity_exponent
    labour = row * power_law(step.labour_h_per_year, ratio, step.labour_exponent)
    capital = row * power_law(step.capital_musd, ratio, step.capital_exponent)
    floor = row * power_law(step.floor_m2, ratio, step.floor_exponent)
    if plant.capacity_ah > base.large_cell_ah:
        capital *= step.large_cell_ratio
    if step.modules_exponent:
        modules = (plant.modules_per_pack / base.modules_per_pack) ** step.modules_exponent
        labour, capital = labour * modules, capital * modules
    if step.solvent_of is not None:
        solvent = _solvent_ratio(step.solvent_of, process, plant)
        if solvent > 0.0:
            capital *= solvent**step.solvent_exponent
        elif step.dry is not None:
            labour, capital = labour * step.dry.labour_ratio, capital * step.dry.capital_ratio
            floor *= step.dry.floor_ratio
    return Needs(ratio, labour, capital, floor)


def _solvent_ratio(electrode: Literal["cathode", "anode"], process: Process, plant: StaticPlant) -> float:
    if electrode == "cathode":
        return plant.cathode_solvent_kg_per_m2 / process.baseline.cathode_solvent_kg_per_m2
    return plant.anode_solvent_kg_per_m2 / process.baseline.anode_solvent_kg_per_m2


def rate_ratio(basis: Basis, baseline: Rates, rates: Rates) -> float:
    """Rate of a plant over that of the baseline plant, by what a step follows."""
    if basis != "cells_or_area":
        return float(getattr(rates, basis) / getattr(baseline, basis))
    area = rates.cathode_area_m2_per_year + rates.anode_area_m2_per_year
    area_baseline = baseline.cathode_area_m2_per_year + baseline.anode_area_m2_per_year
    return max(rates.started_cells_per_year / baseline.started_cells_per_year, area / area_baseline)


class StepCost(NamedTuple):
    """Cost of a year, usd, with what one multiplier each adds."""

    labour: float
    equipment: float
    building: float

    @property
    def total(self) -> float:
        """All three."""
        return self.labour + self.equipment + self.building


def step_cost(needs: Needs, factors: Factors, by: Multipliers) -> StepCost:
    """Dollars a year of a step."""
    return StepCost(
        needs.labour_h_per_year * factors.labour_usd_per_h * by.labour,
        needs.capital_musd * _USD_PER_MUSD * by.equipment_per_year,
        needs.floor_m2 * factors.building_usd_per_m2 * by.building_per_year,
    )


def bought_share(through: Loss, yields: Yields) -> float:
    """Bought over contained, for what goes through a chain of yields; of solvent only what is not recovered."""
    cell = 1.0 / yields.cell_yield
    match through:
        case "powder":
            return 1.0 / yields.powder
        case "solvent":
            return (1.0 - yields.mixing_yield * yields.solvent_recovery_yield) / yields.powder
        case "foil":
            return 1.0 / yields.foil
        case "separator":
            return cell / yields.separator_stacking_yield
        case "electrolyte":
            return cell / yields.electrolyte_filling_yield
        case "cell":
            return cell
    return 1.0


def bill_cost(
    bill: Mapping[str, BillItem], prices: Prices, yields: Yields, baseline: Rates, rates: Rates
) -> dict[str, float]:
    """Materials of one product by line of its bill, usd, without overhead.

    The price per piece falls with the rate, each_usd x (r0 / r) ** (1 - p); the price by amount does not.
    """
    costs = {}
    for name, item in bill.items():
        price = prices.materials[item.material]
        each = price.each_usd
        for basis in price.each_bases:
            each *= (getattr(baseline, basis) / getattr(rates, basis)) ** (1.0 - price.each_exponent)
        contained = item.amount * price.price_usd + item.pieces_number * each
        costs[name] = contained * bought_share(item.through, yields)
    return costs
