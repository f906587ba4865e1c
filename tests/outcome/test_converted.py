"""One of two small lines is converted while the other runs: dates, counts, labour and rates as they were."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from cellfab.outcome import converted
from cellfab.outcome.books import Books
from cellfab.outcome.phases import phases_of
from cellfab.ramp.project import COMMISSIONING, DRAIN, INSTALL, RELEASE, STOP
from cellfab.rated import rated_output
from cellfab.replicate import simulate
from cellfab.run import gather
from cellfab.scenario import load_scenario
from cellfab.units import TICKS_PER_WEEK

OLD, NEW = "nca_prismatic", "lfp_314ah_prismatic"
WEEKS = 13
MINI = f"""\
name: mini
extends: kokomo
run: {{horizon_h: {168 * WEEKS}}}
lines: {{named: {{storage_nca: !delete , second_lfp: !delete }}}}
conversion:
  lines: {{second_lfp: !delete , first_lfp: {{stop_week: 1, decision_week: 0}}}}
  order_weeks: 0.5
  order_slips: {{six_months: {{likely_weeks: 0.25}}}}
  drain: {{limit_weeks: 4, expected_weeks: 1}}
  strip_out_weeks: 0.5
  commissioning_weeks: 0.5
  requalification: {{duration_weeks: 1}}
  people: {{laid_off_share: 0.5, recall_week: 4.5, not_returning_share: 0.2, knowledge_share: 0.5}}
  tasks: !delete
  stations: !delete
  other_stations: {{action: modify, duration_weeks: 1, delivery_weeks: 1, capex_musd: 0.1, carried_share: 0.8}}
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path: Path = tmp_path_factory.mktemp("converted") / "mini.yaml"
    path.write_text(MINI)
    return load_scenario(path)


@pytest.fixture(scope="module")
def done(scenario):
    return simulate(scenario, 1)


@pytest.fixture(scope="module")
def result(scenario, done):
    return gather(scenario, [done], 1, {NEW: 1e6}, {})


def test_tasks_are_those_of_the_plan_as_late_as_they_were(scenario, done, result):
    tasks = result.tasks.set_index("task")
    planned = converted.planned_project(scenario).timeline().dates
    assert set(tasks.index) == set(planned)
    for name, row in tasks.iterrows():
        assert row["planned_start_week"] == planned[name].start / TICKS_PER_WEEK
        assert row["finish_week"] >= row["start_week"] >= row["planned_start_week"] - 1e-9
    # The orders slip by a quarter of a week, and the drain ends with the last lot, later than planned.
    assert tasks.loc["first_lfp-order", "finish_week"] == pytest.approx(0.75)
    (line,) = done.conversion.each
    drain = tasks.loc[f"first_lfp-{DRAIN}"]
    assert drain["start_week"] == tasks.loc[f"first_lfp-{STOP}", "finish_week"] == 1.0
    assert drain["finish_week"] == pytest.approx(line.plan.drained / TICKS_PER_WEEK)
    assert drain["finish_week"] > drain["planned_finish_week"]
    installed = max(row["finish_week"] for name, row in tasks.iterrows() if f"-{INSTALL}" in name)
    assert tasks.loc[f"first_lfp-{COMMISSIONING}", "start_week"] == pytest.approx(installed)


def test_figures_of_the_stop_and_the_release(scenario, done, result):
    kpi = result.kpi
    assert kpi["lots_at_stop"].value > 0
    assert 0 <= kpi["lots_scrapped_at_stop"].value <= kpi["lots_at_stop"].value
    # Cells inside and sold after the stop cannot be told apart from those of the line that runs.
    assert "cells_at_stop" not in kpi
    planned = converted.planned_project(scenario).timeline().dates[RELEASE].finish
    (line,) = done.conversion.each
    assert kpi["release_late_weeks"].value == pytest.approx((line.released - planned) / TICKS_PER_WEEK)
    assert kpi["release_late_weeks"].value > 0.0


def test_what_is_not_over_has_no_figure(scenario):
    """A run that ends in the drain has neither counts of it nor a release, and says so."""
    short = load_scenario(Path(scenario.files[0]), ["run.horizon_h=180"])
    kpis = converted.conversion_kpis(short, simulate(short, 1).conversion)
    for name in ("lots_at_stop", "lots_scrapped_at_stop", "release_late_weeks"):
        assert kpis[name].value is None
        assert "by the end of the run" in kpis[name].reason


def test_the_new_product_is_made_on_the_converted_line_only_and_sold_after_the_release(done):
    (line,) = done.conversion.each
    counts = done.plant.by_line
    assert {key.product for key in counts.started if key.line == "cars"} == {OLD}
    new = [key.week for key in counts.started if key.product == NEW]
    assert new
    assert {key.line for key in counts.started if key.product == NEW} == {"first_lfp"}
    assert min(new) >= line.plan.restart // TICKS_PER_WEEK
    assert max(key.week for key in counts.started if (key.line, key.product) == ("first_lfp", OLD)) <= 4
    assert all(key.week >= line.released // TICKS_PER_WEEK for key in counts.good if key.product == NEW)
    assert sum(cells for key, cells in counts.unsold.items() if key.product == NEW) > 0


def test_dates_of_lines_and_of_the_decision(scenario, done):
    assert converted.line_stops(scenario, done.conversion) == {"first_lfp": 1.0}
    assert converted.line_stops(scenario, None) == {}
    assert converted.decided_week(done.conversion) == 0.0


def test_figures_of_a_line_are_of_the_product_it_was_converted_to(result):
    kpi = result.kpi
    assert "has not been found out" in kpi["weeks_to_90pct_rate.line.cars"].reason
    assert "has not reached" in kpi["weeks_to_90pct_rate.line.first_lfp"].reason
    lines = result.lines.set_index(["week", "line"])
    assert lines.loc[(12, "first_lfp"), "line_yield"] != lines.loc[(12, "cars"), "line_yield"]
    assert 0.5 < lines.loc[(12, "first_lfp"), "line_yield"] < 1.0


def test_a_rate_is_counted_from_the_stop_of_its_line(scenario, done):
    """A rate so low that any week with cells to sell reaches it: the four weeks begin at the stop, not at week 0."""
    tiny = {NEW: 1e-3}
    kpis = gather(scenario, [done], 1, tiny, {}).kpi
    (line,) = done.conversion.each
    books = Books(done.plant, WEEKS, phases_of(done))
    weeks = sorted(week for (week, product), cells in books.plant.cells_good.items() if product == NEW and cells)
    sold = max(weeks[0], math.ceil(line.plan.stop / TICKS_PER_WEEK) + 3)
    assert kpis["weeks_to_90pct_rate.line.first_lfp"].value == sold + 1 - line.plan.stop / TICKS_PER_WEEK
    assert kpis["weeks_to_90pct_rate"].value == kpis["weeks_to_90pct_rate.line.first_lfp"].value
    assert kpis["weeks_from_decision_to_90pct_rate"].value == sold + 1


def test_who_is_laid_off_is_not_paid(done):
    """Half of the labour of each station of the line, from when it is empty to the promised date."""
    (line,) = done.conversion.each
    labour: dict[tuple[str, int], float] = {}
    for posting in done.plant.ledger.debits():
        if posting.account == "labour":
            key = (posting.station, posting.week)
            labour[key] = labour.get(key, 0.0) + posting.usd
    drained = line.plan.drained / TICKS_PER_WEEK
    for week in range(WEEKS):
        away = max(0.0, min(week + 1, 4.5) - max(week, drained))
        assert labour["first_lfp-fill", week] == pytest.approx((1.0 - 0.5 * away) * labour["cars-fill", week])
    assert math.fsum(labour["first_lfp-fill", week] < labour["cars-fill", week] for week in range(WEEKS)) >= 1


def test_only_lines_that_are_converted_are_rated(scenario):
    """Lines are alike: one of two makes half of what both would make (six weeks, a few dozen lots: within 5 %)."""
    both = load_scenario(Path(scenario.files[0]), ["conversion.lines=!delete"])
    one, two = rated_output(scenario, 1)[NEW], rated_output(both, 1)[NEW]
    assert one == pytest.approx(two / 2, rel=0.05)
