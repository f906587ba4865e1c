"""What `cellfab cost` prints: steps, materials, three views and scale in plain text, and one JSON document."""

from __future__ import annotations

from typing import Any

from cellfab.economics.batpac import VIEWS
from cellfab.economics.batpac_report import StaticCost, StaticStep, Totals
from cellfab.report.plain_table import plain_table

SCHEMA_VERSION = 1
VIEW_TITLES = {
    "cash": "cash cost (labour, materials, overhead)",
    "full": "full cost (and straight-line depreciation)",
    "price": "price (and research, profit, warranty)",
}


def cost_text(found: StaticCost) -> str:
    """Tables for the terminal."""
    parts = [_heading(found), _steps(found)]
    if found.materials_usd_per_unit:
        parts.append(_materials(found))
    parts += [_views(found), _multipliers(found), _scales(found), *(f"note: {remark}" for remark in _remarks(found))]
    return "\n\n".join(parts)


def cost_document(found: StaticCost) -> dict[str, Any]:
    """What `cellfab cost --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "name": found.name,
        "description": found.description,
        "gwh_per_year": found.plant.gwh_per_year,
        "rates": found.plant.rates.model_dump(),
        "unit": found.unit,
        "kwh_per_unit": found.kwh_per_unit,
        "currency_years": list(found.currency_years),
        "steps": [_step_document(step) for step in found.steps],
        "materials": [
            {"name": name, "usd_per_unit": usd, "usd_per_kwh": usd / found.kwh_per_unit}
            for name, usd in found.materials_usd_per_unit.items()
        ],
        "multipliers": {view: found.multipliers[view]._asdict() for view in VIEWS},
        "views": {view: _totals_document(found.totals[view], found) for view in VIEWS},
        "scales": [scale._asdict() for scale in found.scales],
        "remarks": _remarks(found),
    }


def _step_document(step: StaticStep) -> dict[str, Any]:
    return {
        "name": step.name,
        "scope": step.scope,
        **step.needs._asdict(),
        "usd_per_kwh": {
            view: {**step.usd_per_kwh[view]._asdict(), "total": step.usd_per_kwh[view].total} for view in VIEWS
        },
    }


def _totals_document(totals: Totals, found: StaticCost) -> dict[str, Any]:
    parts = {
        "labour": totals.labour, "equipment": totals.equipment, "building": totals.building,
        "materials": totals.materials, "total": totals.total,
    }  # fmt: skip
    return {
        "usd_per_kwh": {
            **parts,
            "cell_processing": totals.cell_processing,
            "pack_processing": totals.pack_processing,
        },
        "usd_per_unit": {name: usd * found.kwh_per_unit for name, usd in parts.items()},
    }


def _heading(found: StaticCost) -> str:
    output = (
        f"{found.plant.gwh_per_year:.4g} GWh a year, {found.plant.rates.good_cells_per_year / 1e6:.4g} M good cells"
    )
    if found.unit:
        output += f", {found.kwh_per_unit:.5g} kWh per {found.unit}"
    described = f": {found.description}" if found.description else ""
    return f"{found.name}{described}\n{output}; static, BatPaC's power law"


def _steps(found: StaticCost) -> str:
    rows = []
    for step in found.steps:
        needs, usd = step.needs, step.usd_per_kwh["price"]
        rows.append(
            (
                step.name, f"{needs.ratio:.3f}", f"{needs.labour_h_per_year / 1e3:.1f}", f"{needs.capital_musd:.1f}",
                f"{needs.floor_m2:.0f}", *(f"{part:.3f}" for part in (*usd, usd.total)),
            )
        )  # fmt: skip
    price = found.totals["price"]
    scopes = [("cell", "cell processing", price.cell_processing, price[:3])]
    if any(step.scope == "pack" for step in found.steps):
        scopes.append(("pack", "modules and packs", price.pack_processing, price[3:6]))
    for scope, title, total, parts in scopes:
        needs_of = [step.needs for step in found.steps if step.scope == scope]
        rows.append(
            (
                title, "", f"{sum(one.labour_h_per_year for one in needs_of) / 1e3:.1f}",
                f"{sum(one.capital_musd for one in needs_of):.1f}", f"{sum(one.floor_m2 for one in needs_of):.0f}",
                *(f"{part:.3f}" for part in parts), f"{total:.3f}",
            )
        )  # fmt: skip
    headings = ("step", "rate", "kh/y", "M$", "m2", "labour", "equipment", "building", "$/kWh")
    return "Steps, as price in $/kWh (rate: over the baseline plant's)\n" + plain_table(headings, rows)


def _materials(found: StaticCost) -> str:
    by = found.multipliers["price"].materials
    costs = sorted(found.materials_usd_per_unit.items(), key=lambda one: -one[1])
    costs.append(("materials", sum(found.materials_usd_per_unit.values())))
    rows = [
        (name, f"{usd:.2f}", f"{usd / found.kwh_per_unit:.3f}", f"{usd * by / found.kwh_per_unit:.3f}")
        for name, usd in costs
    ]
    return "Materials, losses included\n" + plain_table(
        ("line", f"$/{found.unit}", "$/kWh", "as price $/kWh"), rows
    )  # fmt: skip


def _views(found: StaticCost) -> str:
    rows = []
    for view in VIEWS:
        totals = found.totals[view]
        parts = (totals.labour, totals.equipment, totals.building, totals.materials, totals.total)
        rows.append((VIEW_TITLES[view], *(f"{part:.2f}" for part in parts)))
        if found.unit == "pack":
            rows.append(("  $ per pack", *(f"{part * found.kwh_per_unit:.1f}" for part in parts)))
    return "Three views, $/kWh\n" + plain_table(
        ("view", "labour", "equipment", "building", "materials", "total"), rows
    )  # fmt: skip


def _multipliers(found: StaticCost) -> str:
    rows = [(view, *(f"{value:.6g}" for value in found.multipliers[view])) for view in VIEWS]
    return "What a dollar comes to (capital: a year)\n" + plain_table(
        ("view", "labour", "equipment", "building", "materials"), rows
    )  # fmt: skip


def _scales(found: StaticCost) -> str:
    headings = ["GWh/y", "cell processing $/kWh", "equipment M$/GWh", "labour h/MWh"]
    rows = []
    for scale in found.scales:
        row = [
            f"{scale.gwh_per_year:g}", f"{scale.cell_processing_usd_per_kwh:.1f}",
            f"{scale.equipment_musd_per_gwh:.1f}", f"{scale.labour_h_per_mwh:.1f}",
        ]  # fmt: skip
        rows.append([*row, f"{scale.total_usd_per_kwh:.1f}"] if found.unit else row)
    if found.unit:
        headings.append(f"price of the {found.unit} $/kWh")
    return "The same at other outputs, all rates scaled together\n" + plain_table(headings, rows)


def _remarks(found: StaticCost) -> list[str]:
    remarks = list(found.remarks)
    if len(found.currency_years) > 1:
        years = ", ".join(map(str, found.currency_years))
        remarks.append(f"dollars of {years} are added as they are: no inflation is applied")
    return remarks
