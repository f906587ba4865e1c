"""A lot: n rows that move together, with typed columns and an exit code per row."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
import numpy.typing as npt

from cellfab.kernels import AtFirstUse

scrapping = AtFirstUse("scrapping")

ALIVE = 0


def lineage(*names: str | int) -> int:
    """A 63-bit identity that depends on where something comes from, never on when it was made."""
    digest = blake2b("\x1f".join(map(str, names)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@lru_cache(maxsize=256)
def _codes(causes: tuple[int, ...]) -> npt.NDArray[np.int16]:
    """Exit codes by reason: `ALIVE`, then the causes."""
    return np.array((ALIVE, *causes), dtype=np.int16)


class Lot:
    """Rows are never dropped or renumbered: the row index is a row's identity.

    Attributes
    ----------
    identity : int
        Lineage: source and ordinal, or parents and station. Names every random draw about this lot.
    ordinal : int
        Position in its source's sequence (children inherit it from their first parent).
    product : str
        Name of the product the lot is made for.
    material : str
        What it is: "cathode", "anode", "separator", "cell"; empty on a bare line.
    n : int
        Rows: powder charges, web segments or cells; 1 on a bare line.
    unit, amount
        What the lot weighs in buffers, in the unit it is handled in there.
    columns : dict of str to ndarray, each shape (n,)
        Registered in `cellfab.core.columns`.
    exit_code : ndarray of int16, shape (n,), or None while every row is alive
        0 alive; otherwise the code of the cause that scrapped the row (`cellfab.core.causes`). Written by `scrap` and
        `scrap_each`, and by kernels that are told of to the lot with `cellfab.core.web.scrapped`.
    n_dead : int
        Rows that have left.
    losses : list of (cause, rows)
        What `scrap` has taken since somebody last looked and cleared it: the accounts are kept from it.
    created, entered : int
        Ticks at which the lot entered the line, and the buffer or station it is in.
    value_usd : float
        Cost added so far to the rows still alive.
    sellable : bool
        False for a qualification lot: it is made, tested and never sold.
    attributes : dict
        Facts about the lot as a whole (m of web, kg of powder, lanes), by name with unit suffix.
    """

    __slots__ = (
        "amount", "attributes", "columns", "created", "entered", "exit_code", "identity", "losses", "material", "n",
        "n_dead", "ordinal", "parents", "priority", "product", "sellable", "unit", "value_usd",
    )  # fmt: skip

    def __init__(
        self, identity: int, *, ordinal: int = 0, product: str = "part", material: str = "", n: int = 1,
        unit: str = "parts", amount: float = 1.0, created: int = 0, priority: int = 0, parents: tuple[Lot, ...] = (),
    ) -> None:  # fmt: skip
        self.identity = identity
        self.ordinal = ordinal
        self.product = product
        self.material = material
        self.n = n
        self.unit = unit
        self.amount = amount
        self.created = created
        self.entered = created
        self.priority = priority
        self.parents = tuple([parent.identity for parent in parents])
        self.columns: dict[str, npt.NDArray[Any]] = {}
        self.exit_code: npt.NDArray[np.int16] | None = None
        self.n_dead = 0
        self.losses: list[tuple[int, int]] = []
        self.value_usd = 0.0
        self.sellable = True
        self.attributes: dict[str, float] = {}

    def alive(self) -> npt.NDArray[np.bool_]:
        """Mask of the rows still in the line, shape (n,)."""
        if self.exit_code is None:
            return np.ones(self.n, dtype=np.bool_)
        mask: npt.NDArray[np.bool_] = self.exit_code == ALIVE
        return mask

    @property
    def n_alive(self) -> int:
        """Rows still in the line."""
        return self.n - self.n_dead

    def scrap(self, rows: npt.NDArray[np.bool_], cause: int) -> int:
        """Give the still-living rows in the mask `rows` the exit code `cause`; return how many there were."""
        if not rows.any():
            return 0
        if self.exit_code is None:
            self.exit_code = np.zeros(self.n, dtype=np.int16)
        hit = rows & (self.exit_code == ALIVE)
        self.exit_code[hit] = cause
        count = int(np.count_nonzero(hit))
        if count:
            self.n_dead += count
            self.losses.append((cause, count))
        return count

    def scrap_each(self, reason: npt.NDArray[np.uint8], causes: tuple[int, ...]) -> None:
        """Scrap the still-living rows whose `reason` is k > 0 for ``causes[k - 1]``; 0 leaves a row alone."""
        if not reason.any():
            return
        if self.exit_code is None:
            self.exit_code = np.zeros(self.n, dtype=np.int16)
        counts = np.zeros(len(causes) + 1, dtype=np.int64)
        scrapping.scrap_rows(reason, _codes(causes), self.exit_code, counts)
        for cause, rows in zip(causes, counts.tolist()[1:], strict=True):
            if rows:
                self.n_dead += rows
                self.losses.append((cause, rows))

    def child(
        self, place: str, *, n: int, unit: str, amount: float, material: str | None = None, others: tuple[Lot, ...] = ()
    ) -> Lot:
        """A new lot made at `place` (a station's name) out of this one and `others`.

        It inherits ordinal, product, age, priority, value added and facts from this lot, its identity from all its
        parents and the place; `material` stays unless another is given.
        """
        parents = (self, *others)
        made = Lot(
            lineage(*[parent.identity for parent in parents], place), ordinal=self.ordinal, product=self.product,
            material=self.material if material is None else material, n=n, unit=unit, amount=amount,
            created=self.created, priority=self.priority, parents=parents,
        )  # fmt: skip
        made.entered, made.attributes = self.entered, self.attributes.copy()
        made.value_usd, made.sellable = self.value_usd, self.sellable
        for other in others:
            made.value_usd += other.value_usd
            made.sellable = made.sellable and other.sellable
        return made
