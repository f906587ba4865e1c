"""Sources: campaigns, limits, stopping and starting again."""

from __future__ import annotations

import pytest

from cellfab.core.lot import lineage
from cellfab.line.line_run import LineRun


@pytest.fixture
def line(fixed):
    def make(**source):
        return {
            "sources": {"source": source},
            "stations": {"s": {"kind": "serial", "from": "source", "cycle": fixed(2)}},
            "sinks": {"out": {"from": "s"}},
        }

    return make


def test_campaigns_in_the_order_written(simulate, line, recorder):
    products = []
    recorder.finished = lambda sink, lot, now: products.append(lot.product)
    simulate(line(products={"ev": 3, "ess": 1}), 21, physics=recorder)
    assert products == ["ev", "ev", "ev", "ess", "ev", "ev", "ev", "ess", "ev", "ev"]


def test_identity_names_source_and_ordinal(simulate, line, recorder):
    identities = []
    recorder.finished = lambda sink, lot, now: identities.append(lot.identity)
    simulate(line(), 7, physics=recorder)
    assert identities == [lineage("source", ordinal) for ordinal in range(3)]


def test_a_lot_begins_to_age_when_it_is_let_in(simulate, line):
    assert simulate(line(), 50).lead_time.max_s == 2.0


def test_arrivals_are_drawn_by_ordinal(simulate, line, exponential):
    spec = line(interarrival=exponential(1.0), when_full="lost")
    few, many = simulate(spec, 500), simulate(spec, 1000)
    assert few.random_draws < many.random_draws
    assert few.sources["source"].arrivals == pytest.approx(500, abs=120)


def test_stopped_and_started_with_another_product(simulate, line, recorder):
    sold = []
    recorder.finished = lambda sink, lot, now: sold.append((lot.ordinal, lot.product, lot.sellable, now / 1e6))

    def convert(run: LineRun):
        source = run.sources["source"]
        yield run.env.timeout(3_000_000)
        source.stop()
        yield run.drained()
        assert run.now == 4_000_000
        yield run.env.timeout(6_000_000)
        source.restart("ess", sellable=False)
        yield run.env.timeout(3_000_000)
        source.restart(sellable=True)

    simulate(line(products={"ev": 1}), 17, physics=recorder, controllers=[convert])
    assert sold == [
        (0, "ev", True, 2.0), (1, "ev", True, 4.0),
        (2, "ess", False, 12.0), (3, "ess", False, 14.0), (4, "ess", True, 16.0),
    ]  # fmt: skip


def test_a_clock_that_is_stopped_goes_on_later(simulate, line, fixed, recorder):
    def pause(run: LineRun):
        yield run.env.timeout(7_000_000)
        run.stop_sources()
        yield run.env.timeout(20_000_000)
        run.restart_sources("part")

    simulate(line(interarrival=fixed(5)), 41, physics=recorder, controllers=[pause])
    # Arrival at 5; the one of 10 does not come; from 27 on again every 5 s.
    assert recorder.out == [(0, 7.0), (1, 34.0), (2, 39.0)]


def test_wip_counts_who_waits_outside(simulate, line, fixed):
    result = simulate(line(interarrival=fixed(1), lots=3), 10)
    # In the line: 1-3, 2-5, 3-7.
    assert result.wip_mean == pytest.approx((2 + 3 + 4) / 10)
    assert result.lots_entered == result.lots_finished == 3
