"""The books on a plant whose counts are written by hand."""

from __future__ import annotations

import math

import pytest

from cellfab.core.causes import cause
from cellfab.core.lot import Lot
from cellfab.outcome.books import ROLLING_WEEKS, Books
from cellfab.plant import Plant
from cellfab.result import Phase
from cellfab.scenario import load_scenario, places

CRACK = cause("test_books", "crack", "a crack")
EV, ESS = "ev_nmc811", "ess_lfp"
PHASES = (Phase("drain", 1.0, 1.6), Phase("rebuild", 1.6, 3.0))


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("ess_from_4680", ["run.horizon_h=3444"])  # 20.5 weeks


@pytest.fixture
def plant(scenario):
    """Four weeks: every place loses a row in a hundred, the cathode's film a fifth, the winder a tenth."""
    plant = Plant(scenario, 1, 0)
    for place in places(scenario.spec.line):
        lost = {"cathode_film": 20, "wind": 10}.get(place.key, 1)
        plant.tally.step(0, EV, place.key, 100, lost)
        plant.tally.step(1, EV, place.key, 100, 0)
        electrode = place.key.split("_")[0]
        plant.materials[place.key] = electrode if electrode in ("cathode", "anode") else "cell"
        plant.row_units[place.key] = "segments" if electrode in ("cathode", "anode") else "cells"
    return plant


@pytest.fixture
def books(plant):
    return Books(plant, 4, PHASES)


def test_line_yield_is_that_of_the_cells_times_the_worse_electrode(books, scenario):
    """Cathode 0.8 x 0.99^6 is worse than the anode's 0.99^7; cells 0.9 x 0.99^9; the anode does not count."""
    cells = sum(place.station not in ("wind",) and "ode_" not in place.station for place in places(scenario.spec.line))
    assert cells == 9
    assert books.line_yield(EV, 0, 0) == pytest.approx(0.8 * 0.99**6 * 0.9 * 0.99**9)
    assert books.line_yield(EV, 1, 1) == 1.0
    # Rows of two weeks are added before they are divided.
    assert books.line_yield(EV) == pytest.approx(0.9 * 0.995**6 * 0.95 * 0.995**9)


def test_rolled_throughput_yield_is_the_product_of_all(books):
    assert books.rolled_throughput_yield(EV) == pytest.approx(0.9 * 0.95 * 0.995**22)


def test_what_was_not_made_has_no_yield(books):
    assert math.isnan(books.line_yield(ESS))
    assert math.isnan(books.line_yield(EV, 2, 3))
    assert math.isnan(books.rolled_throughput_yield(ESS))


def test_rework_is_no_first_pass(books, plant):
    plant.reworked[EV, "assembly.weld_anode"] = 19
    good = 200 - 1
    assert books.first_pass_yield(EV) == pytest.approx(books.rolled_throughput_yield(EV) * (1 - 19 / good))


def test_steps_are_rows_by_place(books, scenario):
    rows = list(books.steps())
    assert [row["station"] for row in rows] == [place.key for place in places(scenario.spec.line)]
    film = next(row for row in rows if row["station"] == "cathode_film")
    assert (film["rows_in"], film["rows_scrapped"], film["step_yield"]) == (200, 20, 0.9)
    assert (film["step"], film["row_unit"], film["product"]) == ("dry_film", "segments", EV)


def test_product_of_a_week_is_what_was_started_most(books, plant):
    assert books.product_of_week(0) == EV  # nothing was made yet: the first product of the scenario
    plant.cells_started.update({(0, EV): 100, (1, EV): 10, (1, ESS): 30})
    plant.cells_good[2, EV] = 5
    assert [books.product_of_week(week) for week in range(4)] == [EV, ESS, EV, EV]


def test_phases_by_the_middle_of_the_week(books, plant):
    assert [books.phase_of(week) for week in range(5)] == ["running", "drain", "rebuild", "released", "released"]
    assert Books(plant, 4, ()).phase_of(3) == "running"


def test_scrap_has_the_money_of_its_place_and_cause(books, plant):
    """Two places of one chain under one cause: each has what was lost there."""
    lot = Lot(1, n=100, unit="cells", material="cell", product=EV)
    plant.ledger.charge_lot(lot, 0, "assembly", [("labour", 1.0, "h", 400.0)])
    for place, rows in (("assembly.can", 30), ("assembly.fill", 10)):
        plant.tally.scrap(0, EV, place, CRACK, rows, float(rows))
    plant.tally.scrap(0, EV, "jelly_rolls", CRACK, 5, 5.0)
    plant.tally.scrap(0, EV, "wind", CRACK, 0, 0.0)
    plant.ledger.scrap(lot, 30, 100, 0, "assembly.can", "crack")
    plant.ledger.scrap(lot, 10, 70, 0, "assembly.fill", "crack")
    rows = {row["station"]: row for row in books.scrap()}
    assert set(rows) == {"assembly.can", "assembly.fill", "jelly_rolls"}
    assert rows["assembly.can"]["usd"] == pytest.approx(120.0)
    assert rows["assembly.fill"]["usd"] == pytest.approx(40.0)
    assert rows["assembly.fill"]["text"] == "a crack"
    assert (rows["jelly_rolls"]["step"], rows["jelly_rolls"]["usd"]) == ("line", 0.0)


def test_weekly_cost_per_kwh_is_a_rolling_mean(plant):
    """Each week costs 100 $; 1 kWh is sold in week 0, 3 in week 3, none later: seven weeks on, nothing is left."""
    for week in range(9):
        plant.ledger.charge(week, "wind", "labour", 1.0, "h", 100.0)
    for week, kwh in ((0, 1.0), (3, 3.0)):
        lot = Lot(7 + week, n=10, unit="cells", material="cell")
        plant.ledger.charge_lot(lot, week, "wind", [("labour", 1.0, "h", 100.0)])
        plant.ledger.finish(lot, 10, kwh, week, "warehouse")
    costs = [row["cost_usd_per_kwh"] for row in Books(plant, 9, ()).weekly()]
    assert ROLLING_WEEKS == 4
    assert costs[:4] == pytest.approx([200.0, 300.0, 400.0, 600.0 / 4])
    assert costs[4:7] == pytest.approx([500.0 / 3] * 3)
    assert all(map(math.isnan, costs[7:]))


def test_a_part_of_a_week_has_fewer_minutes(plant):
    plant.cells_good.update({(19, EV): 10_080, (20, EV): 10_080})
    rates = [row["cells_per_min"] for row in Books(plant, 21, ()).weekly()]
    assert rates[19:] == pytest.approx([1.0, 2.0])
    assert rates[:19] == [0.0] * 19
