"""A line reduced to its response, against the steps and the economics that it is measured from."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.analytic import estimate
from cellfab.economics.capital import annuity
from cellfab.fleet.response import MATURITIES, Times, measure
from cellfab.pilot import pilot_lots
from cellfab.rated import rated_output
from cellfab.scenario import load_scenario

LOTS = 2


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("ess_lfp_prismatic")


@pytest.fixture(scope="module")
def response(scenario):
    return measure(scenario, seed=1, lots=LOTS)


def test_lots_are_those_of_the_quality_chain(scenario, response):
    for maturity, cells, kwh in zip(MATURITIES, response.cells_per_lot, response.kwh_per_lot, strict=True):
        lots = list(pilot_lots(scenario, seed=1, lots=LOTS, maturity=maturity))
        assert cells == sum(lot.n_alive for lot in lots) / LOTS
        assert kwh == pytest.approx(sum(lot.attributes["good_energy_kwh"] for lot in lots) / LOTS)
    assert np.all(np.diff(response.cells_per_lot) > 0.0)


def test_output_is_that_of_the_simulated_mature_line(scenario, response):
    rated = rated_output(scenario, 1)["lfp_314ah_prismatic"]
    kwh = response.kwh_per_lot[-1] / response.cells_per_lot[-1]
    assert response.gwh_per_year == pytest.approx(rated * kwh * 365.25 / 7.0 / 1e6, rel=1e-3)
    closed = estimate(scenario, seed=1, pilot_lots=LOTS).cells_per_week
    assert response.effectiveness == pytest.approx(rated / closed)
    assert 0.9 < response.effectiveness <= 1.02


def test_what_a_lot_takes_is_what_is_in_the_design(scenario, response):
    # A can for each cell that reaches the chain: between the good ones and those begun.
    cans = response.use["materials.prismatic_can"][-1]
    assert response.cells_per_lot[-1] <= cans <= response.begun_per_lot[-1]
    # Powder of all charges, whatever becomes of them: the same for a line that has learned nothing.
    lfp = response.use["materials.lfp"]
    assert lfp[0] == pytest.approx(lfp[-1], rel=0.01)
    design = scenario.spec.products["lfp_314ah_prismatic"].design
    assert 1.0 < response.kwh_per_lot[-1] / (response.cells_per_lot[-1] * design.energy_wh / 1e3) + 0.1 < 1.2


def test_weights_are_those_of_stations_that_lose_cells(response):
    assert response.weights.sum() == pytest.approx(1.0)
    assert np.all(response.weights >= 0.0)
    by_name = dict(zip(response.stations, response.weights, strict=True))
    assert by_name["bake"] == 0.0
    assert by_name["cathode_coat"] > by_name["grade"] > 0.0


def test_a_week_costs_what_people_and_capital_cost(scenario, response):
    spec = scenario.spec
    economics = spec.economics
    stations = [station.economics for station in spec.line.stations.values()]
    capex = 1e6 * (sum(one.capex_musd for one in stations) + economics.plant.capex_musd)
    floor = 3000.0 * (sum(one.floor_m2 for one in stations) + economics.plant.floor_m2)
    weeks = 365.25 / 7.0
    charge = annuity(capex, 0.08, 10.0) + annuity(floor, 0.08, 20.0)
    assert response.weekly.capital * weeks == pytest.approx(charge, rel=1e-3)
    # By hand: 168 h at 40 $/h, 1.1 paid for one; 10 % of variable overhead and 25 % of 1.4 on top.
    hourly = 168.0 * 40.0 * 1.1 * (1.0 + 0.1 + 0.25 * 1.4)
    assert response.weekly.operators == pytest.approx(hourly * sum(one.operators for one in stations))
    per_musd = annuity(1e6, 0.08, 10.0) + 1e6 * (0.03 + 0.25 / 10.0)
    assert response.weekly.per_added_musd * weeks == pytest.approx(per_musd, rel=1e-3)
    assert response.weekly.whole > response.weekly.capital + response.weekly.operators


@pytest.mark.parametrize(
    ("times", "share"),
    [
        (Times(0.0, 100.0, 0.0), 0.5),
        (Times(100.0, 100.0, 0.0), 200.0 / 300.0),
        (Times(0.0, 50.0, 100.0), 1.0),  # the recipe is slower than the speed, even at half of it
        (Times(20.0, 80.0, 100.0), 120.0 / 180.0),
    ],
)
def test_half_the_speed(times, share):
    assert times.slower(1.0) == 1.0
    assert times.slower(0.5) == pytest.approx(share)


def test_failures_twice_as_often(response):
    # One station: (1 + load) / (1 + 2 load); storage never fails.
    station = response.stations.index("cathode_mix")
    (machine,) = response.failing[station]
    assert response.availability(station, 1.0) == 1.0
    assert response.availability(station, 2.0) == pytest.approx((1.0 + machine.load) / (1.0 + 2.0 * machine.load))
    assert response.availability(response.stations.index("wet"), 5.0) == 1.0
    chain = response.failing[response.stations.index("assembly")]
    worst = min(one.speed / (1.0 + 3.0 * one.load) for one in chain)
    mature = min(one.speed / (1.0 + one.load) for one in chain)
    assert response.availability(response.stations.index("assembly"), 3.0) == pytest.approx(worst / mature)


def test_work_of_a_lot_is_longest_on_one_side(scenario, response):
    # The week and more of ageing is in it, and it is shorter than all stations one after the other.
    everything = sum(
        station.seconds_per_lot for station in estimate(scenario, seed=1, pilot_lots=LOTS).stations.values()
    )
    assert 777_600.0 < response.work_weeks * 604_800.0 < everything
    assert math.isfinite(response.work_weeks)
