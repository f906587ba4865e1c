"""The ledger: every cost is posted once, carried as value in exactly one place, and balances to the last micro-unit.

Double entry. A posting debits a cost account (materials.nmc811, labour, electricity, capital ...) at a week and a
station, and at the same time raises the value of one *holding*. Value in work in progress sits on a lot and later
leaves it for good: as finished goods, as qualification product, as scrap, or back to the store. Nothing else can
happen to a dollar, a kilogram or a kilowatt-hour, so

    debited  =  finished_good + qualification + scrap + returned + idle_capacity + expensed + work in progress

holds for money and for the quantity of every account. Amounts are integers of one millionth of their unit
(micro-dollars, milligrams of a kg, milliwatt-hours of a kWh): each posting is rounded once, on entry, and everything
after that is exact, however many postings there are and whatever order they came in.

Only sums are kept (per week, station and account), so memory does not grow with the number of lots that have left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot

MICRO = 1_000_000
"""Integer steps per unit (dollar, kg, m2, piece, h, kWh)."""
MASS_UNITS = frozenset({"kg", "m2", "pieces"})
"""Units in which materials are bought."""
ENERGY_UNIT = "kWh"

Entry = tuple[str, float, str, float]
"""account, quantity, unit, usd: one line of a posting."""


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


class Debit(NamedTuple):
    """Sum of all postings of one account at one station in one week."""

    week: int
    station: str
    account: str
    quantity: float
    unit: str
    usd: float


class Release(NamedTuple):
    """Value that one station moved into a holding in one week, for one reason.

    `reason` is the cause of scrap, the product that was finished, or the account that was not absorbed by lots.
    `energy_kwh` is the stored energy of finished cells (what is sold), 0 otherwise.
    """

    week: int
    station: str
    holding: Holding
    reason: str
    rows: int
    energy_kwh: float
    usd: float


class Balance(NamedTuple):
    """What was debited less what is held, in units; all zero unless the ledger itself is broken."""

    money_usd: float
    mass: Mapping[str, float]
    """Residual by material account, in its own unit."""
    energy_kwh: float

    @property
    def is_zero(self) -> bool:
        """No residual anywhere."""
        return self.money_usd == 0.0 and self.energy_kwh == 0.0 and not any(self.mass.values())


class _Carried:
    """What one lot or holding carries, in micro-units: `amounts`, shape (2, accounts), quantities and money."""

    __slots__ = ("amounts", "money", "quantities", "total")

    def __init__(self, amounts: npt.NDArray[np.int64], total: int) -> None:
        self.total = total
        self._set(amounts)

    def _set(self, amounts: npt.NDArray[np.int64]) -> None:
        self.amounts = amounts
        # Single amounts are read and written through views of memory: half the time of an array's items.
        self.quantities, self.money = (row.data for row in amounts)

    def open_account(self) -> None:
        """One account more."""
        self._set(np.column_stack((self.amounts, np.zeros(2, np.int64))))

    def give(self, taker: _Carried, share: int = 1, whole: int = 1) -> int:
        """Hand the share `share` / `whole` of every amount, rounded down, to `taker`; tell how much money that is."""
        from cellfab.kernels.sharing import hand_over

        money = int(hand_over(self.amounts, taker.amounts, share, whole))
        self.total -= money
        taker.total += money
        return money


class Ledger:
    """Postings of one run.

    Parameters
    ----------
    record_rows : bool
        Keep every single posting in `rows` (grows without bound; for tracing a dollar, not for long runs).
    """

    def __init__(self, *, record_rows: bool = False) -> None:
        self.rows: list[tuple[int, str, str, float, str, float]] | None = [] if record_rows else None
        self._accounts: dict[str, tuple[int, str]] = {}
        self._debits: dict[tuple[int, str], dict[str, list[int]]] = {}
        self._carried: dict[int, _Carried] = {}
        self._held: dict[tuple[int, Holding], _Carried] = {}
        self._releases: dict[tuple[int, str, Holding, str], list[int]] = {}

    # ---- postings -------------------------------------------------------------------------------------------

    def charge(
        self, week: int, station: str, account: str, quantity: float, unit: str, usd: float,
        holding: Holding = Holding.EXPENSED,
    ) -> None:  # fmt: skip
        """Post a cost that no lot carries: expensed at once, or idle capacity.

        Raises
        ------
        ValueError
            If the account was opened with another unit, or an amount is not finite.
        """
        index, q, money = self._debit(week, station, account, quantity, unit, usd)
        self._hold_one(index, q, money, week, holding)
        self._note(week, station, holding, account, 0, 0, money)

    def charge_lot(self, lot: Lot, week: int, station: str, entries: Iterable[Entry]) -> None:
        """Post what a lot used at a station, each entry (account, quantity, unit, usd), and add it to the lot's value.

        Raises
        ------
        ValueError
            If an account was opened with another unit, or an amount is not finite.
        """
        carried = self._carried.get(lot.identity)
        if carried is None:
            carried = self._carried[lot.identity] = self._nothing()
        # NOTE: `_debit` is written out here: this is the one call that every lot makes at every station.
        sums = self._debits.get((week, station))
        if sums is None:
            sums = self._debits[week, station] = {}
        accounts, rows = self._accounts, self.rows
        quantities, moneys = carried.quantities, carried.money
        for account, quantity, unit, usd in entries:
            known = accounts.get(account)
            if known is None or known[1] != unit:
                known = self._open(account, unit)
                quantities, moneys = carried.quantities, carried.money
            index = known[0]
            try:
                q = round(quantity * MICRO)
                money = round(usd * MICRO)
            except (ValueError, OverflowError) as error:
                raise ValueError(_not_finite(station, account, quantity, usd)) from error
            cell = sums.get(account)
            if cell is None:
                sums[account] = [q, money]
            else:
                cell[0] += q
                cell[1] += money
            quantities[index] += q
            moneys[index] += money
            carried.total += money
            if rows is not None:
                rows.append((week, station, account, quantity, unit, usd))
        lot.value_usd = carried.total / MICRO

    def scrap(self, lot: Lot, rows: int, of: int, week: int, station: str, cause: str) -> None:
        """Throw away `rows` of the `of` rows that were alive: their share of the lot's value becomes scrap.

        Call it with the number alive *before* the rows were scrapped; when all of them go, the lot is closed.

        Raises
        ------
        ValueError
            Unless 0 <= rows <= of.
        """
        self.scrap_each(lot, [(cause, rows)], of, week, station)

    def scrap_each(self, lot: Lot, losses: Sequence[tuple[str, int]], of: int, week: int, station: str) -> None:
        """`scrap` for several causes at once: pairs of cause and rows, together at most the `of` that were alive."""
        rows = sum(lost for _, lost in losses)
        if not 0 <= rows <= of:
            raise ValueError(f"{station}: {rows} rows scrapped of {of} alive")
        if rows == 0:
            return
        money = self._release(lot, week, Holding.SCRAP) if rows == of else self._share_out(lot, rows, of, week)
        for cause, lost in losses:
            part = money * lost // rows if lost else 0
            self._note(week, station, Holding.SCRAP, cause, lost, 0, part)
            money -= part
            rows -= lost

    def finish(self, lot: Lot, rows: int, energy_kwh: float, week: int, station: str) -> None:
        """Close a lot of `rows` good cells that store `energy_kwh`: finished goods if sellable, else qualification."""
        holding = Holding.FINISHED_GOOD if lot.sellable else Holding.QUALIFICATION
        money = self._release(lot, week, holding)
        self._note(week, station, holding, lot.product, rows, round(energy_kwh * MICRO), money)

    def give_back(self, lot: Lot, account: str, quantity: float, week: int, station: str) -> None:
        """Return material from a lot to the store, at the lot's own average cost of it.

        Raises
        ------
        ValueError
            If the lot does not hold that much.
        """
        carried = self._carried.get(lot.identity)
        index = self._accounts[account][0] if account in self._accounts else -1
        q = round(quantity * MICRO)
        if carried is None or index < 0 or not 0 <= q <= carried.quantities[index]:
            raise ValueError(f"{station}: lot {lot.identity} has no {quantity:g} of '{account}' to give back")
        if q == 0:
            return
        money = int(carried.money[index]) * q // int(carried.quantities[index])
        carried.quantities[index] -= q
        carried.money[index] -= money
        carried.total -= money
        lot.value_usd = carried.total / MICRO
        self._hold_one(index, q, money, week, Holding.RETURNED)
        self._note(week, station, Holding.RETURNED, account, 0, 0, money)

    def carried(self, lot: Lot, unit: str) -> dict[str, float]:
        """What a lot holds of every account kept in `unit`."""
        own = self._carried.get(lot.identity)
        if own is None:
            return {}
        return {
            account: float(own.quantities[index]) / MICRO
            for account, (index, kept_in) in self._accounts.items()
            if kept_in == unit and own.quantities[index]
        }

    def pass_on(self, parents: Sequence[Lot], children: Sequence[Lot], weights: Sequence[int] | None = None) -> None:
        """Hand the value of `parents` to the lots made of them, in proportion to `weights` (default: equal).

        Used where lots merge (winding), split (slitting) or take a new identity. A parent that lives on may be one
        of the children. Weights are whole numbers (rows, or mm of web) so that the division is exact.

        Raises
        ------
        ValueError
            If there are no children, or the weights do not match them or add up to nothing.
        """
        shares = [1] * len(children) if weights is None else list(weights)
        whole = sum(shares)
        if not children or len(shares) != len(children) or whole <= 0 or min(shares) < 0:
            raise ValueError(f"{len(children)} children cannot share by weights {shares}")
        pool = self._nothing()
        for parent in parents:
            carried = self._carried.pop(parent.identity, None)
            if carried is not None:
                carried.give(pool)
                parent.value_usd = 0.0
        for child, share in zip(children, shares, strict=True):
            own = self._carried.get(child.identity)
            if own is None:
                own = self._carried[child.identity] = self._nothing()
            pool.give(own, share, max(whole, 1))
            whole -= share
            child.value_usd = own.total / MICRO

    # ---- views ----------------------------------------------------------------------------------------------

    @property
    def units(self) -> dict[str, str]:
        """Unit of each account, in the order the accounts were opened."""
        return {account: unit for account, (_, unit) in self._accounts.items()}

    @property
    def open_lots(self) -> frozenset[int]:
        """Identities of the lots that carry value: exactly those still in the line."""
        return frozenset(self._carried)

    def debited(self, week: int, station: str, account: str) -> tuple[float, float]:
        """Quantity and usd posted to one account at one station in one week; zeros where there is nothing."""
        q, money = self._debits.get((week, station), {}).get(account, (0, 0))
        return q / MICRO, money / MICRO

    def debits(self) -> Iterator[Debit]:
        """All cost, by week, station and account (the rows of `ledger.parquet`)."""
        for (week, station), sums in sorted(self._debits.items()):
            for account, (q, money) in sums.items():
                yield Debit(week, station, account, q / MICRO, self._accounts[account][1], money / MICRO)

    def releases(self) -> Iterator[Release]:
        """All value that has left work in progress (or never was in it), by week, station, holding and reason."""
        for (week, station, holding, reason), (rows, energy, money) in sorted(self._releases.items()):
            yield Release(week, station, holding, reason, rows, energy / MICRO, money / MICRO)

    def held(self) -> Iterator[tuple[int, Holding, str, float, float]]:
        """What each holding received: week, holding, account, quantity, usd."""
        names = list(self._accounts)
        for week, holding in sorted(self._held):
            for name, q, money in zip(names, *self._held[week, holding].amounts.tolist(), strict=True):
                if q or money:
                    yield week, holding, name, q / MICRO, money / MICRO

    def work_in_progress(self) -> dict[str, tuple[float, float]]:
        """Quantity and usd that the open lots carry now, by account."""
        return {
            account: (
                sum(int(carried.quantities[index]) for carried in self._carried.values()) / MICRO,
                sum(int(carried.money[index]) for carried in self._carried.values()) / MICRO,
            )
            for account, (index, _) in self._accounts.items()
        }

    def balance(self) -> Balance:
        """Debited less held, for money, every material and energy. Exact: integers until the last division."""
        names = list(self._accounts)
        left = np.zeros((2, len(names)), np.int64)
        for sums in self._debits.values():
            for account, (q, money) in sums.items():
                index = self._accounts[account][0]
                left[:, index] += q, money
        for carried in (*self._held.values(), *self._carried.values()):
            left -= carried.amounts
        q_left, money_left = left.tolist()
        # Absolute values: a shortfall in one account must not hide a surplus in another.
        units = self.units
        return Balance(
            money_usd=sum(map(abs, money_left)) / MICRO,
            mass={name: q_left[i] / MICRO for i, name in enumerate(names) if units[name] in MASS_UNITS},
            energy_kwh=sum(abs(q_left[i]) for i, name in enumerate(names) if units[name] == ENERGY_UNIT) / MICRO,
        )

    # ---- inside ---------------------------------------------------------------------------------------------

    def _open(self, account: str, unit: str) -> tuple[int, str]:
        """Open an account, or refuse a second unit for it; every list by account grows by one place."""
        if account in self._accounts:
            raise ValueError(f"account '{account}' is kept in {self._accounts[account][1]}, not in {unit}")
        known = self._accounts[account] = (len(self._accounts), unit)
        for carried in (*self._carried.values(), *self._held.values()):
            carried.open_account()
        return known

    def _debit(
        self, week: int, station: str, account: str, quantity: float, unit: str, usd: float
    ) -> tuple[int, int, int]:
        known = self._accounts.get(account)
        if known is None or known[1] != unit:
            known = self._open(account, unit)
        try:
            q = round(quantity * MICRO)
            money = round(usd * MICRO)
        except (ValueError, OverflowError) as error:
            raise ValueError(_not_finite(station, account, quantity, usd)) from error
        cell = self._debits.setdefault((week, station), {}).setdefault(account, [0, 0])
        cell[0] += q
        cell[1] += money
        if self.rows is not None:
            self.rows.append((week, station, account, quantity, unit, usd))
        return known[0], q, money

    def _nothing(self) -> _Carried:
        return _Carried(np.zeros((2, len(self._accounts)), np.int64), 0)

    def _holder(self, week: int, holding: Holding) -> _Carried:
        held = self._held.get((week, holding))
        if held is None:
            held = self._held[week, holding] = self._nothing()
        return held

    def _hold_one(self, index: int, quantity: int, money: int, week: int, holding: Holding) -> None:
        held = self._holder(week, holding)
        held.amounts[:, index] += quantity, money
        held.total += money

    def _note(self, week: int, station: str, holding: Holding, reason: str, rows: int, energy: int, money: int) -> None:
        key = (week, station, holding, reason)
        sums = self._releases.get(key)
        if sums is None:
            self._releases[key] = [rows, energy, money]
        else:
            sums[0] += rows
            sums[1] += energy
            sums[2] += money

    def _share_out(self, lot: Lot, rows: int, of: int, week: int) -> int:
        """Move the share `rows` / `of` of a lot's value to scrap; tell how much money that is."""
        carried = self._carried.get(lot.identity)
        if carried is None:
            return 0
        # Rounded down; the remainder of less than a micro-unit stays on the rows that live.
        money = carried.give(self._holder(week, Holding.SCRAP), rows, of)
        lot.value_usd = carried.total / MICRO
        return money

    def _release(self, lot: Lot, week: int, holding: Holding) -> int:
        """Close a lot: all its value goes to a holding; tell how much money that is."""
        lot.value_usd = 0.0
        carried = self._carried.pop(lot.identity, None)
        return 0 if carried is None else carried.give(self._holder(week, holding))


def _not_finite(station: str, account: str, quantity: float, usd: float) -> str:
    return f"{station}: a posting to '{account}' must be finite, not {quantity} and {usd} usd"
