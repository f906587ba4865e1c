"""The shipped prices: complete, sourced, and a mature line lands in the published band."""

from __future__ import annotations

import datetime

import pytest

from cellfab.config.cell_spec import CellDesign
from cellfab.config.conversion_spec import Conversion
from cellfab.config.economics_spec import Economics
from cellfab.config.line_spec import StationEconomics
from cellfab.config.materials_spec import Material
from cellfab.config.ramp_spec import Ramp
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.period_cost import CAPITAL_ACCOUNTS, weekly_period_cost, weekly_plant_cost
from cellfab.units import HOURS_PER_WEEK

DAY = datetime.date(2026, 1, 5)
PARTS = (
    "materials/us_2026",
    "economics/us_2026",
    "stations/dry_4680_economics",
    "ramps/first_line",
    "ramps/first_dry_tabless_line",
    "ramps/copied_line",
    "ramps/converted_line",
    "conversions/same_can_nmc_to_lfp",
)


def sourced(node):
    """Every `{value, low, high, source}` of a file."""
    if isinstance(node, dict):
        if "value" in node:
            yield node
        else:
            for child in node.values():
                yield from sourced(child)


@pytest.mark.parametrize("part", PARTS)
def test_every_value_has_a_source_and_lies_in_its_range(part, shipped_with_sources):
    values = list(sourced(shipped_with_sources(part)))
    assert values
    for value in values:
        assert value["source"].strip()
        assert set(value) <= {"value", "low", "high", "source"}
        assert value.get("low", value["value"]) <= value["value"] <= value.get("high", value["value"])


def test_parts_are_valid(shipped):
    for material in shipped("materials/us_2026")["materials"].values():
        Material.model_validate(material)
    Economics.model_validate(shipped("economics/us_2026")["economics"])
    for name in ("first_line", "first_dry_tabless_line", "copied_line"):
        Ramp.model_validate(shipped(f"ramps/{name}")["ramp"])
    Ramp.model_validate(shipped("ramps/converted_line")["conversion"]["ramp"])


def test_conversion_takes_six_to_twelve_months_and_about_eight_million_per_gwh(shipped):
    conversion = Conversion.model_validate(
        shipped("conversions/same_can_nmc_to_lfp")["conversion"]
        | {"stop_week": 52, "product_from": "ev_nmc811", "product_to": "ess_lfp"}
    )
    longest = max(task.duration_weeks for task in conversion.stations.values())
    drain_weeks = 4.0
    weeks = drain_weeks + conversion.strip_out_weeks + longest + conversion.commissioning_weeks
    assert 26 <= weeks + conversion.requalification.duration_weeks <= 52
    station_capex = sum(task.capex_musd for task in conversion.stations.values())
    # 5.7 M$/GWh from step shares of BatPaC capital, times 1.3-1.8 for installation in the US; 1.46 GWh a year.
    assert 5.7 <= station_capex / 1.46 <= 10.3


def materials_usd(design: CellDesign, materials: dict[str, Material]) -> float:
    """Materials of one cell as designed, usd; 4 % more powder and 8 % more foil for trims that do not come back."""
    cathode, anode = design.cathode, design.anode
    used = {
        "electrolyte": design.electrolyte_kg,
        "separator": design.separator_area_m2,
        "al_foil": cathode.foil_area_m2 * 1.08,
        "cu_foil": anode.foil_area_m2 * 1.08,
        "can": 1.0,
        "collector_disc_cu": 1.0,
        "collector_disc_al": 1.0,
        "tape": 1.0,
    }
    total = sum(materials[name].cost_usd(amount, DAY) for name, amount in used.items())
    for electrode in (cathode, anode):
        shares = (electrode.active_fraction, electrode.binder_fraction, electrode.carbon_fraction)
        for name, share in zip((electrode.active_material, "ptfe", "carbon"), shares, strict=True):
            total += materials[name].cost_usd(electrode.coating_kg * share * 1.04, DAY)
    return total


@pytest.mark.parametrize(
    ("product", "cell", "low", "high"),
    # Full cost, usd per kWh: LFP with 62 Wh, NMC811 with 85 Wh a cell.
    [("ess_lfp", "4680_lfp_dry", 70.0, 100.0), ("ev_nmc811", "4680_nmc811_dry", 90.0, 130.0)],
)
def test_a_mature_line_lands_in_the_band(shipped, product, cell, low, high):
    economics = Economics.model_validate(shipped("economics/us_2026")["economics"])
    materials = {
        name: Material.model_validate(entry) for name, entry in shipped("materials/us_2026")["materials"].items()
    }
    design = CellDesign.model_validate(shipped(f"cells/{cell}")["products"][product]["design"])
    stations = [
        StationEconomics.model_validate(entry["economics"])
        for entry in shipped("stations/dry_4680_economics")["line"]["stations"].values()
    ]
    assert len(stations) == 20
    effectiveness, good = 0.80, 0.93
    electricity = economics.electricity_usd_per_kwh.at(DAY)
    hours = HOURS_PER_WEEK * WEEKS_PER_YEAR
    kwh = 60 * 60 * hours * effectiveness * good * design.energy_wh / 1000.0
    year = dict.fromkeys(("labour", "capital", "building", "maintenance", "overhead", "electricity", "heat"), 0.0)
    for entries in (
        weekly_plant_cost(economics, electricity, economics.heat_usd_per_kwh.at(DAY)),
        *(weekly_period_cost(one, economics) for one in stations),
    ):
        for account, _, _, usd in entries:
            year[account] += usd * WEEKS_PER_YEAR
    for one in stations:
        kw = effectiveness * one.power_kw + (1.0 - effectiveness) * one.idle_power_kw
        year["electricity"] += kw * hours * electricity
    full = sum(year.values()) / kwh + materials_usd(design, materials) / good / design.energy_wh * 1000.0
    cash = full - sum(year.get(account, 0.0) for account in CAPITAL_ACCOUNTS) / kwh
    assert low <= full <= high
    assert 0.65 * full <= cash <= 0.9 * full
