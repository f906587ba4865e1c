from __future__ import annotations

import numpy as np
import pytest

from cellfab.core import web
from cellfab.core.lot import Lot


def _web():
    lot = Lot(1, n=6, unit="m")
    lot.columns["loading_mg_per_cm2"] = np.array([20, 21, 22, 23, 24, 25], np.float32)
    lot.attributes = {
        "lanes": 2.0, "positions": 3.0, "planned_positions": 4.0, "pitch_m": 3.0, "segment_m2": 0.5, "kg_strip": 0.1,
        "kg_in": 1.0, "kg_good": 0.775, "kg_scrap": 0.2, "kg_returned": 0.025,
    }  # fmt: skip
    return lot


def test_rows_are_lane_major():
    lot = _web()
    assert web.shape(lot) == (2, 3)
    assert web.planned_positions(lot) == 4
    assert web.exit_codes(lot).tolist() == [0] * 6
    assert web.exit_codes(lot) is lot.exit_code


def test_what_a_kernel_scrapped_is_told_to_the_lot():
    lot = _web()
    web.exit_codes(lot)[1:3] = 7
    web.scrapped(lot, (7, 2), (8, 0))
    assert (lot.n_alive, lot.losses) == (4, [(7, 2)])


def test_settling_moves_lost_coating_to_scrap():
    lot = _web()
    web.settle_web(lot)
    # 135 mg/cm2 x 0.01 kg/m2 x 0.5 m2 + 0.1 kg of strips; six segments of 3 m over two lanes.
    assert lot.attributes["kg_good"] == pytest.approx(0.775)
    assert lot.attributes["kg_scrap"] == pytest.approx(0.2)
    assert lot.amount == 9.0
    lot.scrap(np.array([True, False, False, True, False, False]), 5)
    web.settle_web(lot)
    assert lot.attributes["kg_good"] == pytest.approx(0.775 - 43 * 0.005)
    assert lot.attributes["kg_scrap"] == pytest.approx(0.2 + 43 * 0.005)
    assert lot.amount == 6.0


def test_settling_charges():
    lot = Lot(1, n=3, unit="kg", amount=300.0)
    lot.columns["charge_kg"] = np.array([100, 101, 99], np.float32)
    lot.attributes = {"kg_in": 300.0, "kg_good": 300.0, "kg_scrap": 0.0, "kg_returned": 0.0}
    lot.scrap(np.array([False, True, False]), 5)
    web.settle_charges(lot)
    assert (lot.amount, lot.attributes["kg_good"], lot.attributes["kg_scrap"]) == (199.0, 199.0, 101.0)


def test_a_child_inherits_and_is_named_by_all_its_parents():
    parent, other = Lot(3, ordinal=4, product="p", material="cathode", created=9), Lot(5)
    parent.value_usd, other.value_usd, other.sellable = 2.0, 3.0, False
    parent.attributes["lanes"] = 14.0
    child = parent.child("wind", n=7, unit="cells", amount=7.0, material="cell", others=(other,))
    assert (child.ordinal, child.product, child.material, child.created) == (4, "p", "cell", 9)
    assert (child.parents, child.value_usd, child.sellable) == ((3, 5), 5.0, False)
    child.attributes["lanes"] = 1.0
    assert parent.attributes["lanes"] == 14.0
    others = [parent.child("wind", n=7, unit="cells", amount=7.0), parent.child("film", n=7, unit="m", amount=7.0)]
    assert len({child.identity, *(lot.identity for lot in others)}) == 3
    assert parent.child("film", n=1, unit="m", amount=1.0).identity == others[1].identity
