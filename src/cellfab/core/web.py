"""The mass account of electrode lots, and webs as a grid of lanes and positions.

Attributes of an electrode lot, in kg of dry coating: kg_in = kg_good + kg_scrap + kg_returned at every moment.
A web lot also carries lanes, positions (segments along each lane), pitch_m (length of one segment), length_m (metres of
mother roll run), segment_m2 (coated area of a segment, both sides) and kg_strip (coated strips at the web's edges).
Row `lane * positions + position` is one segment: one electrode of one cell.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.core.draws import Draws
from cellfab.core.lot import Lot

KG_PER_M2 = 0.01
"""One mg/cm2 in kg/m2."""


def shape(lot: Lot) -> tuple[int, int]:
    """Lanes and positions of a web lot; their product is the number of rows."""
    return int(lot.attributes["lanes"]), int(lot.attributes["positions"])


def starts_m(lot: Lot) -> npt.NDArray[np.float64]:
    """Where each position starts, m from the start of the web, shape (positions,)."""
    return np.arange(shape(lot)[1], dtype=np.float64) * np.float64(lot.attributes["pitch_m"])


def rows_at(positions: npt.NDArray[np.bool_], lanes: int) -> npt.NDArray[np.bool_]:
    """Row mask of the segments of all lanes at the marked positions, shape (lanes * positions,)."""
    return np.tile(positions, lanes)


def normal(draws: Draws, decision: str, lot: Lot) -> npt.NDArray[np.float32]:
    """Standard normal numbers, one per segment, shape (lanes, positions).

    They are named by lane and position of the roll as planned: a roll cut short keeps the numbers of what is left.
    """
    return _kept(draws.normal(decision, lot, _planned_rows(lot)), lot)


def uniform(draws: Draws, decision: str, lot: Lot) -> npt.NDArray[np.float32]:
    """Uniform numbers in (0, 1), one per segment, shape (lanes, positions); named as those of `normal`."""
    return _kept(draws.uniform(decision, lot, _planned_rows(lot)), lot)


def _planned_rows(lot: Lot) -> int:
    return int(lot.attributes["lanes"] * lot.attributes["planned_positions"])


def _kept(drawn: npt.NDArray[np.float32], lot: Lot) -> npt.NDArray[np.float32]:
    lanes, positions = shape(lot)
    return np.ascontiguousarray(drawn.reshape(lanes, -1)[:, :positions])


def settle_charges(lot: Lot) -> None:
    """Book the powder of charges scrapped since the last call; the lot's amount is what is still good, kg."""
    good = float(lot.columns["charge_kg"][lot.alive()].sum(dtype=np.float64))
    _book(lot, good)
    lot.amount = good


def settle_web(lot: Lot) -> None:
    """Book the coating of segments scrapped since the last call.

    The lot's amount is the metres of mother roll that its good segments would fill.
    """
    facts = lot.attributes
    loading = lot.columns["loading_mg_per_cm2"]
    alive = lot.alive()
    total = float(np.dot(loading, alive.astype(np.float32)))
    _book(lot, total * KG_PER_M2 * facts["segment_m2"] + facts["kg_strip"])
    lanes = max(int(facts["lanes"]), 1)
    lot.amount = float(np.count_nonzero(alive)) * facts["pitch_m"] / lanes


def _book(lot: Lot, good_kg: float) -> None:
    facts = lot.attributes
    facts["kg_scrap"] += facts["kg_good"] - good_kg
    facts["kg_good"] = good_kg
