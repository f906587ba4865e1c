"""Exit codes: each cause of scrap has one number, one name and the step that owns it."""

from __future__ import annotations

from typing import NamedTuple

from cellfab.core.lot import lineage


class Cause(NamedTuple):
    """A reason for which rows leave the line."""

    code: int
    step: str
    name: str
    text: str


_BY_CODE: dict[int, Cause] = {}
_NAMES: dict[int, str] = {}
name_of = _NAMES.__getitem__
"""The name of the cause behind an exit code."""


def cause(step: str, name: str, text: str) -> int:
    """Register a cause and return its code: a stable function of its name, so adding one never renumbers others."""
    code = 1 + lineage("cause", step, name) % 32_749
    known = _BY_CODE.get(code)
    if known is not None and (known.step, known.name) != (step, name):
        raise ValueError(f"causes {known.step}.{known.name} and {step}.{name} share code {code}; rename one")
    _BY_CODE[code] = Cause(code, step, name, text)
    _NAMES[code] = name
    return code


def describe(code: int) -> Cause:
    """The cause behind an exit code."""
    return _BY_CODE[code]


def in_words(name: str) -> str:
    """Text of a cause called "step.name"; the name itself where no loaded step has it."""
    return next((known.text for known in _BY_CODE.values() if f"{known.step}.{known.name}" == name), name)
