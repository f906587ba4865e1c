"""Lot size is only a knob: the first rows of a lot fare as they do in all of it, and half a roll yields half as much."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfab.core.lot import Lot

some_share = st.floats(min_value=0.05, max_value=0.95)


def rows_kept(lot: Lot, share: float) -> np.ndarray[Any, Any]:
    """Rows of the first part of a lot: positions of a web in all lanes, whole trays of cells, or simply rows."""
    if lot.unit == "m":
        lanes, positions = int(lot.attributes["lanes"]), int(lot.attributes["positions"])
        return np.arange(lot.n).reshape(lanes, -1)[:, : max(int(share * positions), 1)].ravel()
    if "tray_position" in lot.columns:
        place, per_tray = lot.columns["tray_position"], int(lot.attributes["cells_per_tray"])
        trays = max(int(share * (place.max() + 1) / per_tray), 1)
        beyond = np.flatnonzero(place >= trays * per_tray)
        return np.arange(beyond[0] if beyond.size else lot.n)
    return np.arange(max(int(share * lot.n), 1))


def part(lot: Lot, rows: np.ndarray[Any, Any]) -> Lot:
    """These rows as a lot of the same name."""
    cut = copy.deepcopy(lot)
    cut.n = rows.size
    cut.columns = {name: values[rows].copy() for name, values in lot.columns.items()}
    cut.exit_code = None if lot.exit_code is None else lot.exit_code[rows].copy()
    cut.n_dead = 0 if cut.exit_code is None else int(np.count_nonzero(cut.exit_code))
    cut.losses = []
    if lot.unit == "m":
        cut.attributes["positions"] = rows.size / lot.attributes["lanes"]
        cut.attributes["length_m"] = cut.attributes["positions"] * lot.attributes["pitch_m"]
    return cut


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=some_share)
def test_the_first_rows_fare_as_in_the_whole_lot(pilots, plant, at, share):
    """To the bit, at every step that makes no other lot; tools as on the first lot, whose age no lot size changes."""
    visit = pilots.visits(plant)[at]
    if visit.makes_another:
        return
    first = copy.deepcopy(visit.given)
    ((material, lot),) = first.items()
    lot.ordinal = 0
    rows = rows_kept(lot, share)
    _, some = visit.again(given={material: part(lot, rows)})
    _, whole = visit.again(given=first)
    assert set(some.columns) == set(whole.columns)
    for name, values in whole.columns.items():
        np.testing.assert_array_equal(some.columns[name], values[rows], err_msg=name)
    np.testing.assert_array_equal(pilots.codes_of(some), pilots.codes_of(whole)[rows])
