"""The one place that decides how kernels are compiled and where compiled code is kept."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core.dispatcher import Dispatcher
from numba.core.types import unliteral

_IMPORTS = re.compile(r"^\s*(?:from|import) cellfab\.kernels(?:\.| import )(\w+)", re.MULTILINE)


def _sources(file: Path) -> set[Path]:
    """The kernel modules that compiled code of a file is made of: itself and all that it imports, at any depth."""
    reached = {file}
    waiting = [file]
    while waiting:
        imported = _IMPORTS.findall(waiting.pop().read_text(encoding="utf-8"))
        found = {Path(__file__).with_name(f"{module}.py") for module in imported} - reached
        reached |= found
        waiting += found
    return reached


@cache
def _cache_folder(file: str) -> str:
    """A folder named by what the kernels of a file say, so that an edited helper can never meet old machine code.

    numba's own cache looks at the file of the called kernel only: a helper changed in another file
    leaves the caller's cache stale (github.com/numba/numba/issues/9304).
    """
    digest = hashlib.sha256(numba.__version__.encode())
    for source in sorted(_sources(Path(file))):
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return str(base / "cellfab" / f"{Path(file).stem}-{digest.hexdigest()[:16]}")


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function`` lazily: nopython, GIL released, no fastmath (NaN must stay NaN), cached."""
    if "NUMBA_CACHE_DIR" not in os.environ:
        # numba asks where to keep the machine code while it decorates.
        numba.config.CACHE_DIR = _cache_folder(function.__code__.co_filename)  # type: ignore[attr-defined]
    # Nobody calls a kernel from C or hands it on as a value: the wrapper for that would be 4 % of the time to compile.
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": False,
        "cache": True,
        "error_model": "numpy",
        "no_cfunc_wrapper": True,
    }
    compiled: Any = numba.njit(**options)(function)
    if isinstance(compiled, Dispatcher):  # not so with NUMBA_DISABLE_JIT
        _compile_by_type(compiled)
    return compiled  # type: ignore[no-any-return]


def _compile_by_type(compiled: Any) -> None:
    """Let a kernel that other kernels call with constants be compiled for their types, not anew for each constant."""
    resolve = compiled.get_call_template
    plain: Callable[[Any], Any] = unliteral

    def resolve_types(args: tuple[Any, ...], kws: dict[str, Any]) -> Any:
        return resolve(tuple(map(plain, args)), {name: plain(arg) for name, arg in kws.items()})

    compiled.get_call_template = resolve_types
