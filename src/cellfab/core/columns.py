"""The column registry: every column a lot can carry, with its type, unit and meaning."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Column(NamedTuple):
    """One registered column."""

    name: str
    dtype: np.dtype[np.generic]
    unit: str
    text: str


COLUMNS: dict[str, Column] = {}


def column(name: str, dtype: str, unit: str, text: str) -> str:
    """Register a column and return its name; registering it twice with another meaning is an error."""
    made = Column(name, np.dtype(dtype), unit, text)
    if COLUMNS.setdefault(name, made) != made:
        raise ValueError(f"column '{name}' is already registered as {COLUMNS[name]}")
    return name
