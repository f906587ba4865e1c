"""What the ledger is made of: where value can be held, and the rows of its views."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

MASS_UNITS = frozenset({"kg", "m2", "pieces"})
"""Units in which materials are bought."""
ENERGY_UNIT = "kWh"
SALES = "sales"
"""Income account of cells sold, in kWh."""

Entry = tuple[str, float, str, float]
"""account, quantity, unit, usd: one line of a posting."""
Posting = tuple[int, str, str, int, str, float, str, float]
"""week, place, product, identity of the lot (0: none), account, quantity, unit, usd: a raw row of the ledger."""


class Holding(StrEnum):
    """Where the value of a posting is carried once it has left the lots in progress (or was never on one)."""

    FINISHED_GOOD = "finished_good"
    """In cells that can be sold."""
    QUALIFICATION = "qualification"
    """In good cells that may not be sold: made to requalify a line."""
    SCRAP = "scrap"
    """In rows thrown away, at the value added up to there."""
    RETURNED = "returned"
    """Material given back to the store (edge trim)."""
    IDLE_CAPACITY = "idle_capacity"
    """Period cost that no lot has absorbed."""
    EXPENSED = "expensed"
    """Cost of the period that belongs to no lot by its nature (plant overhead, purge material)."""


FORMS = ("electrode", "cell")
"""What scrap is, for those who buy it: powder and electrode of one side, or a cell (wound or stacked, with both)."""


class Debit(NamedTuple):
    """Sum of all postings of one account at one place for one product in one week."""

    week: int
    place: str
    product: str
    account: str
    quantity: float
    unit: str
    usd: float

    @property
    def station(self) -> str:
        """The station that the place belongs to."""
        return self.place.partition(".")[0]


class Release(NamedTuple):
    """Value that left work in progress (or never was in it) at one place in one week, for one reason.

    `reason` is the cause of scrap, the product that was finished, or the account that was not absorbed by lots.
    `form` is "electrode" or "cell" for scrap, "" otherwise.
    `energy_kwh` is the stored energy of finished cells (what is sold), 0 otherwise.
    """

    week: int
    place: str
    product: str
    holding: Holding
    reason: str
    form: str
    rows: int
    energy_kwh: float
    usd: float

    @property
    def station(self) -> str:
        """The station that the place belongs to."""
        return self.place.partition(".")[0]


class Held(NamedTuple):
    """What one holding received of one account in one week, by product and (scrap only) form."""

    week: int
    holding: Holding
    product: str
    form: str
    account: str
    quantity: float
    unit: str
    usd: float


class Income(NamedTuple):
    """Sum of what was earned on one account at one place with one product in one week."""

    week: int
    place: str
    account: str
    product: str
    quantity: float
    unit: str
    usd: float


class Balance(NamedTuple):
    """What was debited less what is held, in units; all zero unless the ledger itself is broken."""

    money_usd: float
    mass: Mapping[str, float]
    """Residual by material account, in its own unit."""
    energy_kwh: float
    income_usd: float = 0.0
    """Earned less received less still owed."""
    sold_kwh: float = 0.0
    """Energy sold beyond what was finished for sale."""

    @property
    def is_zero(self) -> bool:
        """No residual anywhere."""
        whole = (self.money_usd, self.energy_kwh, self.income_usd, self.sold_kwh)
        return not any(whole) and not any(self.mass.values())
