"""Cells by buyer, where a product is sold by specifications: what each of them took, and the strings made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cellfab.config.buyer_spec import Buyer
from cellfab.core import notes
from cellfab.core.lot import Lot
from cellfab.core.racks import Racks
from cellfab.scenario import Scenario
from cellfab.steps.base import Step


@dataclass(slots=True)
class Taken:
    """What a buyer took.

    Attributes
    ----------
    cells : int
    kwh : float
        Energy that they truly hold.
    short : int
        Cells of these that are in truth less than the buyer demands: the error of the tests.
    """

    cells: int = 0
    kwh: float = 0.0
    short: int = 0


def buyers_by_product(steps: Mapping[tuple[str, str], Step]) -> dict[str, tuple[tuple[str, Buyer], ...]]:
    """Buyers of every product that is sold by specifications, who pays most first."""
    found = ((product, getattr(step, "buyers", ())) for (_, product), step in steps.items())
    return {product: buyers for product, buyers in found if buyers}


class BuyerCounts:
    """What every buyer took, by week; nothing is counted of a product without buyers.

    Parameters
    ----------
    scenario : Scenario

    Attributes
    ----------
    buyers : dict of str to tuple of (name, Buyer)
        By product, who pays most first.
    taken : dict of (week, product, buyer) to Taken
    racks : dict of (product, buyer) to Racks
    """

    def __init__(self, scenario: Scenario) -> None:
        self.buyers = buyers_by_product(scenario.steps)
        self.taken: dict[tuple[int, str, str], Taken] = {}
        self.racks: dict[tuple[str, str], Racks] = {}

    def finished(self, lot: Lot, week: int) -> None:
        """Count the cells of a lot that is sold."""
        for place, (name, _) in enumerate(self.buyers.get(lot.product, ()), start=1):
            taken = self.taken.setdefault((week, lot.product, name), Taken())
            taken.cells += int(lot.attributes.get(f"{notes.BUYER_CELLS}{name}", 0.0))
            taken.kwh += lot.attributes.get(f"{notes.BUYER_KWH}{name}", 0.0)
            taken.short += int(lot.attributes.get(f"{notes.BUYER_SHORT}{name}", 0.0))
            if (lot.product, name) not in self.racks:
                self.racks[lot.product, name] = Racks(place, name)
            self.racks[lot.product, name].add(lot)

    def names(self) -> tuple[str, ...]:
        """Every buyer once, in the order of price of the first product that has it."""
        return tuple(dict.fromkeys(name for buyers in self.buyers.values() for name, _ in buyers))

    def whole(self, name: str) -> Taken:
        """What a buyer took of all products in all weeks."""
        found = Taken()
        for taken in (taken for (_, _, buyer), taken in self.taken.items() if buyer == name):
            found = Taken(found.cells + taken.cells, found.kwh + taken.kwh, found.short + taken.short)
        return found

    def price_ratios(self) -> dict[tuple[int, str], float]:
        """Mean price of a kWh over the product's sale price, by week and product, for the energy sold."""
        sums: dict[tuple[int, str], tuple[float, float]] = {}
        for week, product, ratio, taken in self._priced():
            kwh, paid = sums.get((week, product), (0.0, 0.0))
            sums[week, product] = (kwh + taken.kwh, paid + ratio * taken.kwh)
        return {key: paid / kwh for key, (kwh, paid) in sums.items() if kwh > 0.0}

    def price_ratio(self, product: str, name: str) -> float:
        """As written at the buyer."""
        return dict(self.buyers[product])[name].price_ratio

    def _priced(self) -> Iterator[tuple[int, str, float, Taken]]:
        for (week, product, name), taken in self.taken.items():
            yield week, product, self.price_ratio(product, name), taken
