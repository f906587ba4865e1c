from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.core.lot import Lot
from cellfab.core.racks import GRADE_A, NEEDED, Racks

BINS = (22.4, 0.2, 2.5, 0.25, 8.0)  # 0.2 Ah and 0.25 mOhm wide, strings of eight


def _graded(seed, n=300, cv=0.01, noise=0.0, bins=BINS):
    rng = np.random.default_rng(seed)
    capacity = rng.normal(23.0, 23.0 * cv, n)
    lot = Lot(seed, n=n, unit="trays", material="cell")
    lot.columns = {
        "capacity_ah": capacity.astype(np.float32),
        "capacity_measured_ah": (capacity * (1.0 + noise * rng.standard_normal(n))).astype(np.float32),
        "dcir_measured_mohm": rng.normal(5.0, 0.2, n).astype(np.float32),
        "grade": np.where(rng.random(n) < 0.9, GRADE_A, 2).astype(np.uint8),
    }
    lot.attributes = dict(zip(NEEDED, bins, strict=True))
    lot.scrap(rng.random(n) < 0.05, 5)
    return lot


def test_strings_are_those_dealt_by_hand_across_lots():
    racks, piles, strings, usable, held, cells = Racks(), {}, 0, 0.0, 0.0, 0
    for seed in range(4):
        lot = _graded(seed, noise=0.002)
        racks.add(lot)
        for row in np.flatnonzero(lot.alive() & (lot.columns["grade"] == GRADE_A)):
            read, mohm, ah = (float(lot.columns[name][row]) for name in (
                "capacity_measured_ah", "dcir_measured_mohm", "capacity_ah"))  # fmt: skip
            pile = piles.setdefault((max(int((read - 22.4) / 0.2), 0), int((mohm - 2.5) / 0.25)), [])
            pile.append(ah)
            cells += 1
            if len(pile) == 8:
                strings, usable, held = strings + 1, usable + 8 * min(pile), held + sum(pile)
                pile.clear()
    assert (racks.strings, racks.cells, racks.waiting) == (strings, cells, cells - 8 * strings)
    assert strings > 50
    assert racks.usable_fraction == pytest.approx(usable / held, rel=1e-9)


def test_matching_takes_out_what_the_test_can_see():
    # Strings of 8 of 20 000 cells: unmatched, 1 - E[lowest of 8] cv = 1 - 1.4236 cv within 1 %; in bins far narrower
    # than the spread, only the error of the reading is left of it, and with a perfect test nothing.
    for bins, noise, spread in (((22.0, 0.0, 2.5, 0.0, 8.0), 0.0, 0.01), ((21.0, 0.07, 2.5, 0.0, 8.0), 0.004, None)):
        racks = Racks()
        racks.add(_graded(1, n=20_000, noise=noise, bins=bins))
        expected = 0.004 / math.hypot(1.0, 0.4) if spread is None else spread  # of the truth, given the reading
        assert 1.0 - racks.usable_fraction == pytest.approx(1.4236 * expected, rel=0.03)
    racks = Racks()
    racks.add(_graded(1, n=20_000, bins=(21.0, 0.07, 2.5, 0.0, 8.0)))
    assert 1.0 - racks.usable_fraction < 0.07 / 23.0


def test_what_is_not_graded_or_not_enough_makes_no_strings():
    racks = Racks()
    racks.add(Lot(1, n=3))
    assert (racks.strings, racks.cells, racks.waiting) == (0, 0, 0)
    racks.add(_graded(1, n=6))
    assert racks.strings == 0 < racks.waiting == racks.cells
    assert math.isnan(racks.usable_fraction)
