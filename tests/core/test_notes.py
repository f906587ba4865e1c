"""Notes are read once; facts stay."""

from __future__ import annotations

import pytest

from cellfab.core import notes
from cellfab.core.lot import Lot


@pytest.mark.parametrize("known", [0, 2])
def test_what_a_step_has_noted(known):
    lot = Lot(1)
    lot.attributes = {"lanes": 14.0, "pieces_per_cell": 2.0}
    lot.attributes |= {notes.REWORKED: 3.0, "swelling_mm": 0.1, notes.FALSE_REJECTS + "swollen": 2.0}
    lot.attributes |= {notes.FALSE_REJECTS + "leak": 0.0, notes.STOPS_S: 12.5}
    assert notes.take(lot, known) == (12.5, 3, {"swollen": 2, "leak": 0})
    assert lot.attributes == {"lanes": 14.0, "pieces_per_cell": 2.0, "swelling_mm": 0.1}
    assert notes.take(lot, 3) == notes.take(lot) == (0.0, 0, {})
