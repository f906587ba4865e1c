from __future__ import annotations

import numpy as np
import pytest

from cellfab.core.lot import Lot


def test_several_causes_at_once_are_the_same_as_one_after_the_other() -> None:
    rng = np.random.default_rng(1)
    reason = rng.choice(np.arange(4, dtype=np.uint8), 300, p=[0.7, 0.1, 0.1, 0.1])
    at_once, one_by_one = Lot(1, n=300), Lot(1, n=300)
    for lot in (at_once, one_by_one):
        lot.scrap(np.arange(300) < 50, 9)
    at_once.scrap_each(reason, (11, 12, 13))
    for k, cause in enumerate((11, 12, 13), start=1):
        one_by_one.scrap(reason == k, cause)
    assert at_once.exit_code is not None
    np.testing.assert_array_equal(at_once.exit_code, one_by_one.exit_code)
    assert at_once.n_alive == one_by_one.n_alive == np.count_nonzero(at_once.exit_code == 0)
    assert at_once.losses == one_by_one.losses


@pytest.mark.parametrize("rows", [0, 5])
def test_no_reason_leaves_the_lot_alone(rows: int) -> None:
    lot = Lot(1, n=rows)
    lot.scrap_each(np.zeros(rows, np.uint8), (11,))
    assert lot.exit_code is None
    assert lot.losses == []
