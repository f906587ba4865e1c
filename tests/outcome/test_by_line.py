"""A plant of two small lines, the second of which starts later: what each made, cost, and began with."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from cellfab.core.ledger import Holding
from cellfab.mode_effects import mode_effects
from cellfab.outcome.books import Books
from cellfab.outcome.valuation import capital_usd
from cellfab.replicate import simulate
from cellfab.report.lines_charts import by_line, by_week, one_for_all
from cellfab.report.page import render
from cellfab.result import RunResult
from cellfab.run import gather
from cellfab.scenario import Scenario, load_scenario

START = 0.5
PLANT = f"""\
name: small_two
extends: ev_4680_dry
lines:
  named: {{one: {{}}, two: {{start_week: {START}}}}}
  shared: [cathode_dose, cathode_mix]
  shared_crews: [maintenance]
  transfer_loss_share: 0.25
"""


@pytest.fixture(scope="module")
def scenario(small_plant, tmp_path_factory) -> Scenario:
    path: Path = tmp_path_factory.mktemp("lines") / "small_two.yaml"
    path.write_text(PLANT)
    return load_scenario(path, small_plant)


@pytest.fixture(scope="module")
def done(scenario):
    return simulate(scenario, 1)


@pytest.fixture(scope="module")
def result(scenario, done) -> RunResult:
    return gather(scenario, [done], 1, {"ev_nmc811": 120_000.0}, {})


def test_cells_of_the_lines_are_the_cells_of_the_plant(done, result):
    plant = done.plant
    for name in ("started", "good", "unsold", "scrapped"):
        by_week_of_lines: Counter[tuple[int, str]] = Counter()
        for key, cells in getattr(plant.by_line, name).items():
            by_week_of_lines[key.week, key.product] += cells
        whole = getattr(plant, f"cells_{name}")
        assert {key: count for key, count in by_week_of_lines.items() if count} == {k: v for k, v in whole.items() if v}
    assert math.fsum(plant.by_line.good_kwh.values()) == pytest.approx(math.fsum(plant.good_kwh.values()))
    frame = result.lines
    for line in ("one", "two"):
        assert frame.loc[frame["line"] == line, "cells_started"].sum() > 1000
    assert frame["good_energy_mwh"].sum() == pytest.approx(result.weekly["good_energy_mwh"].sum())
    for name in ("good_energy_mwh", "final_yield", "opening_yield"):
        assert result.kpi[f"{name}.line.two"].value is not None


def test_the_copy_begins_with_what_the_first_line_knows_by_then(done, scenario):
    """Equation 9 at each station of the second line, at the tick at which it comes alive."""
    opening = done.plant.opening_maturity
    assert opening.keys() == {name for name, line in scenario.layout.line_of.items() if line == "two"} & (
        scenario.spec.line.stations.keys()
    )
    assert max(opening.values()) > 0.0
    for station, maturity in opening.items():
        # By the end of the run the model knows more than at the start of the copy.
        assert maturity <= 0.75 * done.plant.book.maturity(scenario.layout.twin(station), done.flow.horizon)


def test_yield_of_the_plant_lies_between_those_of_its_lines(done, scenario):
    weeks = -(-done.flow.horizon // (168 * 3600 * 10**6))
    books = Books(done.plant, weeks, ())
    last = weeks - 1
    one, two = (books.line_yield("ev_nmc811", 0, last, line) for line in ("one", "two"))
    both = books.line_yield("ev_nmc811", 0, last)
    assert min(one, two) <= both <= max(one, two)
    assert 0.0 < books.rolled_throughput_yield("ev_nmc811") < both


def test_nobody_is_paid_and_nothing_is_bought_for_a_line_that_is_not_there(done, scenario):
    ledger = done.plant.ledger
    begins = scenario.layout.begins()
    labour = {"one": 0.0, "two": 0.0}
    for debit in ledger.debits():
        line = scenario.layout.line_of.get(debit.station)
        if line is not None and debit.account == "labour":
            labour[line] += debit.usd
    weeks = done.flow.horizon / (168 * 3600 * 10**6)
    assert labour["two"] / labour["one"] == pytest.approx((weeks - START) / weeks, rel=1e-6)
    assert ledger.balance().is_zero
    spent = capital_usd(scenario, done)
    stations = scenario.spec.line.stations
    late = sum(stations[name].economics.capex_musd for name in begins if name in stations)
    whole = sum(station.economics.capex_musd for station in stations.values())
    assert late == pytest.approx(
        sum(stations[f"one-{name[4:]}"].economics.capex_musd for name in begins if name in stations)
    )
    assert sum(spent.values()) > 1e6 * whole
    never = scenario.spec.run.model_copy(update={"horizon_h": 60.0})
    assert never.horizon_h * 3.6e9 < begins["two-wind"]


def test_scrap_has_a_place_on_its_own_line(done):
    places = {
        release.place.partition(".")[0] for release in done.plant.ledger.releases() if release.holding is Holding.SCRAP
    }
    assert {"one-wind", "two-wind"} <= places


def test_the_report_draws_like_stations_as_one(result, scenario):
    page = render(result)
    assert "Lines side by side" in page
    assert "wind (2)" in page
    together = by_line(result)
    assert set(together.scrap["product"]) <= {"one", "two", "shared"}
    assert together.scrap["usd"].sum() == pytest.approx(result.scrap["usd"].sum())
    assert not together.scrap["station"].str.contains("-").any()
    assert set(by_week(result)["line"]) == {"one", "two"}
    import pandas as pd

    drawn = one_for_all(result, pd.DataFrame(), pd.DataFrame())
    assert len(drawn.nodes) == len(scenario.alone["one"].spec.line.stations) + sum(
        len(getattr(scenario.alone["one"].spec.line, group)) for group in ("sources", "buffers", "sinks")
    )
    assert {name for edge in drawn.edges for name in edge} == {name for name, _, _ in drawn.nodes}


def test_failure_modes_exist_once_per_line_and_once_where_it_is_shared(scenario, small_plant):
    modes_of_one = mode_effects(load_scenario("ev_4680_dry_by_causes", small_plant))
    path = Path(str(scenario.files[0]))
    causes = load_scenario(path, (*small_plant, "ramp.failure_modes={}"))
    modes, owner, effects = mode_effects(causes)
    one = mode_effects(causes.one_line)[0]
    shared = [mode for mode in one if mode.place.startswith(("cathode_dose", "cathode_mix"))]
    assert len(modes) == 2 * (len(one) - len(shared)) + len(shared)
    assert len(one) > 20
    assert modes_of_one[0]
    assert owner["two-assembly.fold"] == "two-assembly.fold"
    names = [mode.place for mode in modes]
    column = effects.extra["two-wind", "ev_nmc811"]
    assert all(share == 0.0 or not names[index].startswith("one-") for index, share in enumerate(column))
