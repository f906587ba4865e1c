"""One market in one period: linear demand, offers in the order of their price, and the price at which both meet.

    q(p) = Q max(0, 1 - e (p - P) / P)        demand of a buyer: Q at the price P, of elasticity -e there

Offers are accepted from the cheapest up. The price is that of the dearest offer that is needed, or, where the next one
is too dear for anybody who is not served yet, what those are willing to pay (a merit order, as power markets have it).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Offer(NamedTuple):
    """What a supplier would sell: at most `quantity` (may be infinite), from `price` on."""

    name: str
    quantity: float
    price: float


class Buyers(NamedTuple):
    """Linear demand: `quantity` at `reference_price`, falling by `elasticity` percent for a percent more."""

    name: str
    quantity: float
    reference_price: float
    elasticity: float

    def at(self, price: float) -> float:
        """Quantity bought at a price."""
        return self.quantity * max(0.0, 1.0 - self.elasticity * (price - self.reference_price) / self.reference_price)

    @property
    def highest_price(self) -> float:
        """From here on they buy nothing."""
        return self.reference_price * (1.0 + 1.0 / self.elasticity)


class Cleared(NamedTuple):
    """What a market comes to.

    Attributes
    ----------
    price : float
        Of all that is sold; where nothing is, the lowest price at which there is an offer or a buyer.
    sold : tuple of float
        Of each offer, in the order given.
    bought : tuple of float
        By each buyer, in the order given; adds up to what is sold and what was promised.
    """

    price: float
    sold: tuple[float, ...]
    bought: tuple[float, ...]


def demand_at(buyers: Sequence[Buyers], price: float) -> float:
    """Quantity that all buyers together buy at a price."""
    return math.fsum(one.at(price) for one in buyers)


def price_of(buyers: Sequence[Buyers], quantity: float) -> float:
    """The price at which all buyers together buy `quantity`: the inverse of `demand_at`, exact.

    For a quantity of 0 the highest price that anybody would pay.
    """
    wanted = [one for one in buyers if one.quantity * one.elasticity / one.reference_price > 0.0]
    if not wanted:
        return 0.0
    tops = sorted({one.highest_price for one in wanted}, reverse=True)
    active: list[Buyers] = []
    for top, below in zip(tops, [*tops[1:], -math.inf], strict=True):
        active += [one for one in wanted if one.highest_price == top]
        if below == -math.inf or demand_at(wanted, below) >= quantity:
            slope = math.fsum(one.quantity * one.elasticity / one.reference_price for one in active)
            at_zero = math.fsum(one.quantity * (1.0 + one.elasticity) for one in active)
            return (at_zero - quantity) / slope
    raise AssertionError("the last range of prices has no end")


def clear(offers: Sequence[Offer], buyers: Sequence[Buyers], promised: float = 0.0) -> Cleared:
    """Find the price at which demand meets supply, and who sells.

    Parameters
    ----------
    offers : sequence of Offer
        In any order; offers at one price share what is sold at it in proportion to their quantities, where one of them
        has no limit it sells what is left by the others.
    buyers : sequence of Buyers
        Quantities of at least 0, elasticities and reference prices above 0.
    promised : float
        Quantity that these buyers have agreed to take at a price of its own: it serves their demand first.

    Returns
    -------
    Cleared
        Of the rest. With 0 <= sold <= quantity for each offer, everything sold of each offer below the price, and
        nothing of those above it.
    """
    sold = [0.0] * len(offers)
    supplied = promised
    price = math.inf
    by_price: dict[float, list[int]] = {}
    for index, offer in enumerate(offers):
        if offer.quantity > 0.0:
            by_price.setdefault(offer.price, []).append(index)
    for level in sorted(by_price):
        if demand_at(buyers, level) <= supplied:
            break
        step = math.fsum(offers[index].quantity for index in by_price[level])
        wanted = demand_at(buyers, level) - supplied
        if wanted <= step:
            _share(offers, by_price[level], wanted, sold)
            supplied, price = supplied + wanted, level
            break
        for index in by_price[level]:
            sold[index] = offers[index].quantity
        supplied += step
    if price == math.inf:
        price = price_of(buyers, supplied) if supplied else min([*by_price, price_of(buyers, 0.0)])
    bought = [one.at(price) for one in buyers] if supplied else [0.0] * len(buyers)
    return Cleared(price, tuple(sold), tuple(bought))


def _share(offers: Sequence[Offer], level: Sequence[int], wanted: float, sold: list[float]) -> None:
    """Deal what is wanted at one price to those who offer at it."""
    limited = [index for index in level if math.isfinite(offers[index].quantity)]
    endless = [index for index in level if not math.isfinite(offers[index].quantity)]
    whole = math.fsum(offers[index].quantity for index in limited)
    share = min(1.0, wanted / whole) if whole else 0.0
    for index in limited:
        sold[index] = share * offers[index].quantity
    for index in endless:
        sold[index] = (wanted - share * whole) / len(endless)
