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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from cellfab.core.bills import Bill, Line
from cellfab.core.lot import Lot
from cellfab.core.pages import MICRO, Carried, Pages
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
from cellfab.kernels import AtFirstUse

billing = AtFirstUse("billing")
sharing = AtFirstUse("sharing")

__all__ = [
    "ENERGY_UNIT", "FORMS", "MASS_UNITS", "MICRO", "SALES",
    "Balance", "Debit", "Entry", "Held", "Holding", "Income", "Ledger", "Posting", "Release",
]  # fmt: skip

_ONCE = np.ones(1)
"""Counts of a bill that is made for one lot."""


class Ledger(Pages):
    """Postings of one run.

    Parameters
    ----------
    on_posting : callable, optional
        Told every single posting of cost, for tracing a dollar; the ledger itself keeps sums only.
    """

    def __init__(self, on_posting: Callable[[Posting], None] | None = None) -> None:
        super().__init__()
        self._on_posting = on_posting
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
        number = self._number(account, unit)
        try:
            q, money = round(quantity * MICRO), round(usd * MICRO)
        except (ValueError, OverflowError) as error:
            raise ValueError(_not_finite(place, account, quantity, usd)) from error
        if max(abs(q), abs(money)) >= billing.LARGEST:
            raise ValueError(_not_finite(place, account, quantity, usd))
        page = self._page(week, place, "")
        page.accounts[number] = None
        holder = self._holder(page, holding)
        for amounts in (page.sums, holder.amounts):
            amounts[0, number] += q
            amounts[1, number] += money
        holder.total += money
        holder.note(account, 0, 0, money)
        if self._on_posting is not None:
            self._on_posting((week, place, "", 0, account, quantity, unit, usd))

    def bill(self, place: str, product: str, lines: Sequence[Line], weeks: int) -> Bill:
        """Make a bill for lots of a product at a place, with prices of so many weeks; its accounts are opened.

        Raises
        ------
        ValueError
            If an account was opened with another unit.
        """
        return Bill(place, product, [self._number(line.account, line.unit) for line in lines], lines, weeks)

    def charge_bill(self, lot: Lot, week: int, bill: Bill, counts: npt.NDArray[np.float64], priced: int) -> None:
        """Post what a bill comes to for a lot, and add it to the lot's value.

        Parameters
        ----------
        counts : shape (c,)
            What the lot is counted by.
        priced : int
            Week whose prices it pays.

        Raises
        ------
        ValueError
            If an amount is not finite, or a quantity is negative.
        """
        page = bill.pages.get(week)
        if page is None:
            page = bill.pages[week] = self._page(week, bill.place, bill.product)
            page.accounts.update(dict.fromkeys(bill.lines[0].tolist()))
        carried = self._carried.get(lot.identity)
        if carried is None:
            carried = self._carried[lot.identity] = self._nothing()
        money = billing.charge(bill.lines, bill.rates[priced], counts, bill.amounts, page.sums, carried.amounts)
        if money == billing.REFUSED:
            raise self._refusal(bill)
        carried.total += money
        lot.value_usd = carried.total / MICRO
        if self._on_posting is not None:
            for (account, unit), quantity, usd in zip(bill.entries, *bill.amounts.tolist(), strict=True):
                self._on_posting((week, bill.place, bill.product, lot.identity, account, quantity, unit, usd))

    def charge_lot(self, lot: Lot, week: int, place: str, entries: Iterable[Entry]) -> None:
        """Post what a lot used at a place once, each entry (account, quantity, unit, usd): a bill of its own.

        Raises
        ------
        ValueError
            If an account was opened with another unit, an amount is not finite, or a quantity is negative.
        """
        lines = [Line(account, unit, 0, quantity, usd) for account, quantity, unit, usd in entries]
        self.charge_bill(lot, week, self.bill(place, lot.product, lines, 1), _ONCE, 0)

    def scrap(self, lot: Lot, rows: int, of: int, week: int, place: str, cause: str) -> None:
        """Throw away `rows` of the `of` rows that were alive: their share of the lot's value becomes scrap.

        Call it with the number alive *before* the rows were scrapped; when all of them go, the lot is closed.

        Raises
        ------
        ValueError
            Unless 0 <= rows <= of.
        """
        self.scrap_each(lot, [(cause, rows)], of, week, place)

    def scrap_each(self, lot: Lot, losses: Sequence[tuple[str, int]], of: int, week: int, place: str) -> int:
        """`scrap` for several causes at once: pairs of cause and rows, together at most the `of` that were alive.

        Returns
        -------
        int
            Rows scrapped in all.
        """
        rows = 0
        for _, lost in losses:
            rows += lost
        left = rows
        if not 0 <= rows <= of:
            raise ValueError(f"{place}: {rows} rows scrapped of {of} alive")
        if rows == 0:
            return 0
        holder = self._holder(self._page(week, place, lot.product), Holding.SCRAP, FORMS[lot.material == "cell"])
        money = 0
        carried = self._carried.get(lot.identity)
        if carried is not None:
            # Rounded down; the remainder of less than a micro-unit stays on the rows that live.
            money = sharing.hand_over(carried.amounts, holder.amounts, rows, of)
            carried.total -= money
            holder.total += money
            lot.value_usd = carried.total / MICRO
            if rows == of:
                del self._carried[lot.identity]
        for cause, lost in losses:
            part = money * lost // left if lost else 0
            holder.note(cause, lost, 0, part)
            money -= part
            left -= lost
        return rows

    def finish(self, lot: Lot, rows: int, energy_kwh: float, week: int, place: str) -> None:
        """Close a lot of `rows` good cells that store `energy_kwh`: finished goods if sellable, else qualification."""
        holding = Holding.FINISHED_GOOD if lot.sellable else Holding.QUALIFICATION
        holder = self._holder(self._page(week, place, lot.product), holding)
        carried = self._carried.pop(lot.identity, None)
        money = 0 if carried is None else self._give(carried, holder)
        lot.value_usd = 0.0
        holder.note(lot.product, rows, round(energy_kwh * MICRO), money)

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

    def give_back(self, lot: Lot, quantities: Mapping[str, float], week: int, place: str) -> None:
        """Return materials, by account, from a lot to the store, at the lot's own average cost of each.

        Raises
        ------
        ValueError
            If the lot does not hold that much.
        """
        carried = self._carried.get(lot.identity)
        holder = self._holder(self._page(week, place, lot.product), Holding.RETURNED)
        for account, quantity in quantities.items():
            known = self._accounts.get(account)
            there, worth = (0, 0) if carried is None or known is None else carried.amounts[:, known[0]].tolist()
            q = round(quantity * MICRO)
            if carried is None or known is None or not 0 <= q <= there:
                raise ValueError(f"{place}: lot {lot.identity} has no {quantity:g} of '{account}' to give back")
            if q:
                money = worth * q // there
                carried.amounts[:, known[0]] = there - q, worth - money
                holder.amounts[:, known[0]] += q, money
                carried.total -= money
                holder.total += money
                lot.value_usd = carried.total / MICRO
                holder.note(account, 0, 0, money)

    def carried(self, lot: Lot, unit: str) -> dict[str, float]:
        """What a lot holds of every account kept in `unit`."""
        own = self._carried.get(lot.identity)
        if own is None:
            return {}
        quantities = own.amounts[0].tolist()
        return {
            account: quantities[number] / MICRO
            for account, (number, kept_in) in self._accounts.items()
            if kept_in == unit and quantities[number]
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
        pool = self._pooled(parents)
        if len(children) == 1 and children[0].identity not in self._carried:
            self._carried[children[0].identity] = pool
            children[0].value_usd = pool.total / MICRO
            return
        for child, share in zip(children, shares, strict=True):
            own = self._carried.get(child.identity)
            if own is None:
                own = self._carried[child.identity] = self._nothing()
            self._give(pool, own, share, max(whole, 1))
            whole -= share
            child.value_usd = own.total / MICRO

    # ---- views ----------------------------------------------------------------------------------------------

    def incomes(self) -> Iterator[Income]:
        """All income, by week, place, account and product (the rows of `incomes.parquet`)."""
        for (week, place, account, product), (q, money) in sorted(self._incomes.items()):
            yield Income(week, place, account, product, q / MICRO, self._income_units[account], money / MICRO)

    def received(self) -> Iterator[tuple[int, float]]:
        """Money that income brings, usd, by the week in which it is paid."""
        for week, money in sorted(self._received.items()):
            yield week, money / MICRO

    def balance(self) -> Balance:
        """Debited less held, for money, every material and energy. Exact: integers until the last division."""
        names = list(self._accounts)
        left = self._nothing().amounts
        for page in self._pages.values():
            left += page.sums
            for held in page.held.values():
                left -= held.amounts
        for carried in self._carried.values():
            left -= carried.amounts
        q_left, money_left = left.tolist()
        earned = sum(money for _, money in self._incomes.values())
        sold = sum(q for (_, _, account, _), (q, _) in self._incomes.items() if account == SALES)
        finished = sum(
            energy
            for page in self._pages.values()
            for (holding, _), holder in page.held.items()
            if holding is Holding.FINISHED_GOOD
            for _, energy, _ in holder.reasons.values()
        )
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

    def _give(self, giver: Carried, taker: Carried, share: int = 1, whole: int = 1) -> int:
        """Hand over the share `share` / `whole` of every amount, rounded down; tell how much money that is."""
        money: int = sharing.hand_over(giver.amounts, taker.amounts, share, whole)
        giver.total -= money
        taker.total += money
        return money

    def _pooled(self, lots: Sequence[Lot]) -> Carried:
        """Take from lots all that they carry; the first one's holder is made to hold it."""
        pool = None
        for lot in lots:
            carried = self._carried.pop(lot.identity, None)
            if carried is not None:
                lot.value_usd = 0.0
                if pool is None:
                    pool = carried
                else:
                    self._give(carried, pool)
        return self._nothing() if pool is None else pool

    def _refusal(self, bill: Bill) -> ValueError:
        """What is wrong with the first line of a bill that cannot be posted."""
        for (account, _), quantity, usd in zip(bill.entries, *bill.amounts.tolist(), strict=True):
            if not (abs(quantity * MICRO) < billing.LARGEST and abs(usd * MICRO) < billing.LARGEST):
                return ValueError(_not_finite(bill.place, account, quantity, usd))
            if quantity * MICRO < -0.5:
                return ValueError(_negative(bill.place, account, quantity))
        raise AssertionError("every line can be posted")


def _not_finite(place: str, account: str, quantity: float, usd: float) -> str:
    return f"{place}: a posting to '{account}' must be finite, not {quantity} and {usd} usd"


def _negative(place: str, account: str, quantity: float) -> str:
    return f"{place}: a posting to '{account}' cannot be of {quantity:g}: quantities are not negative"
