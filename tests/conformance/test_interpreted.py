"""Without the compiler the same numbers come out: every step of every plant, run by Python itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parent / "conftest.py"
ULPS = 1.0
"""Largest difference. NumPy's exponential and the C library's, which compiled code calls, may differ in the last digit
of double precision, so that seldom a number is rounded otherwise."""
SELDOM = 1e-3


def test_interpreted_steps_give_the_numbers_of_compiled_ones(tmp_path):
    """One short lot of each product through all places, two processes side by side."""
    running = []
    for name in ("compiled", "interpreted"):
        environment = {key: value for key, value in os.environ.items() if key != "NUMBA_DISABLE_JIT"}
        if name == "interpreted":
            environment["NUMBA_DISABLE_JIT"] = "1"
        command = [sys.executable, "-W", "error", str(SCRIPT), str(tmp_path / f"{name}.npz")]
        running.append(subprocess.Popen(command, env=environment))
    assert [process.wait(timeout=300) for process in running] == [0, 0]
    numbers = others = 0
    with np.load(tmp_path / "compiled.npz") as compiled, np.load(tmp_path / "interpreted.npz") as interpreted:
        assert set(compiled) == set(interpreted)
        for name in compiled:
            one, other = compiled[name], interpreted[name]
            assert (one.dtype, one.shape) == (other.dtype, other.shape), name
            if one.dtype.kind == "f":
                np.testing.assert_array_max_ulp(one, other, maxulp=ULPS)
                numbers += one.size
                others += np.count_nonzero(one != other)
            else:
                np.testing.assert_array_equal(one, other, err_msg=name)
    assert numbers > 20_000
    assert others <= SELDOM * numbers
