"""What a finished plant replicate consumed: energy and carbon by place, and the prices that it paid, as tidy rows."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from cellfab.economics import carbon
from cellfab.economics.consumables import CONSUMABLES
from cellfab.economics.energy import CARRIERS, Key
from cellfab.economics.period_cost import ELECTRICITY, HEAT
from cellfab.plant import Plant
from cellfab.result import NOTHING_SOLD, Kpi
from cellfab.scenario import places

ENERGY = ("place", "step", "carrier", "use", "kwh", "kwh_per_kwh", "scrap_kwh", "scrap_share", "co2_kg")
PRICES = ("week", "item", "unit", "usd")
"""Columns of the frames of `RunResult`, after `replicate`."""


def energy_rows(plant: Plant) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.energy`."""
    sold = math.fsum(plant.good_kwh.values())
    steps = {place.key: place.step for place in places(plant.scenario.spec.line)}
    known = carbon_factors(plant)
    kg: dict[Key, float] = defaultdict(float)
    for (week, key), kwh in plant.energy.by_week().items():
        kg[key] += kwh * known.of(key[1], week)
    for use in plant.energy.uses():
        yield {
            "place": use.place,
            "step": steps.get(use.place, ""),
            "carrier": use.carrier,
            "use": use.use,
            "kwh": use.kwh,
            "kwh_per_kwh": use.kwh / sold if sold else math.nan,
            "scrap_kwh": use.scrap_kwh,
            "scrap_share": use.scrap_kwh / use.kwh,
            "co2_kg": kg[use.place, use.carrier, use.use],
        }


def price_rows(plant: Plant) -> Iterator[dict[str, Any]]:
    """Rows of `RunResult.prices`: by week of the run, shocks included, duties not."""
    prices, materials = plant.prices, plant.scenario.spec.materials
    for week in range(prices.weeks - 1):
        yield {"week": week, "item": ELECTRICITY, "unit": "kWh", "usd": prices.electricity[week]}
        yield {"week": week, "item": HEAT, "unit": "kWh", "usd": prices.heat[week]}
        for name, usd in prices.materials.items():
            yield {"week": week, "item": name, "unit": materials[name].unit, "usd": usd[week]}
        for name, usd in prices.consumables.items():
            unit = plant.economics.consumables[name].unit
            yield {"week": week, "item": f"{CONSUMABLES}{name}", "unit": unit, "usd": usd[week]}


def energy_kpis(plant: Plant) -> dict[str, Kpi]:
    """Electricity, heat and both per good kWh; the part that scrap took; CO2 of energy, of materials, and of both."""
    known = carbon_factors(plant)
    kg = carbon.by_account(carbon.by_place_and_account(plant.ledger.debits(), plant.ledger.held(), known))
    of_energy = sum(kg.get(carrier, 0.0) for carrier in CARRIERS)
    return {
        "electricity_kwh_per_kwh": _per_good_kwh(plant, plant.energy.total_kwh(ELECTRICITY), "kWh/kWh"),
        "heat_kwh_per_kwh": _per_good_kwh(plant, plant.energy.total_kwh(HEAT), "kWh/kWh"),
        "energy_in_scrap_kwh_per_kwh": _per_good_kwh(plant, plant.energy.scrap_kwh(), "kWh/kWh"),
        "co2_energy_kg_per_kwh": _per_good_kwh(plant, of_energy, "kg/kWh"),
        "co2_materials_kg_per_kwh": (
            _per_good_kwh(plant, math.fsum(kg.values()) - of_energy, "kg/kWh")
            if known.materials
            else Kpi(None, "kg/kWh", reason="no material has `carbon_kg`")
        ),
        "co2_kg_per_kwh": _per_good_kwh(plant, math.fsum(kg.values()), "kg/kWh"),
    }


def carbon_factors(plant: Plant) -> carbon.Factors:
    """Emission factors by account and week."""
    spec, economics = plant.scenario.spec, plant.economics
    grid = economics.carbon.grid_kg_per_kwh.weekly(spec.run.start_date, plant.prices.weeks - 1)
    return carbon.factors(economics.carbon, spec.materials, grid)


def _per_good_kwh(plant: Plant, amount: float, unit: str) -> Kpi:
    return Kpi.ratio(amount, math.fsum(plant.good_kwh.values()), unit, NOTHING_SOLD)
