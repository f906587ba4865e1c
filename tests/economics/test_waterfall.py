"""Waterfalls add up: by hand for two factors, for any numbers by properties, and to the printed cent."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.core.ledger import Holding
from cellfab.economics import waterfall
from cellfab.economics.waterfall import BARS, Output, effects, in_cents, shapley_product

GOOD, SCRAP = Holding.FINISHED_GOOD, Holding.SCRAP
IDLE, EXPENSED = Holding.IDLE_CAPACITY, Holding.EXPENSED
FACTORS = st.lists(st.tuples(*[st.floats(-1e3, 1e3) | st.just(0.0)] * 2), min_size=1, max_size=5)
ACCOUNTS = ("materials.lfp", "materials.nmc811", "tariff.lfp", "labour", "capital", "heat", "something")
MICRO = st.integers(0, 10**12).map(lambda amount: amount / 1e6) | st.just(0.0)


@st.composite
def outputs(draw: st.DrawFn) -> Output:
    """Any output, in whole millionths as the ledger keeps them; prices between 0.1 and 100 $ a unit."""
    borne = {}
    for holding in (GOOD, SCRAP, Holding.QUALIFICATION, IDLE, EXPENSED):
        for account in draw(st.sets(st.sampled_from(ACCOUNTS))):
            quantity = draw(MICRO)
            sign = draw(st.sampled_from([1.0, -1.0])) if holding is IDLE else 1.0
            borne[holding, account] = (quantity, sign * quantity * draw(st.floats(0.1, 100.0)))
    incomes = draw(
        st.dictionaries(st.sampled_from(["credits.cell_45x", "recycling.lfp"]), st.floats(-1e5, 1e6), max_size=2)
    )
    return Output(draw(st.floats(1, 10)), draw(st.floats(1e4, 1e5)), draw(st.floats(1e3, 1e4)), borne, incomes)


def largest_term(before: Output, after: Output) -> float:
    """A bound of every product of factors taken from both sides: what rounding errors are measured by."""
    usd = sum(abs(usd) for side in (before, after) for _, usd in side.borne.values())
    usd += sum(abs(usd) for side in (before, after) for usd in side.incomes.values())
    spread = [max(x, y) / min(x, y) for x, y in zip(sizes(before), sizes(after), strict=True)]
    return 1000.0 * usd / min(before.kwh, after.kwh) * math.prod(spread)


def sizes(output: Output) -> tuple[float, float, float]:
    return output.weeks, output.cells, output.kwh


def total(found: list[waterfall.Effect]) -> float:
    return math.fsum(effect.usd_per_kwh for effect in found)


def by_bar(found: list[waterfall.Effect]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for effect in found:
        sums[effect.bar] = sums.get(effect.bar, 0.0) + effect.usd_per_kwh
    return sums


def test_two_factors_by_hand():
    """Price 2 to 3, quantity 10 to 14: of the change from 20 to 42, 1 x 12 is the price's part, 4 x 2.5 the other's."""
    assert shapley_product([2.0, 10.0], [3.0, 14.0]) == [pytest.approx(12.0), pytest.approx(10.0)]


def test_three_factors_by_hand():
    """All double from 1 to 2: equal shares of 8 - 1. The first alone: (1 + (2 + 2)/2 + 4)/3 = 7/3."""
    assert shapley_product([1.0] * 3, [2.0] * 3) == [pytest.approx(7 / 3)] * 3
    # The third factor stands still: the other two as in the case of two.
    assert shapley_product([2.0, 10.0, 5.0], [3.0, 14.0, 5.0]) == [pytest.approx(60.0), pytest.approx(50.0), 0.0]


@given(FACTORS)
def test_parts_of_a_product_add_up_whatever_the_numbers(factors):
    before, after = zip(*factors, strict=True)
    parts = shapley_product(before, after)
    scale = math.prod(max(abs(b), abs(a), 1.0) for b, a in factors)
    assert math.fsum(parts) == pytest.approx(math.prod(after) - math.prod(before), abs=1e-12 * scale)
    # What does not change contributes nothing, and the way back is the way there with the other sign.
    assert all(part == 0.0 for part, (b, a) in zip(parts, factors, strict=True) if a == b)
    back = shapley_product(after, before)
    assert back == [pytest.approx(-part, abs=1e-12 * scale) for part in parts]


@given(st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(-0.02, 0.02)), min_size=2, max_size=4))
def test_small_changes_agree_with_the_log_mean_divisia_index(factors):
    """LMDI (Ang 2005): L(V1, V0) ln(x1 / x0); the two differ in the third order of the changes."""
    before = [value for value, _ in factors]
    after = [value * (1.0 + change) for value, change in factors]
    first, last = math.prod(before), math.prod(after)
    mean = (last - first) / math.log(last / first) if not math.isclose(last, first, rel_tol=1e-9) else first
    divisia = [mean * math.log(b / a) for a, b in zip(before, after, strict=True)]
    assert shapley_product(before, after) == [pytest.approx(part, abs=2e-5 * first) for part in divisia]


@given(outputs(), outputs())
def test_bars_add_up_to_the_difference(before, after):
    found = effects(before, after)
    scale = largest_term(before, after)
    assert total(found) == pytest.approx(after.usd_per_kwh - before.usd_per_kwh, abs=1e-15 * scale)
    assert {effect.bar for effect in found} <= set(BARS)
    order = [BARS.index(effect.bar) for effect in found]
    assert order == sorted(order)


@given(outputs())
def test_nothing_changed_has_no_bars(output):
    assert effects(output, output) == []


def simple(**changes: float) -> Output:
    """100 cells of 0.1 kWh in one week: 1 kg of powder each at 8 $/kg, 2 $ of labour; a tenth of it is scrapped."""
    given = {
        "price": 8.0,
        "kg": 1.0,
        "labour": 2.0,
        "scrap": 0.1,
        "cells": 100.0,
        "kwh": 0.1,
        "idle": 0.5,
        "plant": 300.0,
    }
    given |= changes
    cells = given["cells"]
    borne = {
        (GOOD, "materials.lfp"): (given["kg"] * cells, given["price"] * given["kg"] * cells),
        (GOOD, "labour"): (cells, given["labour"] * cells),
        (IDLE, "capital"): (0.0, given["idle"] * cells),
        (EXPENSED, "overhead"): (0.0, given["plant"]),
    }
    for account in ("materials.lfp", "labour"):
        quantity, usd = borne[GOOD, account]
        borne[SCRAP, account] = (given["scrap"] * quantity, given["scrap"] * usd)
    return Output(1.0, cells, given["kwh"] * cells, borne, {})


@pytest.mark.parametrize(
    ("change", "bar", "usd_per_kwh"),
    [
        ({"price": 9.0}, "material prices", 1.1 * 1.0 / 0.1),
        ({"kg": 1.2}, "materials in a cell", 1.1 * 0.2 * 8.0 / 0.1),
        ({"scrap": 0.3}, "scrap", 0.2 * (8.0 + 2.0) / 0.1),
        ({"labour": 1.0}, "labour", -1.1 / 0.1),
        ({"idle": -0.5}, "idle capacity", -1.0 / 0.1),
        ({"plant": 500.0}, "overhead", 200.0 / 100.0 / 0.1),
        ({"cells": 200.0}, "output per week", (300.0 / 200.0 - 300.0 / 100.0) / 0.1),
        ({"kwh": 0.2}, "energy per cell", (1.1 * 10.0 + 0.5 + 3.0) * (1 / 0.2 - 1 / 0.1)),
    ],
)
def test_one_cause_is_one_bar(change, bar, usd_per_kwh):
    assert by_bar(effects(simple(), simple(**change))) == {bar: pytest.approx(usd_per_kwh)}


def with_powder(name: str, price: float, scrap: float) -> Output:
    output = simple(price=price, scrap=scrap)
    renamed = {(holding, account.replace("lfp", name)): amount for (holding, account), amount in output.borne.items()}
    return Output(output.weeks, output.cells, output.kwh, renamed, {})


def test_one_material_for_another():
    """The new powder's price is no change of price, and scrap is told from the exchange."""
    found = by_bar(effects(with_powder("nmc811", 29.0, 0.1), with_powder("lfp", 8.0, 0.1)))
    assert found == {"materials in a cell": pytest.approx((8.0 - 29.0) * 1.1 / 0.1)}
    found = by_bar(effects(with_powder("nmc811", 29.0, 0.1), with_powder("lfp", 8.0, 0.3)))
    assert found.keys() == {"materials in a cell", "scrap"}
    # Scrap rises by a fifth of the value in good cells: of 31 $ and of 10 $ a cell in equal parts.
    assert found["scrap"] == pytest.approx(0.2 * (31.0 + 10.0) / 2 / 0.1)


def test_what_is_only_ever_scrapped_stands_by_itself():
    before = simple()
    purge = {**before.borne, (SCRAP, "materials.purge"): (10.0, 50.0)}
    after = Output(before.weeks, before.cells, before.kwh, purge, {})
    assert by_bar(effects(before, after)) == {"scrap": pytest.approx(50.0 / 10.0)}


def test_kinds_of_cost():
    borne = {(GOOD, "capital"): (1.0, 30.0), (GOOD, "building"): (1.0, 4.0), (GOOD, "labour"): (1.0, 20.0)}
    output = Output(1.0, 10.0, 2.0, borne, {"credits.cell_45x": 70.0, "recycling.lfp": 1.0, "sales": 160.0})
    assert output.of_kind("full").usd_per_kwh == pytest.approx((54.0 - 1.0) / 2.0)
    assert output.of_kind("cash").usd_per_kwh == pytest.approx((20.0 - 1.0) / 2.0)
    assert output.of_kind("net").usd_per_kwh == pytest.approx((54.0 - 71.0) / 2.0)
    poorer = Output(1.0, 10.0, 2.0, output.borne, {"credits.cell_45x": 10.0}).of_kind("net")
    found = by_bar(effects(output.of_kind("net"), poorer))
    assert found == {"tax credits": pytest.approx(30.0), "recycling": pytest.approx(0.5)}


@given(st.floats(-500, 500), st.lists(st.floats(-100, 100) | st.just(0.0), max_size=20))
def test_printed_bars_add_up_to_the_cent(start, changes):
    end = start + math.fsum(changes)
    first, cents, last = in_cents(start, end, changes)
    assert first + sum(cents) == last
    assert f"{first / 100:.2f}" == f"{start + 0.0:.2f}".replace("-0.00", "0.00")
    assert f"{last / 100:.2f}" == f"{end + 0.0:.2f}".replace("-0.00", "0.00")
    assert all(abs(cent - 100 * change) < 1 + 1e-6 for cent, change in zip(cents, changes, strict=True))
    assert all(cent == 0 for cent, change in zip(cents, changes, strict=True) if change == 0.0)


def test_rounding_by_largest_remainder():
    """0.006 and 0.004 of a change of 0.01: the larger one gets the cent."""
    assert in_cents(1.0, 1.01, [0.004, 0.006]) == (100, [0, 1], 101)
    assert in_cents(1.0, 1.0, [0.4, -0.4]) == (100, [40, -40], 100)
