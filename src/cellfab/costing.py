"""Static cost of a cost file or of a plant scenario by BatPaC's tables: no clock, no machines, no ramp."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellfab.cell_bill import cell_quantities, scenario_prices
from cellfab.config.batpac_checks import TABLE_KEYS, TABLES, is_cost_file, load_cost_file, load_tables
from cellfab.config.batpac_spec import CellQuantities, CostSpec, CostTables
from cellfab.config.loader import load
from cellfab.economics.batpac import baseline_plant, plant_of, scaled
from cellfab.economics.batpac_report import Product, StaticCost, static_cost
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.errors import UsageError
from cellfab.pilot import pilot_product
from cellfab.scenario import Scenario, load_scenario

_FAR = 2.0
"""Ratio of capacities from which costing is called an extrapolation (assumption)."""


def cost(
    path_or_name: str | Path,
    overrides: Sequence[str] = (),
    *,
    gwh_per_year: float | None = None,
    product: str | None = None,
    tables: str | Path = TABLES,
) -> StaticCost:
    """Cost what a configuration describes.

    Parameters
    ----------
    path_or_name : str or Path
        A cost file ("batpac/id4_nmc622") or a plant scenario ("ess_lfp_prismatic").
    overrides : sequence of str
        "path=value"; beside a scenario those under `process`, `overhead`, `factors`, `yields` and
        `scales_gwh_per_year` change the tables.
    gwh_per_year : float, optional
        Good output; default: what the file says, or the most that the scenario's mature line makes in closed form.
    product : str, optional
        Of the scenario; default: what a conversion makes, else the first one made.
    tables : str or Path
        Tables for a scenario.

    Raises
    ------
    ConfigError
        With every problem, located.
    UsageError
        If the output is not positive, or an option does not go with the file.
    """
    if gwh_per_year is not None and not 0.0 < gwh_per_year < 1e6:
        raise UsageError(f"--gwh-per-year must be above 0, and is {gwh_per_year:g}")
    written = load(path_or_name)
    if not is_cost_file(written) and ("line" in written.tree or "fleet" in written.tree):
        return _cost_scenario(path_or_name, overrides, gwh_per_year, product, tables)
    if product is not None or str(tables) != TABLES:
        raise UsageError("--product and --tables go with a plant scenario, and this is a cost file")
    spec, _ = load_cost_file(path_or_name, overrides)
    return _cost_file(spec, gwh_per_year)


def _cost_file(spec: CostSpec, gwh_per_year: float | None) -> StaticCost:
    remarks = []
    if spec.cell is None:
        plant = baseline_plant(spec.process)
        output = gwh_per_year if gwh_per_year is not None else spec.production.gwh_per_year
        assert output is not None, "the spec wants an output in GWh where there is no cell"
        plant, made = scaled(plant, output), Product({}, None, None)
        remarks.append("no materials: the table's own plant, with all its rates scaled together")
    else:
        plant = plant_of(spec.cell, spec.yields, _good_cells(spec, spec.cell, gwh_per_year), spec.pack)
        made = Product(spec.cell.bill, spec.pack, spec.prices)
        remarks += [*_dry_remarks(spec.cell, spec), *_size_remarks(spec.cell, spec)]
    return static_cost(spec, plant, made, name=spec.name, description=spec.description, remarks=remarks)


def _good_cells(spec: CostSpec, cell: CellQuantities, gwh_per_year: float | None) -> float:
    """Good cells a year."""
    if gwh_per_year is None and spec.production.packs_per_year is not None:
        assert spec.pack is not None, "the spec wants a pack where packs are produced"
        return spec.production.packs_per_year * spec.pack.cells_per_pack
    gwh = gwh_per_year if gwh_per_year is not None else spec.production.gwh_per_year
    assert gwh is not None, "the spec wants one of the two"
    return _cells(gwh, cell)


def _cells(gwh_per_year: float, cell: CellQuantities) -> float:
    return gwh_per_year * 1e9 / cell.energy_wh


def _cost_scenario(
    path_or_name: str | Path,
    overrides: Sequence[str],
    gwh_per_year: float | None,
    product: str | None,
    file: str | Path,
) -> StaticCost:
    for_tables = [one for one in overrides if one.split(".")[0].split("=")[0].strip() in TABLE_KEYS]
    tables = load_tables(file, for_tables)
    scenario = load_scenario(path_or_name, [one for one in overrides if one not in for_tables])
    made = pilot_product(scenario, product)
    cell = cell_quantities(scenario.one_line, made)
    prices = scenario_prices(scenario, cell.bill)
    remarks = [
        f"product {made}: {cell.capacity_ah:.1f} Ah, {cell.energy_wh:.1f} Wh,"
        f" {cell.energy_wh / cell.cathode_area_m2:.0f} Wh per m2 of cathode (each side counted)",
        "yields, labour, capital and floor are BatPaC's, not the scenario's; materials cost the scenario's prices of"
        f" {scenario.spec.run.start_date}, without duties",
    ]
    if gwh_per_year is None:
        gwh_per_year = nominal_gwh_per_year(scenario, made)
        remarks.append("output: the most that the mature line makes in closed form, without waiting or ramp")
    sizing = scenario.spec.economics.sizing if scenario.spec.economics is not None else None
    if sizing is not None and sizing.method == "machines":
        remarks.append("the scenario is sized by whole machines: this is a comparison, not to be added to its cost")
    remarks += [*_dry_remarks(cell, tables), *_size_remarks(cell, tables)]
    plant = plant_of(cell, tables.yields, _cells(gwh_per_year, cell))
    return static_cost(
        tables, plant, Product(cell.bill, None, prices),
        name=scenario.name, description=scenario.spec.description, remarks=remarks,
    )  # fmt: skip


def nominal_gwh_per_year(scenario: Scenario, product: str) -> float:
    """Good output of the mature line in closed form, GWh a year: an upper bound."""
    from cellfab.analytic import estimate

    found = estimate(scenario, product, seed=scenario.spec.run.seed)
    kwh_per_cell = found.good_kwh_per_lot / found.good_cells_per_lot
    return found.cells_per_week * WEEKS_PER_YEAR * kwh_per_cell * 1e-6


def _dry_remarks(cell: CellQuantities, tables: CostTables) -> list[str]:
    """Which rows were replaced because an electrode has no solvent."""
    dry = [
        name for name, kg in (("cathode", cell.cathode_solvent_g), ("anode", cell.anode_solvent_g)) if kg == 0.0
    ]  # fmt: skip
    rows = [name for name, step in tables.process.steps.items() if step.solvent_of in dry and step.dry is not None]
    if not rows:
        return []
    return [f"dry {' and '.join(dry)}: {', '.join(rows)} by the `dry` ratios of the table (assumption); no solvent"]


def _size_remarks(cell: CellQuantities, tables: CostTables) -> list[str]:
    """A warning where the exponents on the cell's capacity are used far from the cell for which they were made."""
    base = tables.process.baseline.cell_capacity_ah
    rows = [name for name, step in tables.process.steps.items() if step.capacity_exponent]
    if not rows or base / _FAR <= cell.capacity_ah <= base * _FAR:
        return []
    return [f"cells of {cell.capacity_ah:.4g} Ah: {' and '.join(rows)} are extrapolated from {base:g} Ah"]
