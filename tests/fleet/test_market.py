"""Markets small enough to be solved on paper, and what holds in any."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.fleet.market import Buyers, Offer, clear, demand_at, price_of

ONE = Buyers("all", 100.0, 50.0, 1.0)
"""q = 200 - 2 p"""


def test_two_suppliers_and_linear_demand_by_hand():
    # 40 at 20 and then as much as is wanted at 60: q(60) = 80, so the second sells 40 of it.
    found = clear([Offer("far", math.inf, 60.0), Offer("near", 40.0, 20.0)], [ONE])
    assert found.price == 60.0
    assert found.sold == pytest.approx((40.0, 40.0))
    assert found.bought == pytest.approx((80.0,))


def test_demand_sets_the_price_between_two_suppliers():
    # 90 at 20; at the next price, 60, only 80 are wanted: the price is where 200 - 2 p = 90, at 55.
    found = clear([Offer("near", 90.0, 20.0), Offer("far", math.inf, 60.0)], [ONE])
    assert found.price == pytest.approx(55.0)
    assert found.sold == pytest.approx((90.0, 0.0))


def test_the_cheapest_sets_the_price_where_there_is_more_of_it_than_wanted():
    # q(20) = 160 of 300.
    found = clear([Offer("near", 300.0, 20.0), Offer("far", math.inf, 60.0)], [ONE])
    assert found.price == 20.0
    assert found.sold == pytest.approx((160.0, 0.0))


def test_a_short_market_pays_what_the_last_buyer_would():
    # 30 in all: 200 - 2 p = 30.
    found = clear([Offer("a", 10.0, 5.0), Offer("b", 20.0, 6.0)], [ONE])
    assert found.price == pytest.approx(85.0)
    assert found.sold == pytest.approx((10.0, 20.0))


def test_offers_at_one_price_share_in_proportion():
    found = clear([Offer("a", 60.0, 40.0), Offer("b", 180.0, 40.0)], [ONE])  # q(40) = 120 of 240
    assert found.sold == pytest.approx((30.0, 90.0))
    found = clear([Offer("a", 60.0, 40.0), Offer("endless", math.inf, 40.0)], [ONE])
    assert found.sold == pytest.approx((60.0, 60.0))


def test_what_nobody_would_pay_is_not_sold():
    found = clear([Offer("dear", math.inf, 101.0)], [ONE])  # nothing is bought from 100 on
    assert found.sold == (0.0,)
    assert found.bought == (0.0,)


def test_two_kinds_of_buyers_by_hand():
    # 200 - 2 p and 60 - 0.2 p (Q 50, P 50, e 0.2): 260 - 2.2 p = 150 at 50; above 100 only the second: 300 - p = 5 p.
    second = Buyers("few", 50.0, 50.0, 0.2)
    assert price_of([ONE, second], 150.0) == pytest.approx(50.0)
    assert price_of([ONE, second], 30.0) == pytest.approx(150.0)
    assert price_of([ONE, second], 0.0) == pytest.approx(300.0)


OFFERS = st.lists(
    st.builds(
        Offer,
        st.just("x"),
        st.one_of(st.floats(0.0, 1e4), st.just(math.inf)),
        st.integers(-30, 150).map(float),
    ),
    min_size=1,
    max_size=12,
)
BUYERS = st.lists(
    st.builds(Buyers, st.just("y"), st.floats(0.0, 1e4), st.floats(20.0, 120.0), st.floats(0.05, 3.0)),
    min_size=1,
    max_size=4,
)


@given(OFFERS, BUYERS)
def test_in_any_market(offers, buyers):
    found = clear(offers, buyers)
    size = max(1.0, math.fsum(found.bought))
    assert math.fsum(found.sold) == pytest.approx(math.fsum(found.bought), abs=1e-6 * size)
    for offer, sold in zip(offers, found.sold, strict=True):
        assert -1e-9 <= sold <= offer.quantity * (1.0 + 1e-9)
        if sold > 1e-9 * size:
            assert offer.price <= found.price + 1e-9
        if size > 1.0 and offer.price < found.price - 1e-6:
            assert sold == pytest.approx(offer.quantity, abs=1e-6 * size)  # no cheaper offer is passed over
    if math.fsum(found.sold) > 0.0:
        assert demand_at(buyers, found.price) == pytest.approx(math.fsum(found.sold), abs=1e-6 * size)


@given(BUYERS, st.floats(0.0, 1.0))
def test_price_is_the_inverse_of_demand(buyers, share):
    most = demand_at(buyers, 0.0)
    if most > 0.0:
        assert demand_at(buyers, price_of(buyers, share * most)) == pytest.approx(share * most, abs=1e-9 * most)


@given(OFFERS, BUYERS, st.floats(0.0, 1e4))
def test_more_supply_never_raises_the_price(offers, buyers, more):
    before, after = clear(offers, buyers), clear([*offers, Offer("new", more, 10.0)], buyers)
    assert after.price <= before.price + 1e-6


def test_contracts_serve_demand_first_by_hand():
    # 30 are promised; of 200 - 2 p the rest is 170 - 2 p. At 20, 90 of the 130 that are left: the price is at 40.
    found = clear([Offer("near", 90.0, 20.0), Offer("far", math.inf, 60.0)], [ONE], 30.0)
    assert found.price == pytest.approx(40.0)
    assert found.sold == pytest.approx((90.0, 0.0))
    assert found.bought == pytest.approx((120.0,))
    # With 100 promised nothing dear is needed: 200 - 2 p = 100, and an offer at 60 is too dear.
    found = clear([Offer("far", math.inf, 60.0)], [ONE], 100.0)
    assert found.price == pytest.approx(50.0)
    assert found.sold == (0.0,)


@given(OFFERS, BUYERS, st.floats(0.0, 1.0))
def test_a_contract_with_who_sells_anyhow_changes_nothing(offers, buyers, share):
    # What an offer below the price sells may as well be promised: the price and what is bought stay as they were.
    before = clear(offers, buyers)
    promised = [
        share * sold if offer.price < before.price else 0.0 for offer, sold in zip(offers, before.sold, strict=True)
    ]
    left = [Offer(one.name, one.quantity - firm, one.price) for one, firm in zip(offers, promised, strict=True)]
    after = clear(left, buyers, math.fsum(promised))
    if math.fsum(before.sold) > 1.0:
        assert after.price == pytest.approx(before.price, rel=1e-6, abs=1e-6)
        assert after.bought == pytest.approx(before.bought, rel=1e-6, abs=1e-6 * math.fsum(before.bought))
