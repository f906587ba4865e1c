"""What `cellfab run` says of a fleet: the market by year and the plants, as text or as one JSON document."""

from __future__ import annotations

import datetime
import math
from typing import Any

from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.fleet.result import FleetResult, days_of
from cellfab.report.numbers import MISSING, is_number, number, percent
from cellfab.report.plain_table import plain_table
from cellfab.result import Kpi

SCHEMA_VERSION = 1
_MARKET = (
    ("wanted", "wanted_gwh", "GWh"), ("bought", "bought_gwh", "GWh"), ("by the fleet", "sold_gwh", "GWh"),
    ("under contract", "contract_gwh", "GWh"), ("share", "served_share", "%"), ("not used", "unused_gwh", "GWh"),
    ("price", "price_usd_per_kwh", "$/kWh"), ("import parity", "parity_usd_per_kwh", "$/kWh"),
    ("full cost", "cost_usd_per_kwh", "$/kWh"), ("credits", "credits_musd", "M$"), ("margin", "margin_musd", "M$"),
)  # fmt: skip
"""Heading, figure and unit of each column of the market's table."""


def years_of(result: FleetResult) -> list[str]:
    """Years of the run that have figures."""
    return [name.removeprefix("sold_gwh.") for name in result.kpi if name.startswith("sold_gwh.2")]


def weeks_of(result: FleetResult) -> int:
    """Weeks of the run."""
    return int(result.tables["plants"]["week"].max()) + 1


def plants_of(result: FleetResult) -> list[str]:
    """Plants in the order written."""
    return list(result.texts)


def headline(result: FleetResult) -> str:
    """The run in a few sentences."""
    kpi, years = result.kpi, years_of(result)
    text = (
        f"{len(plants_of(result))} plants sell {_told(kpi['sold_gwh'])} GWh of cells in {len(years)} years,"
        f" {percent(_number(kpi['served_share']), 0)} of what is bought."
    )
    last = years[-1]
    price, parity = kpi[f"price_usd_per_kwh.{last}"], kpi.get(f"parity_usd_per_kwh.{last}")
    text += f" In {last} a kWh costs {_told(price)} $"
    text += f", where imports cost {_told(parity)} $." if parity is not None else "."
    text += f" Tax credits of {number((_number(kpi['credits_musd']) or 0.0) / 1e3)} bn$ are paid,"
    margin = (_number(kpi["margin_musd"]) or 0.0) / 1e3
    text += f" and {number(abs(margin))} bn$ are {'lost' if margin < 0.0 else 'left'} after all cost of the plants."
    return text


def fleet_text(result: FleetResult, folder: object = None) -> str:
    """Tables for the terminal."""
    parts = [
        f"{result.name}: {result.description}\n{result.replicates} replicates, seed {result.seed};"
        f" {result.timing['wall_s']:.0f} s",
        headline(result),
        _market(result),
        _plants(result),
    ]
    if folder is not None:
        parts.append(f"written: {folder}\nreport:  {folder}/report.html")
    return "\n\n".join(parts)


def market_rows(result: FleetResult) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each year and for all of them."""
    columns = [one for one in _MARKET if one[1] in result.kpi]
    rows = []
    for year in (*years_of(result), ""):
        row = [year or "all"]
        for _, figure, unit in columns:
            kpi = result.kpi[f"{figure}.{year}" if year else figure]
            row.append(percent(_number(kpi), 0) if unit == "%" else _told(kpi, interval=not year))
        rows.append(row)
    return ["year", *(f"{heading}, {unit}" if unit != "%" else heading for heading, _, unit in columns)], rows


def plant_rows(result: FleetResult) -> tuple[list[str], list[list[str]]]:
    """Headings, and a row for each plant: first sale, sold by year, contracts, cost and margin of all years."""
    years = years_of(result)
    table = result.tables["plants"]
    of_year = {week: str(day.year) for week, day in enumerate(days_of(result.start, weeks_of(result)))}
    means = table.assign(year=table["week"].map(of_year)).groupby(["plant", "year"])["sold_mwh"].mean()
    contracts = {"contract_gwh": "under contract, GWh", "short_gwh": "short of it, GWh"}
    contracts = {name: heading for name, heading in contracts.items() if _number(result.kpi[name])}
    rows = []
    for plant in plants_of(result):
        sold = [number(float(means[plant, year]) * WEEKS_PER_YEAR / 1e3) for year in years]
        first = result.tables["lines"].query("plant == @plant").groupby("replicate")["first_sale_week"].min()
        when = [_day(result, float(first.quantile(share))) for share in (0.1, 0.9)]
        dates = when[0] if when[0] == when[1] else f"{when[0]} to {when[1]}"
        cost, margin = result.kpi[f"cost_usd_per_kwh.plant.{plant}"], result.kpi[f"margin_musd.plant.{plant}"]
        ev = number(float(result.ev_gwh_per_year[plant][-1])) if result.ev_gwh_per_year[plant].any() else MISSING
        promised = [result.kpi[f"{name}.plant.{plant}"] for name in contracts]
        rows.append([plant, dates, *sold, *map(_told, promised), _told(cost), _told(margin), ev])
    money = ["full cost, $/kWh", "margin, M$"]
    return ["plant", "first sale", *years, *contracts.values(), *money, "for cars at the end, GWh/y"], rows


def fleet_document(result: FleetResult, out_dir: str | None = None) -> dict[str, Any]:
    """What `cellfab run --json` prints, and kpi.json holds."""
    return {
        "schema_version": SCHEMA_VERSION,
        "fleet": {"name": result.name, "digest": result.digest, "plants": plants_of(result)},
        "seed": result.seed,
        "replicates": result.replicates,
        "kpi": {name: kpi_document(kpi) for name, kpi in result.kpi.items()},
        "responses": [dict(one) for one in result.responses],
        "timing": dict(result.timing),
        "out_dir": out_dir,
    }


def kpi_document(kpi: Kpi) -> dict[str, Any]:
    """One figure as plain JSON."""
    out = {"value": kpi.value, "unit": kpi.unit, "ci_low": kpi.ci_low, "ci_high": kpi.ci_high, "n": kpi.n}
    return {**out, "reason": kpi.reason} if kpi.reason else out


def _market(result: FleetResult) -> str:
    headings, rows = market_rows(result)
    return "Market, means of all replicates:\n" + plain_table(headings, rows)


def _plants(result: FleetResult) -> str:
    headings, rows = plant_rows(result)
    return "Plants: storage cells sold, GWh a year:\n" + plain_table(headings, rows)


def _day(result: FleetResult, week: float) -> str:
    return (result.start + datetime.timedelta(days=7.0 * week)).strftime("%Y-%m")


def _number(kpi: Kpi) -> float | None:
    return float(kpi.value) if is_number(kpi.value) and not isinstance(kpi.value, str) else None  # type: ignore[arg-type]


def _told(kpi: Kpi, *, interval: bool = False) -> str:
    value = _number(kpi)
    if value is None:
        return MISSING
    if interval and kpi.ci_low is not None and kpi.ci_high is not None and math.isfinite(kpi.ci_low):
        return f"{number(value)} ({number(kpi.ci_low)}..{number(kpi.ci_high)})"
    return number(value)
