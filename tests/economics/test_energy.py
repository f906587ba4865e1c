"""Energy of lots goes where their value goes; stations that are switched off take none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellfab.config.line_spec import StationEconomics
from cellfab.core.ledger import Holding, Ledger
from cellfab.core.lot import Lot
from cellfab.economics.energy import PROCESS, STAND_BY, WORKING, EnergyBook, Rest
from cellfab.economics.period_cost import energy_entries

H = 3_600_000_000
WEEK = 168 * H


def by_key(book):
    return {(use.place, use.carrier, use.use): use for use in book.uses()}


def test_what_lots_used_is_shared_out_and_the_rest_belongs_to_none():
    book = EnergyBook()
    web, cells = Lot(1), Lot(2)
    book.used(0, ("coat", "electricity", PROCESS), 10.0, web)
    book.used(0, ("coat", "heat", PROCESS), 100.0, web)
    book.scrapped(web, 1, 4)
    book.became([web], cells)
    book.used(0, ("form", "electricity", WORKING), 8.0, cells)
    book.used(0, ("form", "heat", WORKING), 0.0, cells)
    book.scrapped(cells, 1, 2)
    book.used(1, ("coat", "electricity", STAND_BY), 3.0)
    book.finished(cells)
    found = by_key(book)
    heat = found["coat", "heat", PROCESS]
    assert (heat.kwh, heat.scrap_kwh, heat.sold_kwh) == (100.0, 25.0 + 37.5, 37.5)
    assert found["form", "electricity", WORKING].scrap_kwh == 4.0
    assert found["coat", "electricity", STAND_BY][3:] == (3.0, 0.0, 0.0, 0.0)
    assert book.total_kwh("electricity") == 21.0
    assert book.scrap_kwh() == pytest.approx(62.5 + 6.25 + 4.0)
    assert book.by_week() == {
        (0, ("coat", "electricity", PROCESS)): 10.0, (0, ("coat", "heat", PROCESS)): 100.0,
        (0, ("form", "electricity", WORKING)): 8.0, (1, ("coat", "electricity", STAND_BY)): 3.0,
    }  # fmt: skip


def test_what_is_made_to_requalify_is_not_sold():
    book, lot = EnergyBook(), Lot(1)
    lot.sellable = False
    book.used(0, ("form", "electricity", PROCESS), 8.0, lot)
    book.finished(lot)
    assert by_key(book)["form", "electricity", PROCESS][4:] == (0.0, 8.0, 0.0)


events = st.lists(
    st.tuples(st.sampled_from(["use", "scrap", "merge", "finish"]), st.integers(0, 3), st.integers(1, 9)), max_size=40
)


@given(events)
def test_the_book_agrees_with_the_ledger(story):
    """The same events told to both: energy in scrap and in goods finished is the same but for the ledger's rounding."""
    book, ledger, lots, made = EnergyBook(), Ledger(), {}, 100
    for what, which, number in story:
        lot = lots.setdefault(which, Lot(which, n=1000))
        if what == "use":
            entries = energy_entries(number / 7.0, number / 3.0, 0.08, 0.02)
            ledger.charge_lot(lot, 0, "place", entries)
            for carrier, kwh, _, _ in entries:
                book.used(0, ("place", carrier, PROCESS), kwh, lot)
        elif what == "scrap":
            ledger.scrap_each(lot, [("bad", number)], 10, 0, "place")
            book.scrapped(lot, number, 10)
        elif what == "merge":
            made += 1
            child = Lot(made, n=1000)
            other = lots.setdefault((which + 1) % 4, Lot((which + 1) % 4, n=1000))
            ledger.pass_on([lot, other], [child])
            book.became([lot, other], child)
            lots = {key: kept for key, kept in lots.items() if kept not in (lot, other)} | {which: child}
        else:
            ledger.finish(lot, 1, 1.0, 0, "out")
            book.finished(lot)
            lots.pop(which)
    held = {Holding.SCRAP: 0.0, Holding.FINISHED_GOOD: 0.0}
    for entry in ledger.held():
        held[entry.holding] += entry.quantity
    assert book.scrap_kwh() == pytest.approx(held[Holding.SCRAP], abs=1e-3)
    assert math.fsum(use.sold_kwh for use in book.uses()) == pytest.approx(held[Holding.FINISHED_GOOD], abs=1e-3)


def test_a_station_is_off_until_it_works_and_after_it_has_stood_too_long():
    rest = Rest(StationEconomics(off_after_h=10))
    assert rest.works(20 * H, 30 * H)
    assert not rest.works(35 * H, 36 * H)
    assert rest.off_ticks(0, 2 * WEEK) == (20 + 168 - 46) * H
    assert rest.works(200 * H, 210 * H)
    assert rest.off_ticks(0, 2 * WEEK) == (20 + 168 - 46) * H
    assert rest.off_ticks(1, 2 * WEEK) == (32 + 336 - 220) * H
    assert not rest.works(205 * H, 208 * H), "another unit, beside the first"
    assert rest.off_ticks(1, 250 * H) == (32 + 250 - 220) * H


def test_one_that_never_works_is_never_on():
    assert Rest(StationEconomics(off_after_h=10)).off_ticks(1, 200 * H) == 32 * H
