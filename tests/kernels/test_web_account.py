from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.web_account import good_coating


@pytest.mark.parametrize("n", [0, 1, 31, 32, 33, 1000])
def test_sum_over_good_rows(n):
    rng = np.random.default_rng(n)
    loading, code = rng.uniform(20, 30, n).astype(np.float32), (rng.random(n) < 0.3).astype(np.int16)
    assert good_coating(loading, code) == pytest.approx(loading[code == 0].sum(dtype=float), rel=1e-12)
