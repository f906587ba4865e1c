"""Cells out of electrodes: which segments a cell is made of, and what it has of them.

Both electrodes' webs have the same lanes. In each lane the good segments, behind those lost at the start of a daughter
roll, are taken in order: the k-th cell has the k-th group of `pieces` cathode and of `pieces` anode segments. What one
web has left when the other ends is a remnant. The rows of a cell's group follow from its first one: they are the next
good ones of its parent (segments thrown out at the joining machine have an exit code there).

Of its pieces a cell has the mean loading, composition, porosity, moisture and edge, the highest burr, the lowest N/P of
pieces that face each other, the largest hole of its anode and metal particle of either electrode, and a particle for
each flawed cut edge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.core.columns import column
from cellfab.core.lot import Lot
from cellfab.core.web import KG_PER_M2, exit_codes, settle_web
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse

joining = AtFirstUse("joining")

ELECTRODES = ("cathode", "anode")
_BURR = "burr_um"
_EDGE = "edge_thinning_fraction"
_FLAW = "notch_flaw"
_METAL = "metal_um"
_HOLE = "pinhole_mm"
READS = (
    "loading_mg_per_cm2", "binder_fraction", "porosity", "moisture_ppm", _BURR, "active_fraction",
    "specific_capacity_mah_per_g", "width_mm", _FLAW,
)  # fmt: skip
"""Columns of segments that `join` and `flaws` need; `metal_um`, `pinhole_mm` and `edge_thinning_fraction` where a web
has them."""


class _Own(NamedTuple):
    """Names of the columns and facts of a cell that are about one of its electrodes."""

    row: str
    areal: str
    porosity: str
    moisture: str
    burr: str
    means: tuple[tuple[str, str], ...]
    """Further columns of segments whose mean a cell has, and their names there."""
    remnant_cells: str
    used_kg: str
    remnant_kg: str


def _own(electrode: str) -> _Own:
    def mean(name: str, unit: str, text: str) -> tuple[str, str]:
        return name, column(f"{electrode}_{name}", "float32", unit, text)

    edge = mean(_EDGE, "1", f"loading missing at the {electrode}'s edge, below 0: heavy")
    asked_later = (
        mean("loading_mg_per_cm2", "mg/cm2", f"true dry coating per side of the cell's {electrode}"),
        mean("binder_fraction", "1", f"true mass fraction of binder in the coating of the cell's {electrode}"),
    ) if electrode == "anode" else ()  # fmt: skip
    return _Own(
        column(f"{electrode}_row", "int32", "1", f"row of the cell's first {electrode} piece in its parent lot"),
        column(f"{electrode}_areal_mah_per_cm2", "float32", "mAh/cm2", f"true areal capacity per side, {electrode}"),
        column(f"{electrode}_porosity", "float32", "1", f"true porosity of the cell's {electrode}"),
        column(f"{electrode}_moisture_ppm", "float32", "ppm", f"true water content of the cell's {electrode}"),
        column(f"{electrode}_{_BURR}", "float32", "um", f"true height of the highest burr on the cell's {electrode}"),
        (*asked_later, edge),
        f"{electrode}_remnant_cells", f"{electrode}_used_kg", f"{electrode}_remnant_kg",
    )  # fmt: skip


_OWN = tuple(map(_own, ELECTRODES))
LEAST_NP = column("least_np_ratio", "float32", "1", "true lowest N/P ratio of the cell's pieces that face each other")
OVERHANG = column("overhang_mm", "float32", "mm", "true smallest distance by which the anode's edge stands out")
SEPARATOR_FAULT = column("separator_fault", "uint8", "1", "1 where the separator is folded, pierced or scorched")
METAL = column("mixed_in_metal_um", "float32", "um", "true size of the largest metal particle in the coatings; 0: none")
HOLE = column("anode_hole_mm", "float32", "mm", "true size of the largest hole in the anode's coating; 0: none")
PARTICLES = column("particles_in_roll", "uint8", "1", "particles between the electrodes, 255 for more")
WRITES = (
    *(name for own in _OWN for name in (own.row, own.areal, own.porosity, own.moisture, own.burr)),
    *(name for own in _OWN for _, name in own.means), LEAST_NP, OVERHANG, SEPARATOR_FAULT, PARTICLES, METAL, HOLE,
)  # fmt: skip
"""Columns of the cells that come out of any joining step."""

Rows = npt.NDArray[np.int32]


class Pieces(NamedTuple):
    """How many segments of each electrode a cell takes, and how many good ones are lost per daughter roll."""

    cathode: int
    anode: int
    cathode_skip: int
    anode_skip: int


def take(cathode: Lot, anode: Lot, pieces: Pieces) -> tuple[Rows, Rows]:
    """Rows of the segments that become cells, cell by cell: shapes (cells * pieces,) of each electrode.

    Raises
    ------
    ConfigError
        If the webs do not have the same lanes.
    """
    lanes = int(cathode.attributes["lanes"])
    if lanes != int(anode.attributes["lanes"]):
        raise ConfigError(
            f"cathode rolls have {lanes} lanes and anode rolls {int(anode.attributes['lanes'])}:"
            " one daughter roll of each becomes cells"
        )
    rows = np.empty(cathode.n + 1, np.int32), np.empty(anode.n + 1, np.int32)
    cells = joining.take_cells(exit_codes(cathode), exit_codes(anode), lanes, *pieces, *rows)
    return rows[0][: cells * pieces.cathode], rows[1][: cells * pieces.anode]


def piece_rows(web: Lot, first: Rows) -> Rows:
    """Rows of all pieces of cells, from the row of each cell's first piece: what `take` took.

    Parameters
    ----------
    web : Lot
        The segments, with the exit codes that they had when the cells were made.
    first : ndarray of int32, shape (cells,)

    Returns
    -------
    ndarray of int32, shape (cells, pieces)
        Each cell's rows, ascending.
    """
    pieces = int(web.attributes.get("pieces_per_cell", 1.0))
    if pieces == 1:
        return first[:, None]
    good = np.flatnonzero(web.alive()).astype(np.int32)
    rows: Rows = good[np.searchsorted(good, first)[:, None] + np.arange(pieces)]
    return rows


def passed_over(web: Lot, rows: Rows) -> tuple[Rows, npt.NDArray[np.intp]]:
    """Scrapped segments that lie between the pieces of a cell.

    Parameters
    ----------
    web : Lot
    rows : ndarray of int32, shape (cells, pieces)
        From `piece_rows`.

    Returns
    -------
    skipped : ndarray of int32
        Their rows, cell by cell, ascending.
    counts : ndarray of int, shape (cells,)
        How many there are in each cell.
    """
    gone = np.flatnonzero(~web.alive()).astype(np.int32)
    cell = np.searchsorted(rows[:, -1], gone)
    within = cell < len(rows)
    within[within] = rows[cell[within], 0] < gone[within]
    return gone[within], np.bincount(cell[within], minlength=len(rows))


def spanned_rows(first: Rows, last: Rows, skipped: Rows) -> Rows:
    """Rows of all pieces of cells, shape (cells, pieces), from what is recorded of them.

    Parameters
    ----------
    first, last : ndarray of int32, shape (cells,)
        Rows of each cell's first and last piece; no two cells overlap.
    skipped : ndarray of int32
        Rows between them that are in no cell, of all cells.
    """
    lengths = last - first + 1
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    rows: Rows = (np.repeat(first, lengths) + within).astype(np.int32)
    rows = rows[~np.isin(rows, skipped)]
    return rows.reshape(len(first), rows.size // max(len(first), 1))


def join(
    cathode: Lot, anode: Lot, separator: Lot, place: str, rows: tuple[Rows, Rows], pieces: Pieces
) -> Lot:  # fmt: skip
    """The lot of cells made of these segments, with all columns that they inherit.

    Facts in its attributes, for each electrode: NAME_remnant_cells (good segments not used), and in kg of dry coating
    NAME_used_kg and NAME_remnant_kg.
    """
    n = rows[0].size // pieces.cathode
    child = cathode.child(place, n=n, unit="cells", amount=float(n), material="cell", others=(anode, separator))
    columns, facts = child.columns, child.attributes
    areal = []
    for lot, row, per_cell, names in zip((cathode, anode), rows, pieces, _OWN, strict=False):
        settle_web(lot)
        segments = lot.columns
        columns[names.row] = row if per_cell == 1 else row[::per_cell].copy()
        of_piece = np.empty(row.size, np.float32)
        columns[names.porosity], columns[names.moisture] = np.empty(n, np.float32), np.empty(n, np.float32)
        columns[names.burr] = np.empty(n, np.float32)
        used_mg_per_cm2 = joining.inherit(
            row, segments["loading_mg_per_cm2"], segments["active_fraction"], segments["specific_capacity_mah_per_g"],
            segments["porosity"], segments["moisture_ppm"], segments[_BURR], of_piece, columns[names.porosity],
            columns[names.moisture], columns[names.burr],
        )  # fmt: skip
        areal.append(of_piece)
        columns[names.areal] = of_piece
        if per_cell > 1:
            columns[names.areal] = np.empty(n, np.float32)
            joining.mean_of_neighbours(of_piece, columns[names.areal])
        for source, name in names.means:
            if source in segments:
                columns[name] = np.empty(n, np.float32)
                joining.mean_of_pieces(row, segments[source], columns[name])
        used_kg = used_mg_per_cm2 * KG_PER_M2 * lot.attributes["segment_m2"]
        facts[names.remnant_cells] = float(lot.n_alive - row.size)
        facts[names.used_kg] = used_kg
        facts[names.remnant_kg] = lot.attributes["kg_good"] - used_kg
    for name, source, parents in ((METAL, _METAL, (cathode, anode)), (HOLE, _HOLE, (anode,))):
        columns[name] = _largest(source, parents, rows[2 - len(parents) :], n)
    columns[LEAST_NP] = np.empty(n, np.float32)
    joining.least_ratio(*areal, 1 + pieces.anode - pieces.cathode, columns[LEAST_NP])
    return child


def _largest(source: str, parents: tuple[Lot, ...], rows: tuple[Rows, ...], n: int) -> npt.NDArray[np.float32]:
    """Largest value of a cell's pieces, of all electrodes that have the column; 0 where none has."""
    found = np.zeros(n, np.float32)
    for lot, row in zip(parents, rows, strict=True):
        if source in lot.columns:
            joining.raise_over_pieces(row, lot.columns[source], found)
    return found


def flaws(cathode: Lot, anode: Lot, rows: tuple[Rows, Rows], n: int) -> npt.NDArray[np.uint8]:
    """Particles that the pieces of each cell bring along: one for a flawed cut edge."""
    found = np.zeros(n, np.uint8)
    for lot, row in zip((cathode, anode), rows, strict=True):
        joining.add_over_pieces(row, lot.columns[_FLAW], found)
    return found
