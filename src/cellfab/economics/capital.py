"""Capital as a yearly charge, and money at different dates."""

from __future__ import annotations

import math
from collections.abc import Iterable

WEEKS_PER_YEAR = 365.25 / 7.0
HOURS_PER_WEEK = 168.0


def capital_recovery_factor(interest_share_per_y: float, life_y: float) -> float:
    """Yearly payment per dollar of capital that repays it with interest over its life.

    i / (1 - (1 + i) ** -n); without interest 1 / n. Any textbook of engineering economy; 0.14903 at 8 % over 10 years.

    Raises
    ------
    ValueError
        Unless interest >= 0 and life > 0.
    """
    if interest_share_per_y < 0.0 or life_y <= 0.0:
        raise ValueError(f"need interest >= 0 and life > 0, not {interest_share_per_y} and {life_y}")
    if interest_share_per_y == 0.0:
        return 1.0 / life_y
    # expm1 and log1p keep the digits that 1 - (1 + i) ** -n loses at small i.
    return interest_share_per_y / -math.expm1(-life_y * math.log1p(interest_share_per_y))


def annuity(capital: float, interest_share_per_y: float, life_y: float) -> float:
    """Yearly capital charge, in the money unit of `capital`."""
    return capital * capital_recovery_factor(interest_share_per_y, life_y)


def straight_line(capital: float, life_y: float) -> float:
    """Yearly depreciation, in the money unit of `capital`: the basis of overhead, never added to the annuity."""
    return capital / life_y


def net_present_value(cash_flows: Iterable[tuple[float, float]], discount_share_per_y: float) -> float:
    """Present value of (years from now, money) pairs: sum of c (1 + i) ** -t, in the money unit given."""
    return math.fsum(money * (1.0 + discount_share_per_y) ** -years for years, money in cash_flows)
