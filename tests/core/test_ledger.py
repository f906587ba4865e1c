"""Every dollar, kilogram and kilowatt-hour is somewhere, once."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellfab.core.bills import AMOUNT, LINE_BEFORE, UNIT_HOURS, Line
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot

PRICES = (8.0, 10.0, 12.0)
LINES = (
    Line("labour", "h", UNIT_HOURS, 0.5, 20.0),
    Line("electricity", "kWh", UNIT_HOURS, 100.0, price=(0.08, 0.1, 0.12)),
    Line("materials.lfp", "kg", AMOUNT, 2.0, price=PRICES),
    Line("tariff.lfp", "usd", LINE_BEFORE, price=(0.0, 0.25, 0.5)),
)
"""The bill of a station, for three weeks."""
ENTRIES = (
    ("labour", 1.1, "h", 44.0),
    ("electricity", 12.5, "kWh", 1.0),
    ("materials.lfp", 2000.0, "kg", 16_000.0),
)


def test_one_lot_from_charge_to_sale():
    ledger = Ledger()
    lot = Lot(7, n=100, product="ess", material="cell")
    ledger.charge_lot(lot, 0, "mix", ENTRIES)
    assert lot.value_usd == 16_045.0
    ledger.scrap(lot, 25, 100, 1, "weld", "burn_through")
    assert lot.value_usd == 12_033.75
    ledger.finish(lot, 75, 4.65, 2, "grade")
    assert lot.value_usd == 0.0
    assert ledger.open_lots == frozenset()
    assert [tuple(release) for release in ledger.releases()] == [
        (1, "weld", "ess", Holding.SCRAP, "burn_through", "cell", 25, 0.0, 4011.25),
        (2, "grade", "ess", Holding.FINISHED_GOOD, "ess", "", 75, 4.65, 12_033.75),
    ]
    assert (1, Holding.SCRAP, "ess", "cell", "materials.lfp", 500.0, "kg", 4000.0) in list(ledger.held())
    assert ledger.balance().is_zero


def test_same_week_station_and_account_add_up_to_one_row():
    ledger = Ledger()
    for identity in range(1000):
        ledger.charge_lot(Lot(identity), 3, "calender", ENTRIES)
    assert {(debit.account, debit.quantity, debit.usd) for debit in ledger.debits()} == {
        ("labour", 1100.0, 44_000.0),
        ("electricity", 12_500.0, 1000.0),
        ("materials.lfp", 2e6, 16e6),
    }
    assert ledger.debited(3, "calender", "labour") == (1100.0, 44_000.0)
    assert ledger.debited(4, "calender", "labour") == (0.0, 0.0)


def test_who_asks_is_told_every_posting():
    rows = []
    ledger = Ledger(rows.append)
    ledger.charge_lot(Lot(1, product="ess"), 0, "mix", ENTRIES[:1])
    ledger.charge(0, "plant", "heat", 5.0, "kWh", 0.1)
    assert rows == [(0, "mix", "ess", 1, "labour", 1.1, "h", 44.0), (0, "plant", "", 0, "heat", 5.0, "kWh", 0.1)]


def test_a_bill_by_hand():
    rows = []
    ledger, lot = Ledger(rows.append), Lot(1, product="ess")
    bill = ledger.bill("coat", "ess", LINES, 3)
    ledger.charge_bill(lot, 7, bill, np.array([3.0, 1.0, 50.0, 10.0]), 1)
    wanted = [
        ("labour", 1.5, "h", 60.0),
        ("electricity", 300.0, "kWh", 30.0),
        ("materials.lfp", 20.0, "kg", 200.0),
        ("tariff.lfp", 200.0, "usd", 50.0),
    ]
    assert [tuple(debit) for debit in ledger.debits()] == [(7, "coat", "ess", *entry) for entry in wanted]
    assert rows == [(7, "coat", "ess", 1, *entry) for entry in wanted]
    assert lot.value_usd == 340.0
    ledger.charge_bill(lot, 7, bill, np.array([0.0, 1.0, 50.0, 1.0]), 2)
    assert ledger.debited(7, "coat", "tariff.lfp") == (224.0, 62.0)
    assert lot.value_usd == 376.0
    assert ledger.balance().is_zero


@given(st.lists(st.floats(0.0, 1e6), min_size=4, max_size=4), st.integers(0, 2))
def test_a_bill_is_rounded_as_its_entries_are(counts, week):
    """To the nearest micro-unit, half to even: as Python rounds."""
    hours, _, _, amount = counts
    value = amount * 2.0 * PRICES[week]
    entries = [
        ("labour", 0.5 * hours, "h", 20.0 * hours),
        ("electricity", 100.0 * hours, "kWh", 100.0 * hours * LINES[1].price[week]),
        ("materials.lfp", amount * 2.0, "kg", value),
        ("tariff.lfp", value, "usd", value * LINES[3].price[week]),
    ]
    ledger, lot = Ledger(), Lot(1)
    ledger.charge_bill(lot, 0, ledger.bill("s", "part", LINES, 3), np.array(counts), week)
    assert [(debit.quantity, debit.usd) for debit in ledger.debits()] == [
        (round(quantity * 1e6) / 1e6, round(usd * 1e6) / 1e6) for _, quantity, _, usd in entries
    ]
    assert lot.value_usd == sum(round(usd * 1e6) for *_, usd in entries) / 1e6


def test_more_accounts_than_there_was_room_for():
    ledger, early, late = Ledger(), Lot(1, n=4), Lot(2, n=4)
    ledger.charge_lot(early, 0, "a", ENTRIES)
    ledger.scrap(early, 1, 4, 0, "a", "x")
    many = [(f"materials.{number}", 1.0, "kg", 2.0) for number in range(200)]
    ledger.charge_lot(late, 0, "a", many)
    ledger.charge_lot(early, 0, "a", many[-1:])
    assert len(list(ledger.debits())) == 203
    assert ledger.debited(0, "a", "materials.199") == (2.0, 4.0)
    assert ledger.carried(early, "kg") == {"materials.lfp": 1500.0, "materials.199": 1.0}
    assert ledger.balance().is_zero


def test_a_million_postings_balance_to_the_last_micro_dollar():
    # 0.1 has no exact binary form: a float ledger drifts by about 1e-4 dollars here.
    ledger = Ledger()
    lot = Lot(1, n=1000)
    for _ in range(1000):
        ledger.charge_lot(lot, 0, "a", [("capital", 0.1, "usd", 0.1)] * 1000)
        ledger.scrap(lot, 1, 1000, 0, "a", "x")
    assert sum(debit.usd for debit in ledger.debits()) == 100_000.0
    assert ledger.balance().is_zero


def test_qualification_lot_is_not_a_finished_good():
    ledger = Ledger()
    lot = Lot(1, n=10, product="ess")
    lot.sellable = False
    ledger.charge_lot(lot, 0, "a", ENTRIES)
    ledger.finish(lot, 10, 0.62, 0, "grade")
    (release,) = ledger.releases()
    assert release.holding is Holding.QUALIFICATION
    assert release.usd == 16_045.0


def test_merge_and_split_hand_on_everything():
    ledger = Ledger()
    cathode, anode = Lot(1, n=10), Lot(2, n=10)
    ledger.charge_lot(cathode, 0, "a", [("materials.lfp", 10.0, "kg", 80.0)])
    ledger.charge_lot(anode, 0, "b", [("materials.graphite", 5.0, "kg", 25.01)])
    roll = Lot(3, n=30)
    ledger.pass_on([cathode, anode], [roll])
    assert (cathode.value_usd, anode.value_usd, roll.value_usd) == (0.0, 0.0, 105.01)
    trays = [Lot(4), Lot(5), Lot(6)]
    ledger.pass_on([roll], trays, [1, 1, 1])
    assert sum(round(tray.value_usd * 1e6) for tray in trays) == 105_010_000
    assert max(tray.value_usd for tray in trays) - min(tray.value_usd for tray in trays) <= 2.1e-6
    assert ledger.open_lots == {4, 5, 6}
    assert ledger.balance().is_zero


def test_a_parent_may_live_on():
    ledger = Ledger()
    parent, sample = Lot(1), Lot(2)
    ledger.charge_lot(parent, 0, "a", [("labour", 1.0, "h", 40.0)])
    ledger.pass_on([parent], [sample, parent], [1, 3])
    assert (sample.value_usd, parent.value_usd) == (10.0, 30.0)


def test_trim_goes_back_at_average_cost():
    ledger = Ledger()
    lot = Lot(1)
    ledger.charge_lot(lot, 0, "film", [("materials.lfp", 100.0, "kg", 800.0), ("labour", 1.0, "h", 40.0)])
    ledger.give_back(lot, {"materials.lfp": 6.0}, 0, "film")
    assert lot.value_usd == 792.0
    assert list(ledger.held()) == [(0, Holding.RETURNED, "part", "", "materials.lfp", 6.0, "kg", 48.0)]
    with pytest.raises(ValueError, match="to give back"):
        ledger.give_back(lot, {"materials.lfp": 94.1}, 0, "film")


def test_refusals():
    ledger = Ledger()
    lot = Lot(1, n=10)
    ledger.charge_lot(lot, 0, "a", ENTRIES)
    with pytest.raises(ValueError, match="kept in kg, not in m2"):
        ledger.charge(0, "a", "materials.lfp", 1.0, "m2", 1.0)
    with pytest.raises(ValueError, match="must be finite"):
        ledger.charge_lot(lot, 0, "a", [("labour", float("nan"), "h", 1.0)])
    for usd in (float("inf"), 1e30):
        with pytest.raises(ValueError, match="must be finite"):
            ledger.charge(0, "a", "labour", 1.0, "h", usd)
        with pytest.raises(ValueError, match="a: a posting to 'electricity' must be finite"):
            ledger.charge_lot(lot, 0, "a", [("labour", 1.0, "h", 1.0), ("electricity", 1.0, "kWh", usd)])
    with pytest.raises(ValueError, match="kept in h, not in kWh"):
        ledger.bill("a", "part", [Line("labour", "kWh", UNIT_HOURS)], 1)
    assert lot.value_usd == 16_045.0
    with pytest.raises(ValueError, match=r"a: a posting to 'labour' cannot be of -1: quantities are not negative"):
        ledger.charge_lot(Lot(2), 0, "a", [("labour", -1.0, "h", 1.0)])
    with pytest.raises(ValueError, match="not negative"):
        ledger.charge(0, "a", "labour", -1.0, "h", 1.0)
    with pytest.raises(ValueError, match="11 rows scrapped of 10"):
        ledger.scrap(lot, 11, 10, 0, "a", "x")
    with pytest.raises(ValueError, match="cannot share"):
        ledger.pass_on([lot], [], None)
    assert ledger.balance().is_zero


def test_idle_capacity_may_be_negative():
    ledger = Ledger()
    ledger.charge(0, "a", "labour", -1.0, "h", -40.0, Holding.IDLE_CAPACITY)
    assert [debit.usd for debit in ledger.debits()] == [-40.0]


def test_what_is_earned_is_received_when_it_is_paid():
    ledger, lot = Ledger(), Lot(1, n=10, product="ess", material="cell")
    ledger.finish(lot, 10, 1.5, 3, "shipped")
    ledger.earn(3, "shipped", "sales", "ess", 1.0, "kWh", 80.0, 9)
    ledger.earn(3, "shipped", "sales", "ess", 0.5, "kWh", 40.0, 9)
    ledger.earn(3, "plant", "recycling.lfp", "", 10.0, "kg", -5.0)
    assert [tuple(income) for income in ledger.incomes()] == [
        (3, "plant", "recycling.lfp", "", 10.0, "kg", -5.0),
        (3, "shipped", "sales", "ess", 1.5, "kWh", 120.0),
    ]
    assert list(ledger.received()) == [(3, -5.0), (9, 120.0)]
    assert ledger.balance().is_zero
    ledger.earn(4, "shipped", "sales", "ess", 0.25, "kWh", 20.0)
    assert ledger.balance().sold_kwh == 0.25
    assert not ledger.balance().is_zero


def test_refusals_of_income():
    ledger = Ledger()
    ledger.earn(0, "plant", "credits.cell", "ess", 1.0, "kWh", 35.0)
    for income, message in (
        ((0, "plant", "credits.cell", "ess", 1.0, "kg", 35.0), "kept in kWh, not in kg"),
        ((0, "plant", "credits.cell", "ess", -1.0, "kWh", 35.0), "not negative"),
        ((0, "plant", "credits.cell", "ess", 1.0, "kWh", float("nan")), "must be finite"),
        ((2, "plant", "credits.cell", "ess", 1.0, "kWh", 35.0, 1), "of week 2 cannot be paid in week 1"),
    ):
        with pytest.raises(ValueError, match=message):
            ledger.earn(*income)
    assert ledger.balance().is_zero
    ledger._received[0] -= 1  # what a defect in the ledger would look like
    assert ledger.balance().income_usd == 1e-6


def test_balance_sees_a_lost_dollar():
    ledger = Ledger()
    ledger.charge_lot(Lot(1), 0, "a", ENTRIES)
    del ledger._carried[1]  # what a defect in the ledger would look like
    balance = ledger.balance()
    assert not balance.is_zero
    assert balance.money_usd == 16_045.0
    assert balance.mass == {"materials.lfp": 2000.0}
    assert balance.energy_kwh == 12.5


ACTIONS = st.sampled_from(["charge", "scrap", "finish", "qualify", "split", "merge", "trim", "period", "scrap_all"])


@settings(max_examples=settings().max_examples * 3 // 5)
@given(st.lists(ACTIONS, max_size=60), st.integers(0, 2**32))
def test_any_history_balances(actions, seed):
    """Whatever happens to lots, in any order, nothing is lost and values follow the open lots."""
    pick = random.Random(seed)
    ledger = Ledger()
    lots: list[Lot] = []
    names = iter(range(10_000))
    for week, action in enumerate(actions):
        lot = pick.choice(lots) if lots else None
        if action == "charge" or lot is None:
            if lot is None or pick.random() < 0.5:
                lot = Lot(next(names), n=pick.randint(1, 12_000))
                lots.append(lot)
            account, unit = pick.choice([("labour", "h"), ("electricity", "kWh"), ("materials.a", "kg"), ("b", "m2")])
            ledger.charge_lot(lot, week, "s", [(account, pick.uniform(0, 1e4), unit, pick.uniform(-10, 1e6))])
        elif action == "scrap":
            ledger.scrap(lot, pick.randint(0, lot.n - 1), lot.n, week, "s", "cause")
        elif action in ("finish", "qualify", "scrap_all"):
            lots.remove(lot)
            lot.sellable = action == "finish"
            if action == "scrap_all":
                ledger.scrap(lot, lot.n, lot.n, week, "s", "cause")
            else:
                ledger.finish(lot, lot.n, 0.062 * lot.n, week, "s")
        elif action == "split":
            lots.remove(lot)
            children = [Lot(next(names), n=10) for _ in range(pick.randint(1, 14))]
            lots += children
            ledger.pass_on([lot], children, [pick.randint(1, 500) for _ in children])
        elif action == "merge":
            other = pick.choice(lots)
            parents = list({id(one): one for one in (lot, other)}.values())
            lots = [one for one in lots if one not in parents]
            lots.append(Lot(next(names), n=10))
            ledger.pass_on(parents, lots[-1:])
        elif action == "trim":
            held = ledger.carried(lot, "kg").get("materials.a")
            if held is not None:
                ledger.give_back(lot, {"materials.a": held / 2}, week, "s")
        else:
            ledger.charge(week, "s", "capital", 1.0, "usd", pick.uniform(-5, 100), Holding.IDLE_CAPACITY)
    assert ledger.balance().is_zero
    assert ledger.open_lots <= {lot.identity for lot in lots}
    micro = sum(round(lot.value_usd * 1e6) for lot in lots)
    assert micro == round(sum(usd for _, usd in ledger.work_in_progress().values()) * 1e6)
