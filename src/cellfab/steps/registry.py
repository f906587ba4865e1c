"""The steps there are, by name: every `Step` subclass with a name in a file of this folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import MappingProxyType

import cellfab.steps
from cellfab.steps.base import Step


@cache
def registry() -> MappingProxyType[str, type[Step]]:
    """Import every module of `cellfab.steps` and collect its steps.

    Returns
    -------
    mapping of str to type
        Step classes by `Step.name`, sorted by name.

    Raises
    ------
    ValueError
        If two classes carry the same name.
    """
    found: dict[str, type[Step]] = {}
    for module_info in pkgutil.iter_modules(cellfab.steps.__path__):
        module = importlib.import_module(f"cellfab.steps.{module_info.name}")
        for _, member in inspect.getmembers(module, inspect.isclass):
            if not issubclass(member, Step) or inspect.isabstract(member) or member.__module__ != module.__name__:
                continue
            if member.name in found:
                both = f"{found[member.name].__module__} and {module.__name__}"
                raise ValueError(f"step '{member.name}' is defined in {both}")
            found[member.name] = member
    return MappingProxyType(dict(sorted(found.items())))
