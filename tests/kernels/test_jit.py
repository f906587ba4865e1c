"""Compiled code is kept by what the kernels say, so that an edited helper cannot meet a stale cache."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cellfab.kernels import _jit

KERNELS = Path(_jit.__file__).parent


def cache_folders(package: Path, home: Path) -> dict[str, str]:
    """The cache folders chosen for a copy of the package, by module."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1])\n"
        "from cellfab.kernels import _jit, inspection, laser_weld, wetting\n"
        "assert _jit.__file__.startswith(sys.argv[1])\n"
        "found = {'wetting': wetting.soak, 'inspection': inspection.raise_alarms, 'weld': laser_weld.weld_side}\n"
        "print(json.dumps({name: kernel._cache.cache_path for name, kernel in found.items()}))"
    )
    return json.loads(subprocess.run(
        [sys.executable, "-c", code, str(package)], env=environment, capture_output=True, text=True, check=True
    ).stdout)  # fmt: skip


@pytest.mark.skipif("NUMBA_CACHE_DIR" in os.environ, reason="the user has chosen a cache folder")
@pytest.mark.skipif("NUMBA_DISABLE_JIT" in os.environ, reason="nothing is compiled")
def test_an_edited_helper_moves_the_cache_of_all_that_is_made_of_it_and_of_nothing_else(tmp_path: Path) -> None:
    kernels = tmp_path / "cellfab" / "kernels"
    shutil.copytree(KERNELS, kernels, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "cellfab" / "__init__.py").touch()
    before = cache_folders(tmp_path, tmp_path)
    assert all(Path(folder).is_relative_to(tmp_path / "cellfab") for folder in before.values())
    assert cache_folders(tmp_path, tmp_path) == before
    with (kernels / "inspection.py").open("a") as helper:
        helper.write("\n# edited\n")
    after = cache_folders(tmp_path, tmp_path)
    assert {name for name in before if before[name] != after[name]} == {"inspection", "weld"}


def test_nothing_reorders_nan() -> None:
    """fastmath would let a NaN vanish: sums of NaN stay NaN in a compiled kernel."""

    @_jit.kernel
    def total(a: float, b: float) -> float:
        return a + b - b

    assert total(float("nan"), 1.0) != total(float("nan"), 1.0)
