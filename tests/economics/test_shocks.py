"""Price factors by week and closed windows, by hand."""

from __future__ import annotations

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cellfab.config.economics_spec import Economics
from cellfab.config.materials_spec import Material
from cellfab.config.shock_spec import Shock
from cellfab.economics.prices import weekly_prices
from cellfab.economics.shocks import TICKS_PER_DAY, closed_windows, closures, merged, price_factors, with_shocks
from cellfab.units import TICKS_PER_WEEK

MONDAY = datetime.date(2026, 1, 5)
DAY, WEEK = TICKS_PER_DAY, TICKS_PER_WEEK


def shock(kind, first, last, **values):
    return TypeAdapter(Shock).validate_python({"kind": kind, "from": first, "until": last, **values})


def price(first, last, factor=3.0, material="graphite"):
    return shock("material_price", first, last, material=material, price_factor=factor)


def test_a_week_s_factor_is_the_mean_of_its_days():
    # From Monday of the second week to Wednesday of the fourth.
    factors = price_factors([price("2026-01-12", "2026-01-28")], "graphite", MONDAY, 5)
    assert factors == [1.0, 3.0, 3.0, pytest.approx((3 * 3.0 + 4) / 7), 1.0]
    assert price_factors([price("2026-01-12", "2026-01-28")], "lfp", MONDAY, 5) == [1.0] * 5


def test_shocks_on_one_material_multiply():
    control = shock("export_control", "2026-01-05", "2026-01-18", material="graphite", origin_share=0.5, price_factor=3)
    assert control.price_multiplier == 2.0
    assert price_factors([control, price("2026-01-12", "2026-01-18", 1.5)], "graphite", MONDAY, 3) == [2.0, 3.0, 1.0]


def test_prices_of_a_run_are_multiplied_and_no_others():
    prices = {"graphite": {"..2026-01-11": 5.0, "2026-01-12..": 6.0}, "lfp": 8.0}
    materials = {name: Material(unit="kg", price_usd=usd) for name, usd in prices.items()}
    plain = weekly_prices(Economics(currency_year=2026), materials, MONDAY, 3)
    shocked = with_shocks(plain, [price("2026-01-12", "2026-01-18")], MONDAY)
    assert shocked.materials == {"graphite": [5.0, 18.0, 6.0, 6.0], "lfp": [8.0] * 4}
    assert shocked.electricity == plain.electricity
    assert with_shocks(plain, [], MONDAY) is plain


def test_each_week_is_open_first_and_then_closed():
    half = shock("demand_drop", "2026-01-08", "2026-01-20", output_share=0.5)  # Thursday to Tuesday of week 2
    assert closed_windows(half, MONDAY, 10 * WEEK) == [
        (3 * DAY + 2 * DAY, WEEK), (WEEK + 7 * DAY // 2, 2 * WEEK), (2 * WEEK + DAY, 2 * WEEK + 2 * DAY),
    ]  # fmt: skip


def test_nothing_left_is_one_window_within_the_run():
    lost = shock("supplier_lost", "2025-12-01", "2027-01-01", material="lfp")
    assert closed_windows(lost, MONDAY, 3 * WEEK + DAY) == [(0, 3 * WEEK + DAY)]
    assert closed_windows(price("2026-01-05", "2026-02-01"), MONDAY, 3 * WEEK) == []


def test_an_origin_s_share_of_the_supply():
    control = shock(
        "export_control", "2026-01-05", "2026-01-11", material="graphite", origin_share=0.8, supply_share=0.25
    )
    assert control.open_share == pytest.approx(0.4)
    ((first, last),) = closed_windows(control, MONDAY, WEEK)
    assert (first, last) == (round(0.4 * WEEK), WEEK)


def test_shocks_meet_at_the_stations_that_they_close():
    shocks = {
        "weak": shock("demand_drop", "2026-01-05", "2026-01-11", output_share=0.5),
        "lost": shock("supplier_lost", "2026-01-08", "2026-01-18", material="foil"),
        "scarce": shock("supplier_lost", "2026-01-19", "2026-01-25", material="foil", supply_share=0.25),
    }
    found = closures(shocks, {"foil": ["coat"]}, ["coat", "wind"], MONDAY, 4 * WEEK)
    part = (2 * WEEK + WEEK // 4, 3 * WEEK)
    assert found == {"coat": [(3 * DAY, 2 * WEEK), part], "wind": [(WEEK // 2, WEEK), part]}
    assert closures({"dear": price("2026-01-05", "2026-01-11")}, {"graphite": ["mix"]}, ["mix"], MONDAY, WEEK) == {}


windows = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)).map(lambda pair: (pair[0], sum(pair))), max_size=8)


@given(windows)
def test_merged_windows_cover_the_same_ticks_and_stand_apart(found):
    joined = merged(found)
    covered = {tick for first, last in found for tick in range(first, last)}
    assert {tick for first, last in joined for tick in range(first, last)} == covered
    assert all(before[1] < after[0] for before, after in itertools.pairwise(joined))
