"""The mass account of electrode lots, and webs as a grid of lanes and positions.

Attributes of an electrode lot, in kg of dry coating: kg_in = kg_good + kg_scrap + kg_returned at every moment.
A web lot also carries lanes, positions (segments along each lane), pitch_m (length of one segment), length_m (metres of
mother roll run), segment_m2 (coated area of a segment, both sides) and kg_strip (coated strips at the web's edges).
Row `lane * positions + position` is one segment: one piece of electrode, of which a cell takes `pieces_per_cell`.
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


def planned_positions(lot: Lot) -> int:
    """Positions of the roll as planned: draw number lane * planned + position is about that segment."""
    return int(lot.attributes["planned_positions"])


def exit_codes(lot: Lot) -> npt.NDArray[np.int16]:
    """The lot's exit codes, for a kernel to write to."""
    if lot.exit_code is None:
        lot.exit_code = np.zeros(lot.n, np.int16)
    return lot.exit_code


def scrapped(lot: Lot, *losses: tuple[int, int]) -> None:
    """Tell the lot what a kernel has written to its exit codes: pairs of cause and newly scrapped rows."""
    for cause, rows in losses:
        if rows:
            lot.n_dead += rows
            lot.losses.append((cause, rows))


def normal(draws: Draws, decision: str, lot: Lot) -> npt.NDArray[np.float32]:
    """Standard normal numbers, one per segment, shape (lanes, positions).

    They are named by lane and position of the roll as planned: a roll cut short keeps the numbers of what is left.
    """
    return _kept(draws.normal(decision, lot, _planned_rows(lot)), lot)


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
    from cellfab.kernels.web_account import good_coating

    facts = lot.attributes
    total = good_coating(lot.columns["loading_mg_per_cm2"], exit_codes(lot))
    _book(lot, total * KG_PER_M2 * facts["segment_m2"] + facts["kg_strip"])
    lot.amount = lot.n_alive * facts["pitch_m"] / max(int(facts["lanes"]), 1)


def _book(lot: Lot, good_kg: float) -> None:
    facts = lot.attributes
    facts["kg_scrap"] += facts["kg_good"] - good_kg
    facts["kg_good"] = good_kg
