"""The pages of the ledger, and what every lot and holding carries: where each amount is, and what can be read there.

There is one page for each week, place and product. It sums up what was posted, account by account, and holds what has
left the lots there. Every array of amounts has two rows, quantities and money, and one column for each account and for
some that are still to come; amounts are integers of one millionth of their unit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from cellfab.core.postings import Debit, Entry, Held, Holding, Release

MICRO = 1_000_000
"""Integer steps per unit (dollar, kg, m2, piece, h, kWh)."""
_ROOM = 64
"""Accounts for which room is made at once."""


class Carried:
    """What one lot or holding carries, in micro-units: `amounts`, shape (2, accounts and room for more), quantities and
    money by account; and all its money."""

    __slots__ = ("amounts", "total")

    def __init__(self, amounts: npt.NDArray[np.int64], total: int = 0) -> None:
        self.amounts = amounts
        self.total = total


class Holder(Carried):
    """What one holding received on a page.

    `reasons` is a dict of str to [rows, energy, money]: causes of scrap, the product that was finished, accounts.
    """

    __slots__ = ("reasons",)

    def __init__(self, amounts: npt.NDArray[np.int64]) -> None:
        super().__init__(amounts)
        self.reasons: dict[str, list[int]] = {}

    def note(self, reason: str, rows: int, energy: int, money: int) -> None:
        """Add to what one reason has brought."""
        sums = self.reasons.get(reason)
        if sums is None:
            self.reasons[reason] = [rows, energy, money]
        else:
            sums[0] += rows
            sums[1] += energy
            sums[2] += money


class Page:
    """What happened in one week at one place with one product.

    Attributes
    ----------
    sums : ndarray of int64, shape (2, accounts and room for more)
        Quantities and money posted, in micro-units.
    accounts : dict of int to None
        Numbers of the accounts posted to, in the order of their first posting.
    held : dict of (holding, form) to Holder
    """

    __slots__ = ("accounts", "held", "sums")

    def __init__(self, sums: npt.NDArray[np.int64]) -> None:
        self.sums = sums
        self.accounts: dict[int, None] = {}
        self.held: dict[tuple[Holding, str], Holder] = {}


class Pages:
    """All pages, and all that lots carry; `cellfab.core.ledger.Ledger` fills them."""

    def __init__(self) -> None:
        self._accounts: dict[str, tuple[int, str]] = {}
        self._room = _ROOM
        self._pages: dict[tuple[int, str, str], Page] = {}
        self._carried: dict[int, Carried] = {}
        self._products: dict[str, None] = {"": None}

    # ---- views ----------------------------------------------------------------------------------------------

    @property
    def units(self) -> dict[str, str]:
        """Unit of each account, in the order the accounts were opened."""
        return {account: unit for account, (_, unit) in self._accounts.items()}

    @property
    def open_lots(self) -> frozenset[int]:
        """Identities of the lots that carry value: exactly those still in the line."""
        return frozenset(self._carried)

    def debited(self, week: int, place: str, account: str) -> tuple[float, float]:
        """Quantity and usd posted to one account at one place in one week, by all products; else zeros."""
        q = money = 0
        if account in self._accounts:
            number = self._accounts[account][0]
            for product in self._products:
                page = self._pages.get((week, place, product))
                if page is not None:
                    q += int(page.sums[0, number])
                    money += int(page.sums[1, number])
        return q / MICRO, money / MICRO

    def debits(self) -> Iterator[Debit]:
        """All cost, by week, place, product and account (the rows of `ledger.parquet`)."""
        accounts = list(self._accounts.items())
        for key, page in sorted(self._pages.items()):
            quantities, moneys = page.sums.tolist()
            for number in page.accounts:
                account, (_, unit) = accounts[number]
                yield Debit(*key, account, quantities[number] / MICRO, unit, moneys[number] / MICRO)

    def releases(self, holding: Holding | None = None) -> Iterator[Release]:
        """All value that has left work in progress (or never was in it), by week, place, product and so on.

        With `holding` only what went there.
        """
        found = [
            ((*at, kind, reason, form), sums)
            for at, page in self._pages.items()
            for (kind, form), holder in page.held.items()
            if holding is None or kind is holding
            for reason, sums in holder.reasons.items()
        ]
        for key, (rows, energy, money) in sorted(found):
            yield Release(*key, rows, energy / MICRO, money / MICRO)

    def held(self) -> Iterator[Held]:
        """What each holding received, by week, holding, product, form and account, over all places."""
        summed: dict[tuple[int, Holding, str, str], npt.NDArray[np.int64]] = {}
        for key, _, amounts in self._holders():
            before = summed.get(key)
            summed[key] = amounts if before is None else before + amounts
        for key, amounts in summed.items():
            for entry in self._amounts(amounts):
                yield Held(*key, *entry)

    def held_at(self, holding: Holding) -> Iterator[tuple[str, Held]]:
        """What one holding received, with the place where it did."""
        for key, place, amounts in self._holders():
            if key[1] is holding:
                for entry in self._amounts(amounts):
                    yield place, Held(*key, *entry)

    def _holders(self) -> Iterator[tuple[tuple[int, Holding, str, str], str, npt.NDArray[np.int64]]]:
        """(week, holding, product, form), place and amounts of all that was held, sorted."""
        found = {
            (week, holding, product, form, place): held.amounts
            for (week, place, product), page in self._pages.items()
            for (holding, form), held in page.held.items()
        }
        for key in sorted(found):
            yield key[:4], key[4], found[key]

    def _amounts(self, amounts: npt.NDArray[np.int64]) -> Iterator[Entry]:
        for (name, (_, unit)), q, money in zip(self._accounts.items(), *amounts.tolist(), strict=False):
            if q or money:
                yield name, q / MICRO, unit, money / MICRO

    def work_in_progress(self) -> dict[str, tuple[float, float]]:
        """Quantity and usd that the open lots carry now, by account."""
        inside = self._nothing().amounts
        for carried in self._carried.values():
            inside += carried.amounts
        quantities, moneys = inside.tolist()
        return {
            account: (quantities[number] / MICRO, moneys[number] / MICRO)
            for account, (number, _) in self._accounts.items()
        }

    # ---- inside ---------------------------------------------------------------------------------------------

    def _number(self, account: str, unit: str) -> int:
        """Number of an account; a new one is opened, another unit is refused."""
        known = self._accounts.get(account)
        if known is None:
            known = self._accounts[account] = (len(self._accounts), unit)
            if len(self._accounts) > self._room:
                self._grow()
        elif known[1] != unit:
            raise ValueError(f"account '{account}' is kept in {known[1]}, not in {unit}")
        return known[0]

    def _grow(self) -> None:
        """Make room for more accounts wherever there are amounts by account."""
        more = np.zeros((2, _ROOM), np.int64)
        self._room += _ROOM
        for page in self._pages.values():
            page.sums = np.hstack((page.sums, more))
            for held in page.held.values():
                held.amounts = np.hstack((held.amounts, more))
        for carried in self._carried.values():
            carried.amounts = np.hstack((carried.amounts, more))

    def _nothing(self) -> Carried:
        return Carried(np.zeros((2, self._room), np.int64))

    def _page(self, week: int, place: str, product: str) -> Page:
        page = self._pages.get((week, place, product))
        if page is None:
            page = self._pages[week, place, product] = Page(np.zeros((2, self._room), np.int64))
            self._products[product] = None
        return page

    def _holder(self, page: Page, holding: Holding, form: str = "") -> Holder:
        holder = page.held.get((holding, form))
        if holder is None:
            holder = page.held[holding, form] = Holder(np.zeros((2, self._room), np.int64))
        return holder
