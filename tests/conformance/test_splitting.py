"""Lot size is only a knob: the first rows of a lot fare as in all of it, and half a roll yields half as much."""

from __future__ import annotations

import copy
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellfab.core.causes import describe
from cellfab.core.lot import Lot
from cellfab.steps.base import Merge

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


@settings(
    max_examples=4 if settings.default.derandomize else 100,  # more when new ones are looked for
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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


PLANNED = {("dry_film", "threading"), ("coat", "start_up")}
"""Web lost to the start of each roll, however long it is."""
LENGTHS_M = (1000.0, 1500.0, 2000.0, 3000.0)
TOTAL_M = 120_000.0
Z_LIMIT = 4.0
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


def yield_of_roll(pilots, scenario, product: str, steps, ordinal: int) -> float:
    """Of a mature line: share of the started web that stays good, of both electrodes, times that of the cells.

    What each roll loses whatever its length is left out: its start, leaders and tails at the winder, and what remains
    of the longer roll of a pair.
    """
    found, visit = 1.0, None
    for visit in pilots.walk(scenario, product, ordinal, steps=steps, keep=False, maturity=1.0):
        if isinstance(visit.step, Merge):
            for material in ("cathode", "anode"):
                web = visit.left[material]
                planned = [code for code in np.unique(web.exit_code) if code and describe(int(code))[1:3] in PLANNED]
                found *= web.n_alive / np.count_nonzero(~np.isin(web.exit_code, planned))
    return found * visit.made.n_alive / visit.made.n


@many_cells
@pytest.mark.parametrize("plant", ["ess_from_4680", "tesla_4680_wet_cathode"])
def test_yield_per_metre_does_not_depend_on_the_length_of_rolls(pilots, plant):
    """120 km of web in rolls of 1000 to 3000 m, standard error up to 0.5 %; z-limit 4 between lengths.

    So one roll of 1500 m yields what half a roll of 3000 m does.
    """
    scenario = pilots.plants[plant]
    product = next(iter(scenario.spec.products))
    means, errors = [], []
    for length_m in LENGTHS_M:
        steps = {
            key: pilots.with_params(step, roll_length_m=length_m) if step.name == "dose" else step
            for key, step in scenario.steps.items()
        }
        rolls = round(TOTAL_M / length_m)
        yields = [yield_of_roll(pilots, scenario, product, steps, ordinal) for ordinal in range(rolls)]
        means.append(np.mean(yields))
        errors.append(np.std(yields, ddof=1) / np.sqrt(rolls))
    assert max(errors) < 0.005
    for one, error in zip(means, errors, strict=True):
        assert abs(one - means[-1]) <= Z_LIMIT * np.hypot(error, errors[-1])
