"""Compiled and interpreted kernels side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def same_arrays(both_ways: Callable[..., list[str]], tmp_path: Path) -> Callable[[str], int]:
    """Runs a script, which writes arrays to the file it is given, in both ways; how many arrays were the same."""

    def compare(script: str) -> int:
        both_ways(lambda way: [script, str(tmp_path / f"{way}.npz")])
        with np.load(tmp_path / "compiled.npz") as compiled, np.load(tmp_path / "interpreted.npz") as interpreted:
            assert set(compiled) == set(interpreted)
            for name in compiled:
                if compiled[name].dtype == np.float32:
                    np.testing.assert_allclose(compiled[name], interpreted[name], rtol=2e-6, atol=1e-6, err_msg=name)
                else:
                    np.testing.assert_array_equal(compiled[name], interpreted[name], err_msg=name)
            return len(compiled)

    return compare
