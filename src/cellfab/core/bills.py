"""What lots are charged at a place again and again: the same accounts each time, by what each lot is counted by.

A lot is counted at a station by the hours that it holds a unit, as one lot, by its rows and by its length or weight;
at a step by each material that it takes and by its energy. A bill says, line by line, how much of which account a
count of 1 comes to. Made once, it charges any number of lots with one call (`cellfab.core.ledger.Ledger.charge`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.core.pages import Page

UNIT_HOURS, LOTS, ROWS, AMOUNT = range(4)
"""What a lot is counted by at a station."""
LINE_BEFORE = -1
"""Instead of a count: the dollars of the line before (a duty on its value)."""


class Line(NamedTuple):
    """One line of a bill: per count `quantity` units at `price` dollars each, and `usd` dollars.

    `by` is the number of the count that it goes by, or `LINE_BEFORE`; `price` is by week, empty where there is none.
    """

    account: str
    unit: str
    by: int
    quantity: float = 1.0
    usd: float = 0.0
    price: Sequence[float] = ()


class Bill:
    """Lines ready to be charged; made by `Ledger.bill`.

    Attributes
    ----------
    place, product : str
        Where, and for which lots.
    entries : list of (account, unit)
    lines : ndarray of int64, shape (2, k)
        By line: number of the account, and of the count that it goes by.
    rates : list of ndarray of float64, shape (3, k)
        By week: units per count, usd per count and usd per unit of every line.
    amounts : ndarray of float64, shape (2, k)
        Quantity and usd of every line as charged last.
    pages : dict of int to Page
        Of the ledger, by week, where it has been charged.
    """

    __slots__ = ("amounts", "entries", "lines", "pages", "place", "product", "rates")

    def __init__(self, place: str, product: str, numbers: Sequence[int], lines: Sequence[Line], weeks: int) -> None:
        self.place = place
        self.product = product
        self.entries = [(line.account, line.unit) for line in lines]
        self.lines = np.array((numbers, [line.by for line in lines]), np.int64)
        rates = np.zeros((weeks, 3, len(lines)))
        for index, line in enumerate(lines):
            rates[:, 0, index] = line.quantity
            rates[:, 1, index] = line.usd
            if line.price:
                rates[:, 2, index] = line.price
        self.rates: list[npt.NDArray[np.float64]] = list(rates)
        self.amounts = np.zeros((2, len(lines)))
        self.pages: dict[int, Page] = {}
