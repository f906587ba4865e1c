"""Durations in ticks, drawn by name: the same entity and row always get the same one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.config.distribution import Distribution
from cellfab.kernels.laws import Law, duration, pack
from cellfab.kernels.lot_durations import durations
from cellfab.units import to_ticks


class Duration:
    """A law of durations and the stream it is drawn from.

    Parameters
    ----------
    distribution : Distribution
        The law, in seconds.
    key : uint64
        Stream of the decision (`cellfab.kernels.random.stream_key`).

    Attributes
    ----------
    key : uint64
    law : Law
        As kernels take it.
    fixed : int or None
        The duration in ticks if it is always the same.
    drawn : int
        Draws so far.
    """

    __slots__ = ("_seconds", "drawn", "fixed", "key", "law")

    def __init__(self, distribution: Distribution, key: np.uint64) -> None:
        self.fixed: int | None = None
        if distribution.law == "deterministic":
            self._seconds = distribution.value_s
            self.fixed = to_ticks(distribution.value_s)
        self.drawn = 0
        self.key = key
        self.law: Law = pack(distribution)

    def ticks(self, entity: int, row: int = 0, factor: float = 1.0) -> int:
        """The duration that belongs to (`entity`, `row`), times `factor`, in ticks."""
        if self.fixed is not None:
            return self.fixed if factor == 1.0 else to_ticks(self._seconds * factor)
        self.drawn += 1
        return int(duration(*self.law, factor, self.key, entity, row))

    def each(self, entity: int, rows: int, factor: float = 1.0) -> npt.NDArray[np.int64]:
        """The durations of rows 0 to `rows` - 1, in ticks, shape (rows,)."""
        if self.fixed is not None:
            return np.full(rows, self.ticks(entity, 0, factor), dtype=np.int64)
        self.drawn += rows
        out = np.empty(rows, dtype=np.int64)
        durations(*self.law, factor, self.key, entity, out)
        return out
