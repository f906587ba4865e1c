"""The ledger: every cost is posted once, carried as value in exactly one place, and balances to the last micro-unit.

Double entry. A posting debits a cost account (materials.nmc811, labour, electricity, capital ...) at a week and a
station, and at the same time raises the value of one *holding*. Value in work in progress sits on a lot and later
leaves it for good: as finished goods, as qualification product, as scrap, or back to the store. Nothing else can
happen to a dollar, a kilogram or a kilowatt-hour, so

    debited  =  finished_good + qualification + scrap + returned + idle_capacity + expensed + work in progress

holds for money and for the quantity of every account. Amounts are integers of one millionth of their unit
(micro-dollars, milligrams of a kg, milliwatt-hours of a kWh): each posting is rounded once, on entry, and everything
after that is exact, however many postings there are and whatever order they came in.

The income side stands beside it: what is earned (`earn`: sales, tax credits, material sold to recyclers) is dated when
it is earned and again when it is paid, so that

    earned  =  received + still owed

and no more energy is sold than was finished for sale.

Only sums are kept (per week, place, product and account), so memory does not grow with the number of lots that have
left. A place is a station, or a machine in its chain ("assembly.weld"); costs that no product caused have product "".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.core.postings import (
    ENERGY_UNIT,
    FORMS,
    MASS_UNITS,
    SALES,
    Balance,
    Debit,
    Entry,
    Held,
    Holding,
    Income,
    Posting,
    Release,
)

__all__ = [
    "ENERGY_UNIT", "FORMS", "MASS_UNITS", "MICRO", "SALES",
    "Balance", "Debit", "Entry", "Held", "Holding", "Income", "Ledger", "Posting", "Release",
]  # fmt: skip

MICRO = 1_000_000
"""Integer steps per unit (dollar, kg, m2, piece, h, kWh)."""


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


class _Sum:
    """What has been posted to one account, in micro-units."""

    __slots__ = ("index", "money", "quantity", "unit")

    def __init__(self, index: int, unit: str) -> None:
        self.index = index
        self.unit = unit
        self.quantity = self.money = 0


_HoldingKey = tuple[int, Holding, str, str, str]
"""week, holding, product, form, place"""
_ReleaseKey = tuple[int, str, str, Holding, str, str]
"""week, place, product, holding, reason, form"""


class Ledger:
    """Postings of one run.

    Parameters
    ----------
    on_posting : callable, optional
        Told every single posting of cost, for tracing a dollar; the ledger itself keeps sums only.
    """

    def __init__(self, on_posting: Callable[[Posting], None] | None = None) -> None:
        from cellfab.kernels.sharing import hand_over

        self._hand_over = hand_over
        self._on_posting = on_posting
        self._accounts: dict[str, tuple[int, str]] = {}
        self._debits: dict[tuple[int, str, str], dict[str, _Sum]] = {}
        self._carried: dict[int, _Carried] = {}
        self._held: dict[_HoldingKey, _Carried] = {}
        self._releases: dict[_ReleaseKey, list[int]] = {}
        self._products: dict[str, None] = {"": None}
        self._incomes: dict[tuple[int, str, str, str], list[int]] = {}
        self._income_units: dict[str, str] = {}
        self._received: dict[int, int] = {}

    # ---- postings -------------------------------------------------------------------------------------------

    def charge(
        self, week: int, place: str, account: str, quantity: float, unit: str, usd: float,
        holding: Holding = Holding.EXPENSED,
    ) -> None:  # fmt: skip
        """Post a cost that no lot carries: expensed at once, or idle capacity.

        Raises
        ------
        ValueError
            If the account was opened with another unit, an amount is not finite, or the quantity is negative. Idle
            capacity may be negative: a station that works more than normally is paid for more than it costs.
        """
        if quantity < 0.0 and holding is not Holding.IDLE_CAPACITY:
            raise ValueError(_negative(place, account, quantity))
        index, q, money = self._debit(week, place, account, quantity, unit, usd)
        self._hold_one(index, q, money, (week, holding, "", "", place))
        self._note((week, place, "", holding, account, ""), 0, 0, money)

    def charge_lot(self, lot: Lot, week: int, place: str, entries: Iterable[Entry]) -> None:
        """Post what a lot used at a place, each entry (account, quantity, unit, usd), and add it to the lot's value.

        Raises
        ------
        ValueError
            If an account was opened with another unit, an amount is not finite, or a quantity is negative.
        """
        carried = self._carried.get(lot.identity)
        if carried is None:
            carried = self._carried[lot.identity] = self._nothing()
        # NOTE: `_debit` is written out here: this is the one call that every lot makes at every station.
        product = lot.product
        sums = self._debits.get((week, place, product))
        if sums is None:
            sums = self._debits[week, place, product] = {}
            self._products[product] = None
        on_posting = self._on_posting
        quantities, moneys = carried.quantities, carried.money
        for account, quantity, unit, usd in entries:
            posted = sums.get(account)
            index = self._index(account, unit) if posted is None or posted.unit != unit else posted.index
            try:
                q = round(quantity * MICRO)
                money = round(usd * MICRO)
            except (ValueError, OverflowError) as error:
                raise ValueError(_not_finite(place, account, quantity, usd)) from error
            if q < 0:
                raise ValueError(_negative(place, account, quantity))
            if posted is None:
                posted = sums[account] = _Sum(index, unit)
                quantities, moneys = carried.quantities, carried.money  # others if the account is new
            posted.quantity += q
            posted.money += money
            quantities[index] += q
            moneys[index] += money
            carried.total += money
            if on_posting is not None:
                on_posting((week, place, product, lot.identity, account, quantity, unit, usd))
        lot.value_usd = carried.total / MICRO

    def scrap(self, lot: Lot, rows: int, of: int, week: int, place: str, cause: str) -> None:
        """Throw away `rows` of the `of` rows that were alive: their share of the lot's value becomes scrap.

        Call it with the number alive *before* the rows were scrapped; when all of them go, the lot is closed.

        Raises
        ------
        ValueError
            Unless 0 <= rows <= of.
        """
        self.scrap_each(lot, [(cause, rows)], of, week, place)

    def scrap_each(self, lot: Lot, losses: Sequence[tuple[str, int]], of: int, week: int, place: str) -> None:
        """`scrap` for several causes at once: pairs of cause and rows, together at most the `of` that were alive."""
        rows = 0
        for _, lost in losses:
            rows += lost
        if not 0 <= rows <= of:
            raise ValueError(f"{place}: {rows} rows scrapped of {of} alive")
        if rows == 0:
            return
        product, form = lot.product, FORMS[lot.material == "cell"]
        to = (week, Holding.SCRAP, product, form, place)
        money = self._release(lot, to) if rows == of else self._share_out(lot, rows, of, to)
        for cause, lost in losses:
            part = money * lost // rows if lost else 0
            self._note((week, place, product, Holding.SCRAP, cause, form), lost, 0, part)
            money -= part
            rows -= lost

    def finish(self, lot: Lot, rows: int, energy_kwh: float, week: int, place: str) -> None:
        """Close a lot of `rows` good cells that store `energy_kwh`: finished goods if sellable, else qualification."""
        holding = Holding.FINISHED_GOOD if lot.sellable else Holding.QUALIFICATION
        money = self._release(lot, (week, holding, lot.product, "", place))
        self._note((week, place, lot.product, holding, lot.product, ""), rows, round(energy_kwh * MICRO), money)

    def earn(
        self, week: int, place: str, account: str, product: str, quantity: float, unit: str, usd: float,
        paid_week: int | None = None,
    ) -> None:  # fmt: skip
        """Book income: sales, a tax credit, material sold to a recycler. A disposal that must be paid for is negative.

        Parameters
        ----------
        place : str
            Where it was earned: a sink, a station, or "plant".
        product : str
            "" where no single product earned it.
        quantity : float
            Of what was sold or credited, in `unit`.
        paid_week : int, optional
            When the money arrives; default: at once. Later weeks may lie after the end of the run.

        Raises
        ------
        ValueError
            If the account was opened with another unit, an amount is not finite, the quantity is negative, or it is
            paid before it is earned.
        """
        if self._income_units.setdefault(account, unit) != unit:
            raise ValueError(f"income '{account}' is kept in {self._income_units[account]}, not in {unit}")
        if quantity < 0.0:
            raise ValueError(_negative(place, account, quantity))
        paid = week if paid_week is None else paid_week
        if paid < week:
            raise ValueError(f"{place}: '{account}' of week {week} cannot be paid in week {paid}")
        try:
            q, money = round(quantity * MICRO), round(usd * MICRO)
        except (ValueError, OverflowError) as error:
            raise ValueError(_not_finite(place, account, quantity, usd)) from error
        sums = self._incomes.setdefault((week, place, account, product), [0, 0])
        sums[0] += q
        sums[1] += money
        self._received[paid] = self._received.get(paid, 0) + money

    def give_back(self, lot: Lot, account: str, quantity: float, week: int, place: str) -> None:
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
            raise ValueError(f"{place}: lot {lot.identity} has no {quantity:g} of '{account}' to give back")
        if q == 0:
            return
        money = int(carried.money[index]) * q // int(carried.quantities[index])
        carried.quantities[index] -= q
        carried.money[index] -= money
        carried.total -= money
        lot.value_usd = carried.total / MICRO
        self._hold_one(index, q, money, (week, Holding.RETURNED, lot.product, "", place))
        self._note((week, place, lot.product, Holding.RETURNED, account, ""), 0, 0, money)

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
                self._give(carried, pool)
                parent.value_usd = 0.0
        for child, share in zip(children, shares, strict=True):
            own = self._carried.get(child.identity)
            if own is None:
                own = self._carried[child.identity] = self._nothing()
            self._give(pool, own, share, max(whole, 1))
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

    def debited(self, week: int, place: str, account: str) -> tuple[float, float]:
        """Quantity and usd posted to one account at one place in one week, by all products; else zeros."""
        q = money = 0
        for product in self._products:
            posted = self._debits.get((week, place, product), {}).get(account)
            if posted is not None:
                q += posted.quantity
                money += posted.money
        return q / MICRO, money / MICRO

    def debits(self) -> Iterator[Debit]:
        """All cost, by week, place, product and account (the rows of `ledger.parquet`)."""
        for (week, place, product), sums in sorted(self._debits.items()):
            for account, posted in sums.items():
                yield Debit(
                    week, place, product, account, posted.quantity / MICRO, posted.unit, posted.money / MICRO
                )  # fmt: skip

    def releases(self, holding: Holding | None = None) -> Iterator[Release]:
        """All value that has left work in progress (or never was in it), by week, place, product and so on.

        With `holding` only what went there.
        """
        found = self._releases.items() if holding is None else [r for r in self._releases.items() if r[0][3] is holding]
        for key, (rows, energy, money) in sorted(found):
            yield Release(*key, rows, energy / MICRO, money / MICRO)

    def held(self) -> Iterator[Held]:
        """What each holding received, by week, holding, product, form and account, over all places."""
        summed: dict[tuple[int, Holding, str, str], npt.NDArray[np.int64]] = {}
        for key in sorted(self._held):
            amounts = self._held[key].amounts
            before = summed.get(key[:4])
            summed[key[:4]] = amounts if before is None else before + amounts
        for (week, holding, product, form), amounts in summed.items():
            for account, quantity, unit, usd in self._amounts(amounts):
                yield Held(week, holding, product, form, account, quantity, unit, usd)

    def held_at(self, holding: Holding) -> Iterator[tuple[str, Held]]:
        """What one holding received, with the place where it did."""
        for week, kind, product, form, place in sorted(self._held):
            if kind is holding:
                amounts = self._held[week, kind, product, form, place].amounts
                for account, quantity, unit, usd in self._amounts(amounts):
                    yield place, Held(week, kind, product, form, account, quantity, unit, usd)

    def _amounts(self, amounts: npt.NDArray[np.int64]) -> Iterator[Entry]:
        for (name, (_, unit)), q, money in zip(self._accounts.items(), *amounts.tolist(), strict=True):
            if q or money:
                yield name, q / MICRO, unit, money / MICRO

    def incomes(self) -> Iterator[Income]:
        """All income, by week, place, account and product (the rows of `incomes.parquet`)."""
        for (week, place, account, product), (q, money) in sorted(self._incomes.items()):
            yield Income(week, place, account, product, q / MICRO, self._income_units[account], money / MICRO)

    def received(self) -> Iterator[tuple[int, float]]:
        """Money that income brings, usd, by the week in which it is paid."""
        for week, money in sorted(self._received.items()):
            yield week, money / MICRO

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
            for posted in sums.values():
                left[:, posted.index] += posted.quantity, posted.money
        for carried in (*self._held.values(), *self._carried.values()):
            left -= carried.amounts
        q_left, money_left = left.tolist()
        earned = sum(money for _, money in self._incomes.values())
        sold = sum(q for (_, _, account, _), (q, _) in self._incomes.items() if account == SALES)
        finished = sum(
            energy for (_, _, _, holding, *_), (_, energy, _) in self._releases.items()
            if holding is Holding.FINISHED_GOOD
        )  # fmt: skip
        # Absolute values: a shortfall in one account must not hide a surplus in another.
        units = self.units
        return Balance(
            money_usd=sum(map(abs, money_left)) / MICRO,
            mass={name: q_left[i] / MICRO for i, name in enumerate(names) if units[name] in MASS_UNITS},
            energy_kwh=sum(abs(q_left[i]) for i, name in enumerate(names) if units[name] == ENERGY_UNIT) / MICRO,
            income_usd=(earned - sum(self._received.values())) / MICRO,
            sold_kwh=max(0, sold - finished) / MICRO,
        )

    # ---- inside ---------------------------------------------------------------------------------------------

    def _index(self, account: str, unit: str) -> int:
        """Number of an account; a new one is opened (all arrays by account grow by one), another unit is refused."""
        known = self._accounts.get(account)
        if known is None:
            known = self._accounts[account] = (len(self._accounts), unit)
            for carried in (*self._carried.values(), *self._held.values()):
                carried.open_account()
        elif known[1] != unit:
            raise ValueError(f"account '{account}' is kept in {known[1]}, not in {unit}")
        return known[0]

    def _debit(
        self, week: int, place: str, account: str, quantity: float, unit: str, usd: float
    ) -> tuple[int, int, int]:
        index = self._index(account, unit)
        try:
            q = round(quantity * MICRO)
            money = round(usd * MICRO)
        except (ValueError, OverflowError) as error:
            raise ValueError(_not_finite(place, account, quantity, usd)) from error
        posted = self._debits.setdefault((week, place, ""), {}).setdefault(account, _Sum(index, unit))
        posted.quantity += q
        posted.money += money
        if self._on_posting is not None:
            self._on_posting((week, place, "", 0, account, quantity, unit, usd))
        return index, q, money

    def _nothing(self) -> _Carried:
        return _Carried(np.zeros((2, len(self._accounts)), np.int64), 0)

    def _holder(self, key: _HoldingKey) -> _Carried:
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = self._nothing()
        return held

    def _give(self, giver: _Carried, taker: _Carried, share: int = 1, whole: int = 1) -> int:
        """Hand over the share `share` / `whole` of every amount, rounded down; tell how much money that is."""
        money = int(self._hand_over(giver.amounts, taker.amounts, share, whole))
        giver.total -= money
        taker.total += money
        return money

    def _hold_one(self, index: int, quantity: int, money: int, to: _HoldingKey) -> None:
        held = self._holder(to)
        held.amounts[:, index] += quantity, money
        held.total += money

    def _note(self, key: _ReleaseKey, rows: int, energy: int, money: int) -> None:
        sums = self._releases.get(key)
        if sums is None:
            self._releases[key] = [rows, energy, money]
        else:
            sums[0] += rows
            sums[1] += energy
            sums[2] += money

    def _share_out(self, lot: Lot, rows: int, of: int, to: _HoldingKey) -> int:
        """Move the share `rows` / `of` of a lot's value to a holding; tell how much money that is."""
        carried = self._carried.get(lot.identity)
        if carried is None:
            return 0
        # Rounded down; the remainder of less than a micro-unit stays on the rows that live.
        money = self._give(carried, self._holder(to), rows, of)
        lot.value_usd = carried.total / MICRO
        return money

    def _release(self, lot: Lot, to: _HoldingKey) -> int:
        """Close a lot: all its value goes to a holding; tell how much money that is."""
        lot.value_usd = 0.0
        carried = self._carried.pop(lot.identity, None)
        return 0 if carried is None else self._give(carried, self._holder(to))


def _not_finite(place: str, account: str, quantity: float, usd: float) -> str:
    return f"{place}: a posting to '{account}' must be finite, not {quantity} and {usd} usd"


def _negative(place: str, account: str, quantity: float) -> str:
    return f"{place}: a posting to '{account}' cannot be of {quantity:g}: quantities are not negative"
