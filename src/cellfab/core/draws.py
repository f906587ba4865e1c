"""Random numbers of one owner (a station, or a machine of a chain), asked for by the name of the decision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot


class Draws:
    """Columns of random numbers for lots, named by (seed, replicate, owner, decision) and the identity of the lot.

    Asking twice gives the same numbers; the order of asking, other owners and other lots do not matter.

    Parameters
    ----------
    seed, replicate : int
        Of the run.
    owner : str
        Name of the station, or "station.machine" in a chain.
    """

    __slots__ = ("_fill_normal", "_fill_uniform", "_keys", "owner", "replicate", "seed")

    def __init__(self, seed: int, replicate: int, owner: str) -> None:
        from cellfab.kernels.random import fill_normal, fill_uniform

        self._fill_normal, self._fill_uniform = fill_normal, fill_uniform
        self.seed = seed
        self.replicate = replicate
        self.owner = owner
        self._keys: dict[str, np.uint64] = {}

    def key(self, decision: str) -> np.uint64:
        """The stream of a decision, for kernels that draw by themselves."""
        found = self._keys.get(decision)
        if found is None:
            from cellfab.kernels.random import stream_key

            found = self._keys[decision] = stream_key(self.seed, self.replicate, self.owner, decision)
        return found

    def uniform(self, decision: str, lot: Lot, n: int | None = None) -> npt.NDArray[np.float32]:
        """Uniform numbers in (0, 1), one per row of the lot (or `n` of them), float32."""
        out = np.empty(lot.n if n is None else n, dtype=np.float32)
        self._fill_uniform(self.key(decision), lot.identity, out)
        return out

    def normal(self, decision: str, lot: Lot, n: int | None = None) -> npt.NDArray[np.float32]:
        """Standard normal numbers, one per row of the lot (or `n` of them), float32."""
        out = np.empty(lot.n if n is None else n, dtype=np.float32)
        self._fill_normal(self.key(decision), lot.identity, out)
        return out

    def uniforms(self, decisions: tuple[str, ...], lot: Lot) -> npt.NDArray[np.float32]:
        """`uniform` of several decisions, shape (decisions, rows of the lot)."""
        out = np.empty((len(decisions), lot.n), dtype=np.float32)
        for row, decision in zip(out, decisions, strict=True):
            self._fill_uniform(self.key(decision), lot.identity, row)
        return out

    def normals(self, decisions: tuple[str, ...], lot: Lot) -> npt.NDArray[np.float32]:
        """`normal` of several decisions, shape (decisions, rows of the lot)."""
        out = np.empty((len(decisions), lot.n), dtype=np.float32)
        for row, decision in zip(out, decisions, strict=True):
            self._fill_normal(self.key(decision), lot.identity, row)
        return out
