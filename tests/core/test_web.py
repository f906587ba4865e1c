from __future__ import annotations

import math

import numpy as np
import pytest

from cellfab.core import web
from cellfab.core.causes import cause
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels.web_field import mean_variance_factor

CAUSE = cause("test", "read", "reading out of limits in a test")


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
    assert web.grid(lot) == (2, 3, 4)
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


def _large(positions=150, planned=161, identity=7):
    lot = Lot(identity, n=3 * positions, unit="m")
    lot.attributes = {"lanes": 3.0, "positions": float(positions), "planned_positions": float(planned)}
    return lot


DRAWS = Draws(1, 0, "place")


def _normal(decision, lot):
    """Numbers of the roll as planned, of what is here."""
    lanes, positions, planned = web.grid(lot)
    return DRAWS.normal(decision, lot, lanes * planned).reshape(lanes, planned)[:, :positions].ravel()


def test_a_field_has_the_numbers_of_the_roll_as_planned():
    across, along = np.array([1.0, 2.0, 3.0], np.float32), np.linspace(0, 1, 150, dtype=np.float32)
    lot = _large()
    found = web.field(lot, DRAWS, "noise", 0.5, 10.0, across, along)
    z = _normal("noise", lot).reshape(3, 150)
    assert found == pytest.approx((10.0 + across[:, None] + along + 0.5 * z).ravel(), rel=1e-6)
    scaled = web.field(lot, DRAWS, "noise", 0.5, 10.0, across, along, across, scale=2.0)
    slope = across[:, None] * np.arange(150)
    assert scaled == pytest.approx((10.0 + 2.0 * (across[:, None] + along + slope) + 0.5 * z).ravel(), rel=1e-6)
    shorter = web.field(_large(100), DRAWS, "noise", 0.5, 10.0, across, along[:100])
    assert np.array_equal(shorter, found.reshape(3, 150)[:, :100].ravel())


@pytest.mark.parametrize(
    ("absolute", "relative", "spread"), [(0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (0.0, 0.0, 0.1), (0, 0, 0)]
)
def test_inspection_reads_as_if_every_segment_were_read(absolute, relative, spread):
    lot = _large()
    values = np.random.default_rng(3).uniform(0.2, 1.8, 450).astype(np.float32)
    values[17] = np.nan
    code = web.exit_codes(lot)
    code[::5] = 9
    before = code.copy()
    web.inspect(
        lot, DRAWS, "gauge", values, 0.5, 1.5, CAUSE, absolute=absolute, relative=relative, log_spread=spread
    )  # fmt: skip
    z = np.clip(_normal("gauge", lot).astype(float), -4.0, 4.0)
    read = (values + z * (absolute + relative * values)) * np.exp(spread * z)
    off = ~((read >= 0.5) & (read <= 1.5)) & (before == 0)
    assert off[17]
    assert np.array_equal(code == CAUSE, off)
    assert lot.losses == [(CAUSE, int(off.sum()))]
    assert lot.attributes["false_rejects_read"] == np.count_nonzero(off & (values >= 0.5) & (values <= 1.5))


def test_a_gauge_whose_error_exceeds_all_leaves_no_row_clear():
    lot = _large()
    web.inspect(lot, DRAWS, "gauge", np.ones(450, np.float32), 0.9, 1.1, CAUSE, relative=0.3)
    z = np.clip(_normal("gauge", lot).astype(float), -4.0, 4.0)
    assert np.array_equal(lot.exit_code == CAUSE, np.abs(0.3 * z) > 0.1)
    assert lot.attributes["false_rejects_read"] == lot.n_dead


def test_rows_rejected_with_and_without_reason():
    lot = _large(5)
    web.rejected(lot, CAUSE, 3, 2)
    web.rejected(lot, CAUSE, 0, 0)
    assert lot.losses == [(CAUSE, 5)]
    assert lot.attributes["false_rejects_read"] == 0.0  # of the last inspection


def test_events_stay_where_they_are_and_are_scrapped_once():
    lot = _large()
    found = web.events(lot, DRAWS, "spots", 0.3)
    assert found.rows.size == found.words.size > 50
    web.scrap_rows(lot, found.rows, 4)
    assert lot.n_dead == np.unique(found.rows).size == lot.losses[0][1]


def test_scrapping_positions_takes_all_lanes_once():
    lot = _large(5, 8)
    web.exit_codes(lot)[1] = 9
    web.scrap_positions(lot, 0, 2, 4)
    web.scrap_positions(lot, 4, 99, 5)
    web.scrap_positions(lot, 4, 4, 6)
    assert lot.exit_code.reshape(3, 5).tolist() == [[4, 9, 0, 0, 5], [4, 4, 0, 0, 5], [4, 4, 0, 0, 5]]
    assert lot.losses == [(4, 5), (5, 3)]


def test_values_of_lanes_and_charges_are_given_to_their_segments():
    lot, charges = _large(2, 8), Lot(3, n=2, unit="kg")
    charges.columns = {"a": np.array([7, 8], np.float32), "b": np.array([0.5, 0.25], np.float32)}
    web.lay_columns(lot, charges, np.array([1, 0], np.int32), ("a", "b"), np.array([1, 2, 3], np.float32))
    assert {name: values.tolist() for name, values in lot.columns.items()} == {
        "a": [8, 7] * 3, "b": [0.25, 0.5] * 3, "charge": [1, 0] * 3, "edge_thinning_fraction": [1, 1, 2, 2, 3, 3]
    }  # fmt: skip
    assert lot.columns["charge"].dtype == np.int16


def test_a_web_ends_where_its_powder_does():
    lot = _web()
    loading = lot.columns.pop("loading_mg_per_cm2")
    # 135 mg/cm2 x 0.005 kg: 0.675 kg; without the last position 88 x 0.005 = 0.44.
    assert web.cut_to_powder(lot, loading, 0.68) == (pytest.approx(loading), 135.0)
    assert lot.n == 6
    left, total = web.cut_to_powder(lot, loading, 0.5)
    assert (left.tolist(), total) == ([20, 21, 23, 24], 88.0)
    assert (lot.n, web.shape(lot), lot.attributes["length_m"], web.exit_codes(lot).size) == (4, (2, 2), 6.0, 4)


def test_wandering_has_the_variance_of_the_averaged_process():
    # 2 000 webs of 20 segments of 3.4 m, correlation length 5 m: 40 000 values, about 12 000 independent; z-limit 4.
    values = [web.wander(_large(identity=i), DRAWS, "drift", 20, 3.4, 5.0) for i in range(2000)]
    expected = mean_variance_factor(3.4, 5.0)
    assert np.mean(np.square(values)) == pytest.approx(expected, rel=4 * math.sqrt(2 / 12_000))
