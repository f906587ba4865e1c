"""Which rows of which parent a row came from: from powder charge to web segment to cell, and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.core.lot import Lot
from cellfab.errors import InvariantError

NOWHERE = -1
"""Parent row of a row that has no parent in that lot."""


class Ancestor(NamedTuple):
    """One row of one lot, with the lot's material."""

    lot: int
    row: int
    material: str


class Genealogy:
    """Lots and their parents; row by row if `rows` is on.

    That every lot's parents exist is checked always. Rows cost memory (4 bytes or fewer per row and parent), so they
    are kept only for runs that record cells.

    Parameters
    ----------
    rows : bool
        Keep which row came from which.
    """

    def __init__(self, *, rows: bool = False) -> None:
        self.rows = rows
        self._lots: dict[int, tuple[int, str]] = {}  # order of birth and material
        self._parents: dict[int, dict[int, npt.NDArray[np.int16] | npt.NDArray[np.int32]]] = {}
        self._children: dict[int, list[int]] = {}

    def born(self, lot: Lot) -> None:
        """Enter a lot: from a source (no parents), or made of lots that were entered before.

        Raises
        ------
        InvariantError
            If a parent is unknown, or the lot was entered before.
        """
        if lot.identity in self._lots:
            raise InvariantError(f"{lot.material or lot.product} lot {lot.identity} (no. {lot.ordinal}) was made twice")
        missing = [parent for parent in lot.parents if parent not in self._lots]
        if missing:
            raise InvariantError(
                f"{lot.material or lot.product} lot {lot.identity} (no. {lot.ordinal}) has a parent"
                f" that never existed: {missing[0]}"
            )
        self._lots[lot.identity] = (len(self._lots), lot.material)

    def __contains__(self, identity: int) -> bool:
        return identity in self._lots

    def link(self, child: int, parent: int, rows: npt.ArrayLike) -> None:
        """Say which parent row each child row came from; does nothing unless rows are kept.

        Parameters
        ----------
        child, parent : int
            Identities of lots entered before.
        rows : array_like of int, shape (rows of the child,) or (rows of the child, pieces)
            Row of the parent, `NOWHERE` (-1) where a child row has nothing of this parent; of a child row made of
            several parent rows all of them. A merged lot is linked to each of its parents.

        Raises
        ------
        InvariantError
            If a lot is unknown, or the child was entered before the parent.
        """
        for identity in (child, parent):
            if identity not in self._lots:
                raise InvariantError(f"lot {identity} is linked but was never entered")
        if self._lots[child] <= self._lots[parent]:
            raise InvariantError(f"lot {child} cannot come from lot {parent}, which is not older")
        if not self.rows:
            return
        given = np.asarray(rows)
        highest = int(given.max(initial=0))
        kept = given.astype(np.int16) if highest < 2**15 else given.astype(np.int32)
        if parent not in self._parents.setdefault(child, {}):
            self._children.setdefault(parent, []).append(child)
        self._parents[child][parent] = kept

    def trace(self, lot: int, row: int) -> list[Ancestor]:
        """Everything that row `row` of a lot came from, nearest first, up to the powder charges.

        Raises
        ------
        InvariantError
            If rows are not kept, or the lot is unknown.
        """
        self._need_rows(lot)
        found: list[Ancestor] = []
        seen: set[tuple[int, int]] = set()
        front = [(lot, row)]
        while front:
            reached: list[tuple[int, int]] = []
            for identity, at in front:
                for parent, rows in self._parents.get(identity, {}).items():
                    for piece in np.atleast_1d(rows[at]):
                        pair = (parent, int(piece))
                        if pair[1] != NOWHERE and pair not in seen:
                            seen.add(pair)
                            reached.append(pair)
                            found.append(Ancestor(*pair, self._lots[parent][1]))
            front = reached
        return found

    def impact(self, lot: int, first_row: int, last_row: int) -> dict[int, npt.NDArray[np.intp]]:
        """Everything made, wholly or in part, of rows `first_row` to `last_row` (both included) of a lot.

        Returns
        -------
        dict of int to ndarray of int
            Rows hit, ascending, by identity of the descendant lot, oldest lot first.

        Raises
        ------
        InvariantError
            If rows are not kept, or the lot is unknown.
        """
        self._need_rows(lot)
        hit: dict[int, npt.NDArray[np.intp]] = {lot: np.arange(first_row, last_row + 1)}
        waiting = set(self._children.get(lot, ()))
        while waiting:
            child = min(waiting, key=self._lots.__getitem__)  # parents are older, so all of its hits are known by now
            waiting.remove(child)
            masks = [
                np.isin(rows, hit[parent]).reshape(len(rows), -1).any(axis=1)
                for parent, rows in self._parents[child].items() if parent in hit
            ]  # fmt: skip
            rows_hit = np.flatnonzero(np.logical_or.reduce(masks))
            if rows_hit.size:
                hit[child] = rows_hit
                waiting.update(self._children.get(child, ()))
        del hit[lot]
        return hit

    def material(self, lot: int) -> str:
        """Material of an entered lot."""
        return self._lots[lot][1]

    def _need_rows(self, lot: int) -> None:
        if not self.rows:
            raise InvariantError("rows are not kept: make the genealogy with rows=True")
        if lot not in self._lots:
            raise InvariantError(f"lot {lot} was never entered")
