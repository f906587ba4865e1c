"""The numbers behind the charts, against sums made by hand from the result."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import pandas as pd
import pytest

from cellfab.report import frames
from cellfab.report.layout import order_of_line
from cellfab.result import Phase, RunResult


def test_ramp_is_mean_smallest_and_largest_over_replicates(plant: RunResult) -> None:
    frame = frames.ramp(plant).set_index("week")
    week = plant.weekly[plant.weekly["week"] == 20]
    assert frame.loc[20, "n"] == 5
    assert frame.loc[20, "good_energy_mwh"] == pytest.approx(week["good_energy_mwh"].sum() / 5)
    assert frame.loc[20, "line_yield_low"] == week["line_yield"].min()
    assert frame.loc[20, "line_yield_high"] == week["line_yield"].max()
    assert math.isnan(frame.loc[35, "cost_usd_per_kwh"])


def test_ramp_band_is_percentiles_for_many_replicates(make_plant: Callable[..., RunResult]) -> None:
    result = make_plant(20)
    frame = frames.ramp(result).set_index("week")
    values = result.weekly.loc[result.weekly["week"] == 60, "line_yield"]
    assert frame.loc[60, "line_yield_low"] == pytest.approx(values.quantile(0.05))
    assert values.min() < frame.loc[60, "line_yield_low"]
    assert "5th to 95th percentile" in frames.band_text(result)


def test_scrap_is_a_mean_per_replicate_ranked_by_money(plant: RunResult) -> None:
    frame = frames.scrap_causes(plant)
    assert frame["usd"].sum() == pytest.approx(plant.scrap["usd"].sum() / 5)
    assert frame["cell_equivalents"].sum() == pytest.approx(plant.scrap["cell_equivalents"].sum() / 5)
    money = frame.groupby("rank")["usd"].sum()
    assert money.is_monotonic_decreasing
    assert frame.iloc[0]["cause"] == "cold_weld"
    assert frame[["station", "cause"]].drop_duplicates().shape[0] == frame["rank"].nunique() == 15


def test_step_yield_is_pooled_over_replicates_in_the_order_of_the_line(plant: RunResult) -> None:
    order = order_of_line(plant.nodes, plant.edges)
    frame = frames.step_yields(plant, order)
    mine = plant.steps[(plant.steps["station"] == "disc_welder") & (plant.steps["product"] == "ess_lfp")]
    row = frame[(frame["station"] == "disc_welder") & (frame["product"] == "ess_lfp")].iloc[0]
    assert row["loss"] == pytest.approx(mine["rows_scrapped"].sum() / mine["rows_in"].sum())
    assert row["step_yield"] == pytest.approx(1.0 - row["loss"])
    places = [order.index(station) for station in frame["station"]]
    assert places == sorted(places)


def test_state_shares_of_a_station_add_up_to_one(plant: RunResult) -> None:
    frame = frames.state_shares(plant, order_of_line(plant.nodes, plant.edges))
    assert frame.groupby("station")["share"].sum().tolist() == pytest.approx([1.0] * frame["station"].nunique())
    states = plant.states[(plant.states["station"] == "winder")]
    expected = states.loc[states["state"] == "working", "hours"].sum() / states["hours"].sum()
    share = frame[(frame["station"] == "winder") & (frame["state"] == "working")]["share"].item()
    assert share == pytest.approx(expected)


def test_working_share_by_week_pools_weeks_when_there_are_too_many(plant: RunResult) -> None:
    order = order_of_line(plant.nodes, plant.edges)
    frame = frames.working_by_week(plant, order)
    assert len(frame) == 25 * 104
    assert frame["weeks"].unique().tolist() == [1]
    one = plant.states[(plant.states["station"] == "filler") & (plant.states["week"] == 9)]
    expected = one.loc[one["state"] == "working", "hours"].sum() / one["hours"].sum()
    assert frame[(frame["station"] == "filler") & (frame["week"] == 9)]["share"].item() == pytest.approx(expected)

    years = pd.concat([plant.states.assign(week=plant.states["week"] + 104 * year) for year in range(10)])
    pooled = frames.working_by_week(dataclasses.replace(plant, states=years), order)
    assert len(pooled) <= frames.MAX_POINTS
    assert pooled["weeks"].unique().tolist() == [13]
    whole = plant.states[plant.states["station"] == "filler"]
    expected = whole.loc[whole["state"] == "working", "hours"].sum() / whole["hours"].sum()
    assert pooled[pooled["station"] == "filler"]["share"].mean() == pytest.approx(expected)


def test_periods_split_at_the_conversion_and_end_with_a_quarter(plant: RunResult) -> None:
    spans = [(p.label, p.low, p.high) for p in frames.periods(plant)]
    assert spans == [
        ("Before the conversion", 0.0, 28.0),
        ("Conversion", 28.0, 52.0),
        ("After the release", 52.0, 104.0),
        ("Last 13 weeks", 91.0, 104.0),
    ]
    plain = frames.periods(dataclasses.replace(plant, phases=(Phase("running", 0.0, 104.0),)))
    assert [p.label for p in plain] == ["Whole run", "Last 13 weeks"]
    short = dataclasses.replace(plant, phases=(), weekly=plant.weekly[plant.weekly["week"] < 20])
    assert [p.label for p in frames.periods(short)] == ["Whole run"]


def test_costs_per_kwh_are_sums_over_sums(plant: RunResult) -> None:
    frame = frames.costs(plant)
    weekly, costs = plant.weekly, plant.costs
    early, booked = weekly["week"] < 28, costs["week"] < 28
    expected = costs.loc[booked, "usd"].sum() / (1_000.0 * weekly.loc[early, "good_energy_mwh"].sum())
    before = frame[frame["period"] == "Before the conversion"]
    assert before["usd_per_kwh"].sum() == pytest.approx(expected)
    assert before["usd_per_kwh"].sum() == pytest.approx(
        weekly.loc[early, "full_cost_usd"].sum() / (1_000.0 * weekly.loc[early, "good_energy_mwh"].sum())
    )
    three = frame[frame["period"] != "Last 13 weeks"]
    assert three["usd"].sum() == pytest.approx(costs["usd"].sum() / 5)


def test_without_sales_there_is_no_cost_per_kwh(make_plant: Callable[..., RunResult]) -> None:
    frame = frames.costs(make_plant(1, sales=False))
    assert frame["usd_per_kwh"].isna().all()
    assert frame["usd"].gt(0).all()


def test_a_bare_line_has_empty_frames(bare_line: RunResult) -> None:
    order = order_of_line(bare_line.nodes, bare_line.edges)
    empty = (frames.ramp(bare_line), frames.scrap_causes(bare_line), frames.step_yields(bare_line, order))
    assert all(frame.empty for frame in (*empty, frames.costs(bare_line), frames.working_by_week(bare_line, order)))
    assert frames.periods(bare_line) == []
    assert len(frames.state_shares(bare_line, order)["station"].unique()) == 2
