"""What a lever is before it is written into a study, and how it is put into words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class DefaultLever(NamedTuple):
    """A lever before it is written into a study.

    Attributes
    ----------
    name, kind, text : str
    settings : mapping of str to value
        By path.
    amount : float or None
        How much of `unit` it is.
    unit : str
    at : str
        Station, machine or crew that it is about, as written under `line`; empty: none.
    """

    name: str
    kind: str
    text: str
    settings: Mapping[str, Any]
    amount: float | None = None
    unit: str = ""
    at: str = ""


def words(name: str) -> str:
    """The name of a station or machine within a sentence."""
    return name.replace("_", " ").replace(".", ": ")


def percent(share: float) -> str:
    """A share in words."""
    return f"{100.0 * share:.3g} %"


def short(value: float) -> float:
    """With the digits that a step of some per cent leaves."""
    return float(f"{value:.6g}")


def quoted(name: str) -> str:
    """A name with dots as one part of a path."""
    return f'"{name}"' if "." in name else name
