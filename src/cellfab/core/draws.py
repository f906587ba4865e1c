"""Random numbers of one owner (a station, or a machine of a chain), asked for by the name of the decision."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse

random = AtFirstUse("random")


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

    __slots__ = ("_key_rows", "_keys", "owner", "replicate", "seed")

    def __init__(self, seed: int, replicate: int, owner: str) -> None:
        self.seed = seed
        self.replicate = replicate
        self.owner = owner
        self._keys: dict[str, np.uint64] = {}
        self._key_rows: dict[tuple[str, ...], npt.NDArray[np.uint64]] = {}

    def key(self, decision: str) -> np.uint64:
        """The stream of a decision, for kernels that draw by themselves."""
        try:
            return self._keys[decision]
        except KeyError:
            found: np.uint64 = random.stream_key(self.seed, self.replicate, self.owner, decision)
            self._keys[decision] = found
            return found

    def keys(self, decisions: tuple[str, ...]) -> npt.NDArray[np.uint64]:
        """`key` of several decisions, shape (decisions,)."""
        try:
            return self._key_rows[decisions]
        except KeyError:
            found = self._key_rows[decisions] = np.array([self.key(decision) for decision in decisions])
            return found

    def uniform(self, decision: str, lot: Lot, n: int | None = None) -> npt.NDArray[np.float32]:
        """Uniform numbers in (0, 1), one per row of the lot (or `n` of them), float32."""
        out = np.empty(lot.n if n is None else n, np.float32)
        random.fill_uniform(self.key(decision), lot.identity, out)
        return out

    def normal(self, decision: str, lot: Lot, n: int | None = None) -> npt.NDArray[np.float32]:
        """Standard normal numbers, one per row of the lot (or `n` of them), float32."""
        out = np.empty(lot.n if n is None else n, np.float32)
        random.fill_normal(self.key(decision), lot.identity, out)
        return out

    def normals(self, decisions: tuple[str, ...], lot: Lot) -> npt.NDArray[np.float32]:
        """`normal` of several decisions, shape (decisions, rows of the lot)."""
        out = np.empty((len(decisions), lot.n), np.float32)
        random.fill_normals(self.keys(decisions), lot.identity, out)
        return out
