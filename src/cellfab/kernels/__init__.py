"""Compiled mechanisms: pure functions, arrays in and out. numba and numpy only; one file per physics."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class AtFirstUse:
    """A module of kernels that is imported when one of its functions is first called for.

    Steps are read wherever a scenario is, which must not load numba; an import statement inside a function that runs
    for every lot costs as much as the call of a kernel.

    Parameters
    ----------
    module : str
        Name within this package.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(f"{__name__}.{self._module}"), name)
        setattr(self, name, value)
        return value
