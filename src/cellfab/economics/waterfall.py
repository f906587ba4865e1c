"""Why one cost per kWh differs from another: a waterfall whose bars add up to the difference exactly.

The cost of an output is a sum of products. For every account,

    price x quantity in a good cell x (1 + scrap + qualification) x cells per kWh     bought materials
    money in a good cell x (1 + scrap + qualification) x cells per kWh                labour, capital, power in lots
    money of a week x weeks per good cell x cells per kWh                             cost of the plant
    money of idle capacity per good cell x cells per kWh

add up to its $/kWh; scrap is the value thrown away over the value in good cells. What a factor contributes to the
change of its product is its Shapley value: the change that it makes when the factors are changed one after the other,
averaged over all orders. For two factors that is d(xy) = dx (y0 + y1) / 2 + dy (x0 + x1) / 2.

The decomposition is exact, turns its sign when the sides are swapped, and needs no special cases for zeros and negative
terms. The log-mean Divisia index (Ang 2005) has the first two properties too and differs from it in the third order of
the changes only, but has no value where a term changes its sign, as idle capacity does; Ang (2004) advises another
method for such data.

References
----------
L. S. Shapley, "A value for n-person games", Contributions to the Theory of Games II (1953), 307-317.
J. W. Sun, "Changes in energy consumption and energy intensity: a complete decomposition model", Energy Economics 20
(1998), 85-100: the same value for indices of energy ("Shapley/Sun" in Ang 2004).
B. W. Ang, "Decomposition analysis for policymaking in energy: which is the preferred method?", Energy Policy 32 (2004),
1131-1139, and "The LMDI approach to decomposition analysis: a practical guide", Energy Policy 33 (2005), 867-871.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import combinations
from typing import Literal, NamedTuple

from cellfab.core.ledger import Holding
from cellfab.economics.consumables import CONSUMABLES
from cellfab.economics.period_cost import (
    BUILDING,
    CAPITAL,
    CAPITAL_ACCOUNTS,
    ELECTRICITY,
    HEAT,
    LABOUR,
    MAINTENANCE,
    MATERIALS,
    OVERHEAD,
    WORKING_CAPITAL,
)
from cellfab.economics.recycling import RECYCLING, SCRAP_FREIGHT
from cellfab.economics.tariffs import TARIFFS
from cellfab.economics.terms import CREDITS

Kind = Literal["full", "cash", "net"]
KINDS: dict[Kind, str] = {
    "full": "full cost: with the yearly charge for capital, after what recyclers paid for scrap",
    "cash": "cash cost: without the yearly charge for equipment, building and working capital",
    "net": "net cost: full cost less tax credits",
}
PRICES, QUANTITIES = "material prices", "materials in a cell"
ENERGY_PER_CELL = "energy per cell"
SCRAP, QUALIFICATION, IDLE, OUTPUT = "scrap", "qualification cells", "idle capacity", "output per week"
UTILITIES, WORN, OTHER = "electricity and heat", "consumables", "other cost"
DUTIES, BOUND, CREDITED, RECYCLED = "tariffs", "working capital", "tax credits", "recycling"
_BAR_OF = {
    LABOUR: LABOUR, CAPITAL: CAPITAL, BUILDING: BUILDING, MAINTENANCE: MAINTENANCE, OVERHEAD: OVERHEAD,
    ELECTRICITY: UTILITIES, HEAT: UTILITIES, WORKING_CAPITAL: BOUND, SCRAP_FREIGHT: SCRAP,
}  # fmt: skip
BARS = (
    PRICES, DUTIES, QUANTITIES, ENERGY_PER_CELL, SCRAP, QUALIFICATION, LABOUR, UTILITIES, WORN, MAINTENANCE,
    OVERHEAD, CAPITAL, BUILDING, BOUND, IDLE, OUTPUT, OTHER, CREDITED, RECYCLED,
)  # fmt: skip
"""Bars in the order in which they are shown."""
_LARGEST_RATIO = 10.0
"""Scrap over good value up to which scrap is taken to be in proportion to what is in good cells."""
_NETTED = {RECYCLING: RECYCLED, CREDITS: CREDITED}
"""Prefixes of the income accounts that are taken off cost, and their bars; credits off net cost only."""


@dataclass(frozen=True, slots=True)
class Output:
    """What the good cells of some weeks bear.

    Attributes
    ----------
    weeks : float
    cells : float
        Good cells finished for sale; above 0.
    kwh : float
        Their stored energy; above 0.
    borne : mapping of (Holding, account) to (quantity, usd)
        Value that left in these weeks, without what was returned.
    incomes : mapping of account to usd
        Everything earned; `of_kind` chooses what is taken off cost. Sales never are.
    """

    weeks: float
    cells: float
    kwh: float
    borne: Mapping[tuple[Holding, str], tuple[float, float]]
    incomes: Mapping[str, float]

    def of_kind(self, kind: Kind) -> Output:
        """With only what a kind of cost counts."""
        borne = self.borne
        if kind == "cash":
            borne = {key: amount for key, amount in borne.items() if key[1] not in CAPITAL_ACCOUNTS}
        taken_off = tuple(_NETTED) if kind == "net" else RECYCLING
        incomes = {name: usd for name, usd in self.incomes.items() if name.startswith(taken_off)}
        return Output(self.weeks, self.cells, self.kwh, borne, incomes)

    @property
    def usd_per_kwh(self) -> float:
        """Everything borne less all income, per good kWh: the cost, of an output `of_kind`."""
        return (math.fsum(usd for _, usd in self.borne.values()) - math.fsum(self.incomes.values())) / self.kwh


class Effect(NamedTuple):
    """What one cause changes about one account, $/kWh."""

    bar: str
    account: str
    usd_per_kwh: float


class _Term(NamedTuple):
    """A product of factors before and after, and the bar that each factor belongs to."""

    account: str
    bars: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]


def shapley_product(before: Sequence[float], after: Sequence[float]) -> list[float]:
    """What each factor contributes to the change of their product; the contributions add up to the change.

    Parameters
    ----------
    before, after : sequence of float
        The factors on both sides, in one order; any sign, zeros included.
    """
    count = len(before)
    found = []
    for own in range(count):
        others = [place for place in range(count) if place != own]
        products = [
            weight * math.prod(after[place] if place in changed else before[place] for place in others)
            for weight, changed in _orders(tuple(others))
        ]
        found.append((after[own] - before[own]) * math.fsum(products))
    return found


@cache
def _orders(others: tuple[int, ...]) -> tuple[tuple[float, frozenset[int]], ...]:
    """Every set of factors that may have changed already, with the share of the orders in which it has."""
    count = len(others) + 1
    return tuple(
        (1.0 / (count * math.comb(count - 1, size)), frozenset(chosen))
        for size in range(count)
        for chosen in combinations(others, size)
    )


def effects(before: Output, after: Output) -> list[Effect]:
    """Every contribution to the change of $/kWh, by bar and account; their sum is the change.

    Parameters
    ----------
    before, after : Output
        Of one kind of cost and one currency year.
    """
    found: dict[tuple[str, str], list[float]] = {}
    for term in _terms(before, after):
        parts = shapley_product(term.before, term.after)
        for bar, part in zip(term.bars, parts, strict=True):
            found.setdefault((bar, term.account), []).append(part)
    rank = {bar: place for place, bar in enumerate(BARS)}
    merged = (Effect(bar, account, math.fsum(parts)) for (bar, account), parts in found.items())
    return sorted((effect for effect in merged if effect.usd_per_kwh), key=lambda e: (rank[e.bar], e.account))


def in_cents(start: float, end: float, changes: Sequence[float]) -> tuple[int, list[int], int]:
    """Start, changes and end in whole cents that add up: start + sum(changes) = end, as they are printed.

    Each change is rounded up or down to a whole cent, those with the largest remainders up.

    Parameters
    ----------
    start, end : float
        $/kWh.
    changes : sequence of float
        Their sum is end - start.
    """
    first, last = (int(100 * Decimal(f"{value:.2f}")) for value in (start, end))
    floors = [math.floor(100.0 * change) for change in changes]
    up = last - first - sum(floors)
    largest = sorted(range(len(floors)), key=lambda place: floors[place] - 100.0 * changes[place])[:up]
    for place in largest:
        floors[place] += 1
    return first, floors, last


def bar_of(account: str) -> str:
    """The bar of the money that an account holds, other than materials."""
    if account.startswith(TARIFFS):
        return DUTIES
    if account.startswith(CONSUMABLES):
        return WORN
    if account.startswith(f"{LABOUR}."):  # a crew
        return LABOUR
    return _BAR_OF.get(account, QUANTITIES if account.startswith(MATERIALS) else OTHER)


def _terms(before: Output, after: Output) -> Iterator[_Term]:
    sides = (before, after)
    per_kwh = tuple(side.cells / side.kwh for side in sides)
    accounts = dict.fromkeys(account for side in sides for _, account in side.borne)
    for account in accounts:
        yield from _in_cells(account, sides, per_kwh)
        idle = _per(Holding.IDLE_CAPACITY, account, sides, [side.cells for side in sides])
        yield _term(account, (IDLE, idle), (ENERGY_PER_CELL, per_kwh))
        weekly = _per(Holding.EXPENSED, account, sides, [side.weeks for side in sides])
        weeks = tuple(side.weeks / side.cells for side in sides)
        yield _term(account, (bar_of(account), weekly), (OUTPUT, weeks), (ENERGY_PER_CELL, per_kwh))
    for name in dict.fromkeys(name for side in sides for name in side.incomes):
        earned = tuple(-side.incomes.get(name, 0.0) / side.kwh for side in sides)
        yield _term(name, (next(bar for prefix, bar in _NETTED.items() if name.startswith(prefix)), earned))


def _in_cells(account: str, sides: tuple[Output, Output], per_kwh: tuple[float, ...]) -> Iterator[_Term]:
    """Value in good cells, and what was scrapped or made for qualification in proportion to it."""
    value = _content(account, sides)
    energy = (ENERGY_PER_CELL, per_kwh)
    yield _term(account, *value, energy)
    for holding, bar in ((Holding.SCRAP, SCRAP), (Holding.QUALIFICATION, QUALIFICATION)):
        ratios = [_ratio(side, holding, account) for side in sides]
        # What is lost beyond that proportion, as of an account that hardly is in a good cell, stands by itself.
        rest = [
            (_usd(side, holding, account) - ratio * _usd(side, Holding.FINISHED_GOOD, account)) / side.cells
            for side, ratio in zip(sides, ratios, strict=True)
        ]
        yield _term(account, *value, (bar, ratios), energy)
        yield _term(account, (bar, rest), energy)


def _content(account: str, sides: tuple[Output, Output]) -> list[tuple[str, Sequence[float]]]:
    """Money in a good cell as factors: price and quantity of a material, else the money itself."""
    amounts = [side.borne.get((Holding.FINISHED_GOOD, account), (0.0, 0.0)) for side in sides]
    money = [usd / side.cells for side, (_, usd) in zip(sides, amounts, strict=True)]
    if not account.startswith(MATERIALS) or any(quantity <= 0.0 and usd for quantity, usd in amounts):
        return [(bar_of(account), money)]
    prices = [usd / quantity if quantity else math.nan for quantity, usd in amounts]
    # What is not bought on one side has no price there: nothing of the change is one of price.
    known = [price for price in prices if not math.isnan(price)] or [0.0]
    prices = [known[0] if math.isnan(price) else price for price in prices]
    per_cell = [quantity / side.cells for side, (quantity, _) in zip(sides, amounts, strict=True)]
    return [(PRICES, prices), (QUANTITIES, per_cell)]


def _ratio(side: Output, holding: Holding, account: str) -> float:
    """Lost over good value of an account; of one that is in no good cell, that of all materials, or of all others."""
    is_material = account.startswith(MATERIALS)
    alike = [name for _, name in side.borne if name.startswith(MATERIALS) is is_material]
    for names in ((account,), dict.fromkeys(alike)):
        good = math.fsum(_usd(side, Holding.FINISHED_GOOD, name) for name in names)
        if good:
            return min(_LARGEST_RATIO, math.fsum(_usd(side, holding, name) for name in names) / good)
    return 0.0


def _term(account: str, *factors: tuple[str, Sequence[float]]) -> _Term:
    before, after = zip(*((values[0], values[1]) for _, values in factors), strict=True)
    return _Term(account, tuple(bar for bar, _ in factors), before, after)


def _per(holding: Holding, account: str, sides: tuple[Output, Output], units: Sequence[float]) -> tuple[float, ...]:
    return tuple(_usd(side, holding, account) / unit for side, unit in zip(sides, units, strict=True))


def _usd(side: Output, holding: Holding, account: str) -> float:
    return side.borne.get((holding, account), (0.0, 0.0))[1]
