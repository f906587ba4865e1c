"""Capital recovery and present value against published tables and their definitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.economics.capital import annuity, capital_recovery_factor, net_present_value, straight_line


@pytest.mark.parametrize(
    ("interest", "years", "factor"),
    # Compound interest tables (A/P) of any textbook of engineering economy.
    [(0.05, 5, 0.23097), (0.06, 20, 0.08718), (0.08, 10, 0.14903), (0.10, 5, 0.26380), (0.12, 15, 0.14682)],
)
def test_published_factors(interest, years, factor):
    assert capital_recovery_factor(interest, years) == pytest.approx(factor, abs=5e-6)


@given(st.floats(1e-9, 0.5), st.integers(1, 40))
def test_payments_repay_the_capital(interest, years):
    payment = annuity(1e6, interest, years)
    debt = 1e6
    for _ in range(years):
        debt = debt * (1.0 + interest) - payment
    # Rounding grows with interest over the years.
    assert debt == pytest.approx(0.0, abs=1e-8 * 1e6 * (1.0 + interest) ** years)


def test_without_interest_it_is_straight_line():
    assert annuity(120.0, 0.0, 10.0) == straight_line(120.0, 10.0) == 12.0
    assert annuity(120.0, 1e-12, 10.0) == pytest.approx(12.0)


@pytest.mark.parametrize(("interest", "years"), [(-0.01, 10.0), (0.08, 0.0)])
def test_refusals(interest, years):
    with pytest.raises(ValueError, match="need interest"):
        capital_recovery_factor(interest, years)


def test_net_present_value():
    # 100 a year for three years at 10 %: 248.685 (table P/A 2.48685).
    assert net_present_value([(1, 100.0), (2, 100.0), (3, 100.0)], 0.10) == pytest.approx(248.685, abs=1e-3)
    assert net_present_value([(0, -248.6852), (1, 100.0), (2, 100.0), (3, 100.0)], 0.10) == pytest.approx(0, abs=1e-3)
