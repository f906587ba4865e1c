"""Compiled code is kept by what the kernels say, so that an edited helper cannot meet a stale cache."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cellfab.kernels import _jit

KERNELS = Path(_jit.__file__).parent


def cache_folder_of(folder: Path, home: Path) -> str:
    """The cache folder chosen by a copy of `_jit` that lies in `folder`."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    code = "import runpy, numba; runpy.run_path(r'%s'); print(numba.config.CACHE_DIR)" % (folder / "_jit.py")
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.skipif("NUMBA_CACHE_DIR" in os.environ, reason="the user has chosen a cache folder")
def test_an_edited_helper_moves_the_cache(tmp_path: Path) -> None:
    copy = tmp_path / "kernels"
    copy.mkdir()
    for source in ("_jit.py", "wetting.py"):
        (copy / source).write_bytes((KERNELS / source).read_bytes())
    before = cache_folder_of(copy, tmp_path)
    assert Path(before).parent == tmp_path / "cellfab"
    assert cache_folder_of(copy, tmp_path) == before
    (copy / "wetting.py").write_text((KERNELS / "wetting.py").read_text() + "\n# edited\n")
    assert cache_folder_of(copy, tmp_path) != before


def test_nothing_reorders_nan() -> None:
    """fastmath would let a NaN vanish: sums of NaN stay NaN in a compiled kernel."""

    @_jit.kernel
    def total(a: float, b: float) -> float:
        return a + b - b

    assert total(float("nan"), 1.0) != total(float("nan"), 1.0)
