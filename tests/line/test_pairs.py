"""A step merges lots for the same product only, whatever order they come in."""

from __future__ import annotations

from collections import Counter

import pytest

from cellfab.config.line_spec import Line
from cellfab.config.run_spec import Run
from cellfab.errors import StallError
from cellfab.line.flow import simulate_line
from cellfab.line.physics import Pace, Processed

HOURS = 40.0
CYCLE_S = 3600.0


class Pairs:
    """Physics that notes for which products the lots were that became one."""

    def __init__(self):
        self.merged = []

    def pace(self, station, now):
        return Pace()

    def process(self, station, lots, now):
        if len(lots) == 1:
            return Processed(lots[0])
        self.merged.append(tuple(lot.product for lot in lots))
        first = lots[0]
        return Processed(first.child(station, n=1, unit="parts", amount=1.0, others=tuple(lots[1:])))

    def worked(self, station, lot, started, ended):
        pass

    def finished(self, sink, lot, now):
        pass

    def expired(self, place, lot, now):
        pass


def line(cathodes, anodes, room=6.0, step="wind", **cathode_store):
    """Two branches into a winder of one hour; the cathodes' store may have an order of its own."""
    return {
        "sources": {
            "cathode": {"products": cathodes, "priority": dict.fromkeys(cathodes, 0) | {list(cathodes)[-1]: -1}},
            "anode": {"products": anodes},
        },
        "buffers": {
            "cathodes": {"from": "cathode", "capacity": room} | cathode_store,
            "anodes": {"from": "anode", "capacity": room},
        },
        "stations": {
            "wind": {
                "kind": "serial", "from": {"cathodes": 1, "anodes": 1}, "step": step,
                "cycle": {"law": "deterministic", "value_s": CYCLE_S},
            },
        },
        "sinks": {"out": {"from": "wind"}},
    }  # fmt: skip


def merged(spec):
    physics = Pairs()
    simulate_line(Line.model_validate(spec), Run(horizon_h=HOURS), seed=1, physics=physics)
    return physics.merged


BOTH = {"ev": 1, "ess": 1}


def test_pairs_are_for_one_product_although_one_branch_brings_them_in_another_order():
    """Of cathodes, those for storage leave their store first, anodes come in turn; and the winder is never without."""
    made = merged(line(BOTH, BOTH, order="priority"))
    assert set(made) == {("ev", "ev"), ("ess", "ess")}
    assert len(made) == HOURS
    assert abs(Counter(made)["ev", "ev"] - HOURS / 2) <= 3  # by what may lie in the store


def test_without_a_step_what_comes_first_is_merged():
    assert ("ess", "ev") in merged(line(BOTH, BOTH, order="priority", step=None))


def test_lots_that_fit_come_in_the_order_of_the_first_feed():
    assert (
        merged(line({"ev": 2, "ess": 2}, BOTH))[:8]
        == [("ev", "ev")] * 2 + [("ess", "ess")] * 2 + [("ev", "ev")] * 2 + [("ess", "ess")] * 2
    )


def test_campaigns_longer_than_the_stores_come_to_a_standstill_that_says_why():
    with pytest.raises(StallError) as stalled:
        simulate_line(
            Line.model_validate(line({"ev": 9, "ess": 9}, BOTH, room=2.0)),
            Run(horizon_h=400.0),
            seed=1,
            physics=Pairs(),
        )
    assert "'wind' merges lots for one product, and of 'cathodes' has some for ev" in str(stalled.value)
    assert "'wind' merges lots for one product, and of 'anodes' has some for ess" in str(stalled.value)


def test_one_product_pairs_as_ever():
    assert merged(line({"ev": 1}, {"ev": 1})) == [("ev", "ev")] * int(HOURS)
