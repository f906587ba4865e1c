"""The one place that decides how kernels are compiled and where compiled code is kept."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def _cache_folder() -> Path:
    """A folder named by what the kernels say, so that an edited helper can never meet old machine code.

    numba's own cache looks at the file of the called kernel only: a helper changed in another file
    leaves the caller's cache stale (github.com/numba/numba/issues/9304).
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cellfab" / digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` lazily: nopython, GIL released, no fastmath (NaN must stay NaN), cached."""
    compiled: Callable[..., Any] = numba.njit(nogil=True, fastmath=False, cache=True, error_model="numpy")(function)
    return compiled
