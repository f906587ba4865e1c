"""The plants of 20 GWh a year: sized as `cellfab size` would size them now, and in the published bands of cost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from cellfab.config.line_spec import station_units
from cellfab.core.lot import Lot
from cellfab.economics.capital import WEEKS_PER_YEAR
from cellfab.economics.consumables import CONSUMABLES, of_the_plant
from cellfab.economics.crew_labour import crew_wage
from cellfab.economics.period_cost import ELECTRICITY, HEAT, MATERIALS, weekly_period_cost, weekly_plant_cost
from cellfab.pilot import route, send, source_lots
from cellfab.plant import Plant
from cellfab.run import run_scenario
from cellfab.scenario import Scenario, load_scenario
from cellfab.sizing import size_plant
from cellfab.units import HOURS_PER_WEEK

GWH_PER_YEAR, RESERVE = 20.0, 0.03
US_BAND, CHINA_BAND, RAMP_BAND = (60.0, 80.0), (38.0, 50.0), (90.0, 200.0)
"""Full cost, usd per kWh."""
PILOTS = 12


@pytest.mark.parametrize("name", ["us_lfp_20gwh", "cn_lfp_20gwh"])
def test_shipped_counts_are_those_of_today(name: str) -> None:
    """Else write configs/stations/*prismatic_20gwh.yaml anew with the command in docs/cost.md."""
    base, plant = load_scenario("ess_lfp_prismatic"), load_scenario(name)
    economics = plant.spec.economics
    assert economics is not None and economics.sizing is not None
    sizing = economics.sizing
    assert (sizing.method, sizing.gwh_per_year, sizing.reserve_share) == ("machines", GWH_PER_YEAR, RESERVE)
    size = size_plant(base, GWH_PER_YEAR, reserve_share=RESERVE, machine_price_ratio=sizing.machine_price_ratio)
    for station, wanted in size.stations.items():
        shipped = plant.spec.line.stations[station]
        assert station_units(shipped) == pytest.approx(wanted.machines, rel=0.03, abs=1.0), station
        price = wanted.economics.capex_musd / wanted.machines
        assert shipped.economics.capex_musd == pytest.approx(station_units(shipped) * price, rel=1e-3), station


def cost_usd_per_kwh(scenario: Scenario) -> float:
    """Full cost without a clock: what lots take in materials and energy, and a year of everything else at 20 GWh.

    No waiting, no capital at work in stocks, and stations that always work.
    """
    spec, economics = scenario.spec, scenario.spec.economics
    assert economics is not None
    plant = Plant(scenario, 1, 0)

    def act(station: str, lots: Sequence[Lot]) -> Lot:
        made = plant.process(station, lots, 0).lot
        plant.worked(station, made, 0, 0)
        return made

    product = next(iter(spec.products))
    for ordinal in range(PILOTS):
        for lot in send(route(spec.line), source_lots(spec.line, product, ordinal), act):
            plant.finished("warehouse", lot, 0)
    by_lots = (MATERIALS, ELECTRICITY, HEAT, CONSUMABLES)
    taken = [debit for debit in plant.ledger.debits() if debit.account.startswith(by_lots)]
    bought = sum(debit.usd for debit in taken) / sum(plant.good_kwh.values())
    start = spec.run.start_date
    prices = economics.electricity_usd_per_kwh.at(start), economics.heat_usd_per_kwh.at(start)
    stations = [station.economics for station in spec.line.stations.values()]
    weekly = [weekly_plant_cost(economics, *prices), *(weekly_period_cost(one, economics) for one in stations)]
    period = sum(usd for entries in weekly for _, _, _, usd in entries)
    period += sum(usd for *_, usd in of_the_plant(economics, plant.prices.consumables, 0))
    for crew in spec.line.crews.values():
        period += crew.size * HOURS_PER_WEEK * economics.labour.paid_ratio * crew_wage(crew, economics.labour)
    period += HOURS_PER_WEEK * sum(
        station_units(station) * one.amount * plant.prices.consumables[name][0]
        for station in spec.line.stations.values()
        for name, one in station.economics.consumables.items()
        if one.per == "machine_h"
    )
    period += HOURS_PER_WEEK * sum(one.power_kw * prices[0] + one.heat_kw * prices[1] for one in stations)
    return bought + period * WEEKS_PER_YEAR / (GWH_PER_YEAR * (1.0 + RESERVE) * 1e6)


@pytest.mark.parametrize(("name", "band"), [("us_lfp_20gwh", US_BAND), ("cn_lfp_20gwh", CHINA_BAND)])
def test_a_mature_plant_is_in_the_band_without_a_clock(name: str, band: tuple[float, float]) -> None:
    assert band[0] < cost_usd_per_kwh(load_scenario(name)) < band[1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "band"), [("us_lfp_20gwh", US_BAND), ("cn_lfp_20gwh", CHINA_BAND)])
def test_a_mature_plant_is_in_the_band(name: str, band: tuple[float, float]) -> None:
    """Sixteen weeks, the last thirteen count; from week to week the cost moves by 0.1 $/kWh."""
    kpi = run_scenario(load_scenario(name)).kpi
    full, cash = (float(kpi[f"{kind}_usd_per_kwh_last_quarter"].value or 0.0) for kind in ("cost", "cash_cost"))
    assert band[0] < full < band[1]
    assert 0.75 * full < cash < 0.9 * full
    assert full == pytest.approx(cost_usd_per_kwh(load_scenario(name)), rel=0.03)
    made = float(kpi["good_energy_mwh_last_quarter"].value or 0.0) / 13.0 * WEEKS_PER_YEAR * 1e-3
    assert GWH_PER_YEAR <= made <= GWH_PER_YEAR * (1.0 + RESERVE) * 1.02


@pytest.mark.slow
def test_the_first_year_is_in_its_band() -> None:
    kpi = run_scenario(load_scenario("us_lfp_20gwh_ramp")).kpi
    assert RAMP_BAND[0] < float(kpi["cost_usd_per_kwh"].value or 0.0) < RAMP_BAND[1]
