"""Replicates to one figure, dates of a ramp, nameplates, and the graph of a line."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from cellfab import summary
from cellfab.books import first_week_at
from cellfab.config.quality_spec import Quality
from cellfab.result import Kpi
from cellfab.scenario import load_scenario


def test_the_interval_is_students():
    """1, 2, 3, 4: mean 2.5, s = 1.29099, t(0.975, 3) = 3.18245 (tables), half width 2.05426."""
    combined = summary.combine([{"x": Kpi(float(value), "h")} for value in (1, 2, 3, 4)])["x"]
    assert combined.value == 2.5
    assert combined.n == 4
    assert combined.ci_high == pytest.approx(2.5 + 2.05426, abs=1e-4)
    assert combined.ci_low == pytest.approx(2.5 - 2.05426, abs=1e-4)


def test_equal_replicates_have_an_interval_of_no_width():
    combined = summary.combine([{"x": Kpi(0.1, "1")}, {"x": Kpi(0.1, "1")}])["x"]
    assert combined.ci_low == combined.value == combined.ci_high == 0.1


def test_one_replicate_has_no_interval():
    assert summary.combine([{"x": Kpi(3.0, "h")}]) == {"x": Kpi(3.0, "h")}


def test_a_figure_that_some_could_not_give():
    combined = summary.combine([{"x": Kpi(None, "h", reason="too short")}, {"x": Kpi(2.0, "h")}, {"x": Kpi(4.0, "h")}])
    assert (combined["x"].value, combined["x"].n) == (3.0, 2)
    combined = summary.combine([{"x": Kpi(None, "h", reason="too short")}] * 3)
    assert combined["x"] == Kpi(None, "h", n=0, reason="too short")


def test_a_figure_that_is_not_in_every_replicate_keeps_its_place():
    combined = summary.combine([{"a": Kpi(1.0, "h")}, {"a": Kpi(1.0, "h"), "escape_ppm.leak": Kpi(2.0, "ppm")}])
    assert list(combined) == ["a", "escape_ppm.leak"]
    assert combined["escape_ppm.leak"].n == 1


def test_a_text_is_what_came_most_often():
    names = ("wind", "cathode_mix", "wind")
    assert summary.combine([{"bottleneck": Kpi(name, "")} for name in names])["bottleneck"] == Kpi("wind", "", n=3)


@pytest.mark.parametrize(
    ("series", "first", "week"),
    [
        ([0, 0, 10, 10, 10, 10], 0, 5),
        ([10, 10, 10, 10], 0, 3),
        ([10, 10, 10], 0, None),
        ([9, 9, 9, 9.1], 0, 3),
        ([9, 9, 9, 8.9], 0, None),
        ([10] * 4 + [0] * 3 + [10] * 5, 4, 10),  # four weeks that begin before `first` do not count
        ([10, math.nan, 10, 10, 10, 10], 0, 5),
        ([], 0, None),
    ],
)
def test_the_first_four_weeks_at_nine(series, first, week):
    assert first_week_at(series, 9.0, first) == week


def test_nominal_speed_is_that_of_the_slowest_unit_by_unit_station():
    line = load_scenario("ev_4680_dry").spec.line
    slowest = max(machine.cycle.value_s for machine in line.stations["assembly"].machines.values())
    assert summary.nominal_cells_per_min(line) == pytest.approx(60.0 / slowest)
    one = load_scenario("ev_4680_dry", ["line.stations.wind.parallel=1"]).spec.line
    assert summary.nominal_cells_per_min(one) == pytest.approx(60.0 / one.stations["wind"].cycle.value_s)


def test_nameplate_is_speed_times_energy(small_run):
    spec, kpi = small_run.scenario.spec, small_run.result.kpi
    per_year = summary.nominal_cells_per_min(spec.line) * 60 * 24 * 365.25
    energy_wh = spec.products["ev_nmc811"].design.energy_wh
    assert kpi["nameplate_gwh_per_year.ev_nmc811"].value == pytest.approx(per_year * energy_wh * 1e-9, rel=0.002)
    assert kpi["rated_gwh_per_year.ev_nmc811"].value == pytest.approx(60_000 * 52.18 * energy_wh * 1e-9, rel=0.005)


def test_a_line_without_unit_by_unit_stations_has_no_nameplate(small_run):
    stations = {
        name: station for name, station in small_run.scenario.spec.line.stations.items() if station.kind != "serial"
    }
    line = small_run.scenario.spec.line.model_copy(update={"stations": stations})
    spec = small_run.scenario.spec.model_copy(update={"line": line})
    kpis = summary._nameplate(replace(small_run.scenario, spec=spec), {})
    assert kpis["nameplate_gwh_per_year.ev_nmc811"].value is None
    assert "unit by unit" in kpis["nameplate_gwh_per_year.ev_nmc811"].reason


def test_capital_of_a_line_that_is_not_converted_is_what_is_installed(small_run):
    kpi, economics = small_run.result.kpi, small_run.scenario.spec.economics
    stations = small_run.scenario.spec.line.stations.values()
    wanted = sum(station.economics.capex_musd for station in stations) + economics.plant.capex_musd
    assert kpi["capex_musd"].value == kpi["installed_capital_musd"].value == pytest.approx(wanted)


def test_states_and_buffers_are_those_of_the_flow(small_run):
    flow = small_run.done.flow
    states = list(summary.states(flow))
    assert {row["station"] for row in states} == set(flow.stations)
    assert all(row["hours"] > 0.0 for row in states)
    rows = {row["buffer"]: row for row in summary.buffers(flow)}
    for name, buffer in small_run.scenario.spec.line.buffers.items():
        assert rows[name]["capacity"] == buffer.capacity
        assert 0.0 <= rows[name]["mean"] <= rows[name]["maximum"]
        wait = flow.queues[name].wait
        assert (rows[name]["wait_mean_s"], rows[name]["wait_p95_s"]) == (wait.mean_s, wait.p95_s)


def test_the_graph_names_every_node_once_and_every_connection(small_run):
    line = small_run.scenario.spec.line
    nodes, edges = summary.nodes(line), summary.edges(line)
    names = [name for name, *_ in nodes]
    assert len(names) == len(set(names))
    assert set(names) == {*line.sources, *line.stations, *line.buffers, *line.sinks}
    assert {name for edge in edges for name in edge} == set(names)
    assert {giver for giver, taker in edges if taker == "wind"} == set(line.stations["wind"].feed)
    kinds = {name: (kind, step) for name, kind, step in nodes}
    assert kinds["assembly"] == ("serial", "fold, tabless_weld, tabless_weld, can, fill")
    assert kinds["warehouse"] == ("sink", "")


@pytest.mark.parametrize(("feed", "names"), [("a", ("a",)), (("a", "b"), ("a", "b")), ({"a": 1, "b": 3}, ("a", "b"))])
def test_givers(feed, names):
    assert summary.givers(feed) == names


def test_counts_are_over_all_replicates(small_run):
    once, twice = summary.counts([small_run.done]), summary.counts([small_run.done, small_run.done])
    assert {name: 2 * value for name, value in once.items()} == twice
    assert once["random_draws"] > 1000


# ---- escapes and false rejects ----------------------------------------------------------------------------------


def hazards(**fractions):
    return Quality.model_validate(
        {"field": {name: {"failing_fraction": share, "weibull_shape": 1.0} for name, share in fractions.items()}}
    )


def with_quality(plant, quality):
    """A plant that sold 2 million cells, 30 of them leaking, 10 with a soft short and 2 with both."""
    spec = plant.scenario.spec.model_copy(update={"quality": quality})
    return SimpleNamespace(scenario=replace(plant.scenario, spec=spec), escapes={"leak": 30, "soft_short": 10})


def test_field_failures_are_escapes_times_the_share_that_fails(small_run):
    kpis = summary._field_failures(with_quality(small_run.plant, hazards(leak=0.3, soft_short=0.05)), 2_000_000)
    assert kpis["field_failures_ppm_10y.leak"].value == pytest.approx(15.0 * 0.3)
    assert kpis["field_failures_ppm_10y.soft_short"].value == pytest.approx(5.0 * 0.05)
    assert kpis["field_failures_ppm_10y"].value == pytest.approx(4.75)


def test_an_escape_whose_fate_is_not_given_leaves_the_sum_open(small_run):
    kpis = summary._field_failures(with_quality(small_run.plant, hazards(leak=0.3)), 2_000_000)
    assert kpis["field_failures_ppm_10y"].value is None
    assert "soft_short" in kpis["field_failures_ppm_10y"].reason
    assert kpis["field_failures_ppm_10y.leak"].value == pytest.approx(4.5)
    kpis = summary._field_failures(with_quality(small_run.plant, None), 2_000_000)
    assert "quality.field" in kpis["field_failures_ppm_10y"].reason


def test_escapes_of_a_run(small_run):
    """Each cell once in the whole, once for each of its defects in the parts; the table says the same."""
    kpi, plant, table = small_run.result.kpi, small_run.plant, small_run.result.escapes.set_index("mechanism")
    sold = sum(plant.cells_good.values())
    assert kpi["escape_ppm"].value == pytest.approx(1e6 * plant.escaped_cells / sold)
    assert max(plant.escapes.values()) <= plant.escaped_cells <= sum(plant.escapes.values())
    assert plant.escaped_cells > 0
    assert dict(table["cells"]) == plant.escapes
    for mechanism in plant.escapes:
        assert table.loc[mechanism, "ppm"] == pytest.approx(kpi[f"escape_ppm.{mechanism}"].value)
        failed = kpi[f"field_failures_ppm_10y.{mechanism}"].value
        assert table.loc[mechanism, "failed_ppm_10y"] == pytest.approx(failed)
    parts = sum(kpi[f"field_failures_ppm_10y.{mechanism}"].value for mechanism in plant.escapes)
    assert kpi["field_failures_ppm_10y"].value == pytest.approx(parts)
    ages = [f"failed_ppm_{age}y" for age in (1, 5, 10, 20)]
    assert (table[ages].diff(axis=1).iloc[:, 1:] >= 0.0).all(axis=None), "failures only add up"


def test_false_rejects_of_a_run(small_run):
    """Where a step tells, the sound rows are some of those scrapped, and their value is that share of the loss."""
    scrap = small_run.result.scrap
    told = scrap[scrap["false_rejects"].notna()]
    assert not told.empty
    assert (told["false_rejects"] <= told["rows"]).all()
    cost = small_run.result.kpi["false_reject_cost_usd"].value
    assert cost == pytest.approx(sum(usd for _, usd in small_run.plant.false_rejects.values()))
    assert 0.0 < cost <= told["usd"].sum() * (1 + 1e-6)
    # Within one lot every row is worth the same, so the cost follows the counts up to differences between lots.
    assert cost == pytest.approx((told["usd"] * told["false_rejects"] / told["rows"]).sum(), rel=0.2)
