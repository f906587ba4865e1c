"""What a run remembers of single cells: their true and measured state, where they left the line, and their parents.

Nothing is kept by default, so that memory stays flat. With ``run.record: sample`` or ``full`` cells are written to
cells.parquet as their lots leave the line, and every lot to genealogy.parquet. A sample is made of whole lots of cells,
chosen by their identity: the same ones each time, and every parent of theirs can be found.
"""

from __future__ import annotations

import shutil
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.run_spec import Run
from cellfab.core.causes import describe
from cellfab.core.columns import COLUMNS
from cellfab.core.genealogy import NOWHERE, Genealogy
from cellfab.core.joining import passed_over, piece_rows
from cellfab.core.lot import ALIVE, Lot, lineage

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_FILE, GENEALOGY_FILE = "cells.parquet", "genealogy.parquet"
KEY_COLUMNS = (
    "cathode_areal_mah_per_cm2", "anode_areal_mah_per_cm2", "overhang_mm", "capacity_ah", "first_cycle_efficiency",
    "dcir_mohm", "k_mv_per_d", "defects", "capacity_measured_ah", "dcir_measured_mohm", "k_measured_mv_per_d",
    "energy_wh", "grade",
)  # fmt: skip
"""Columns of cells that are recorded where a step of the line writes them; `run.record_columns` adds to them."""
SIDES = ("cathode", "anode")
SOLD, UNSOLD, SCRAPPED, INSIDE = "sold", "unsold", "scrapped", "inside"
OUTCOMES = (SOLD, UNSOLD, SCRAPPED, INSIDE)
"""How a cell ended: passed and sold; passed while the line was requalified; thrown away; still in the line."""
LINKS = ("lot", "row", "last_row", "skipped_rows", "charge")
"""What is known of each electrode of a cell, in columns SIDE_NAME: the mother roll, the rows of the first and the last
piece, rows between them that were scrapped and are in no cell, and the first piece's charge of powder."""
_CHARGE = "charge"
_ASCENDING = (
    "row", *(f"{side}_{name}" for side in SIDES for name in ("row", "last_row", "skipped_rows.list.element"))
)  # fmt: skip
"""Columns, as paths in the file, that are written as differences, which take next to no room."""
_GROUP_ROWS = 65_536
"""Rows of a Parquet row group, at least: whole lots, so that a reader skips what it is not asked for."""
_STILL_HERE = -1


class _Link(NamedTuple):
    """What cells are made of, for one electrode; see `LINKS`."""

    lot: str
    row: npt.NDArray[np.int32]
    last_row: npt.NDArray[np.int32]
    skipped: tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]] | None
    """Rows, and their number per cell; None of cells of one piece."""
    charge: npt.NDArray[np.int32]


class _Track:
    """One recorded lot of cells on its way."""

    __slots__ = ("columns", "left_at", "links", "seen_at")

    def __init__(self, rows: int) -> None:
        self.columns: dict[str, npt.NDArray[np.float32]] = {}
        self.left_at = np.full(rows, _STILL_HERE, np.int16)
        """Per row: number of the place where it was lost."""
        self.seen_at = _STILL_HERE
        """Number of the place that the lot came to last."""
        self.links: dict[str, _Link] = {}
        """By electrode."""


class Recorder:
    """Listens to one replicate of a plant and writes what it hears.

    Parameters
    ----------
    run : Run
        What is to be recorded.
    seed, replicate : int
    files : Files
        Where it is written; all replicates write to the same.
    """

    def __init__(self, run: Run, seed: int, replicate: int, files: Files) -> None:
        self._share = 1.0 if run.record == "full" else run.record_share
        self._wanted = frozenset((*KEY_COLUMNS, *run.record_columns))
        self._seed = seed
        self._replicate = replicate
        self._files = files
        self._genealogy = Genealogy()
        self._names: dict[int, str] = {}
        self._taken: set[str] = set()
        self._places: dict[str, int] = {}
        self._tracks: dict[int, _Track] = {}
        self._lots: dict[int, Lot] = {}

    # ---- what the plant tells ---------------------------------------------------------------------------------

    def came(self, lots: Sequence[Lot]) -> None:
        """Lots come to a station; those straight from a source are new."""
        for lot in lots:
            if lot.identity not in self._genealogy:
                self._born(lot, lot.material)

    def made(self, place: str, parents: Sequence[Lot], child: Lot) -> None:
        """Lots have become another one."""
        self._born(child, place)
        for parent in parents:
            self._genealogy.link(child.identity, parent.identity, ())
        if child.material != "cell" or not self._chosen(child):
            return
        track = self._tracks[child.identity] = _Track(child.n)
        self._lots[child.identity] = child
        for parent in parents:
            row = child.columns.get(f"{parent.material}_row")
            if row is None:
                continue
            charge = parent.columns.get(_CHARGE)
            of_charge = np.full(child.n, NOWHERE, np.int32) if charge is None else charge[row].astype(np.int32)
            pieces = piece_rows(parent, row)
            track.links[parent.material] = _Link(
                self._names[parent.identity], row.astype(np.int32), pieces[:, -1].astype(np.int32),
                passed_over(parent, pieces) if pieces.shape[1] > 1 else None, of_charge,
            )  # fmt: skip

    def passed(self, place: str, lot: Lot, writes: Sequence[str] = ()) -> None:
        """A lot has been worked on at `place`, where the columns `writes` were written; or has lost rows there."""
        track = self._tracks.get(lot.identity)
        if track is None:
            return
        was_here = track.left_at == _STILL_HERE
        for name in self._wanted.intersection(writes):
            if name in lot.columns:
                known = track.columns.setdefault(name, np.full(lot.n, np.nan, np.float32))
                np.copyto(known, lot.columns[name], where=was_here, casting="unsafe")
        number = track.seen_at = self._places.setdefault(place, len(self._places))
        if lot.exit_code is not None:
            track.left_at[was_here & (lot.exit_code != ALIVE)] = number

    def left(self, lot: Lot, outcome: str) -> None:
        """A lot has left the line: its living cells with `outcome`."""
        if lot.identity in self._tracks:
            self._write(lot, outcome)

    def close(self) -> None:
        """Write the cells still inside the line, and the lots."""
        for identity in list(self._tracks):
            self._write(self._lots[identity], INSIDE)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _chosen(self, lot: Lot) -> bool:
        return lineage("record", self._seed, self._replicate, lot.identity) < self._share * 2.0**63

    def _born(self, lot: Lot, place: str) -> None:
        self._genealogy.born(lot)
        name = f"{place}-{lot.ordinal}"
        if name in self._taken:
            name = f"{name}-{lot.identity % 1_000_000:06d}"
        self._taken.add(name)
        self._names[lot.identity] = name
        facts = lot.attributes
        is_web, is_cell = lot.unit == "m", lot.material == "cell"
        charge = lot.columns.get(_CHARGE) if is_web else None
        self._files.lot(
            {
                "replicate": self._replicate,
                "lot": name,
                "identity": lot.identity,
                "material": lot.material,
                "product": lot.product,
                "place": place,
                "ordinal": lot.ordinal,
                "parents": " ".join(self._names[parent] for parent in lot.parents),
                "rows": lot.n,
                "lanes": int(facts["lanes"]) if is_web else None,
                "positions": int(facts["positions"]) if is_web else None,
                "pitch_m": facts["pitch_m"] if is_web else None,
                "length_m": facts["length_m"] if is_web else None,
                "charge_starts": None if charge is None else _starts(charge[: int(facts["positions"])]),
                "recorded": self._chosen(lot) if is_cell else None,
            }
        )

    def _write(self, lot: Lot, outcome: str) -> None:
        track = self._tracks.pop(lot.identity)
        self._lots.pop(lot.identity)
        code = np.zeros(lot.n, np.int16) if lot.exit_code is None else lot.exit_code
        self._files.cells(self._replicate, self._names[lot.identity], lot, code, outcome, track, tuple(self._places))


class Files:
    """cells.parquet and genealogy.parquet while they are written.

    Parameters
    ----------
    folder : Path
        Must be there.
    columns : sequence of str
        Names of the columns of cells, as in `recorded_columns`.
    """

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.folder = folder
        self._columns = tuple(columns)
        words, number, small = pa.dictionary(pa.int32(), pa.string()), pa.int32(), pa.float32()
        self._schema = pa.schema(
            [
                ("replicate", number), ("lot", words), ("row", number), ("product", words), ("outcome", words),
                ("station", words), ("cause", words),
                *((f"{side}_{name}", kind) for side in SIDES
                  for name, kind in zip(LINKS, (words, number, number, pa.list_(number), number), strict=True)),
                *((name, small if COLUMNS[name].dtype.kind == "f" else number) for name in self._columns),
            ]
        )  # fmt: skip
        self._writer = pq.ParquetWriter(
            folder / CELLS_FILE, self._schema, version="2.4", compression="snappy", store_schema=False,
            use_dictionary=[field.name for field in self._schema if pa.types.is_dictionary(field.type)],
            column_encoding=dict.fromkeys(_ASCENDING, "DELTA_BINARY_PACKED"),
        )  # fmt: skip
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._lots: list[dict[str, Any]] = []

    def lot(self, facts: dict[str, Any]) -> None:
        """Note a lot."""
        self._lots.append(facts)

    def cells(
        self, replicate: int, name: str, lot: Lot, code: npt.NDArray[np.int16], outcome: str, track: _Track,
        places: Sequence[str],
    ) -> None:  # fmt: skip
        """Write all cells of a lot."""
        import pyarrow as pa

        n, dead = lot.n, code != ALIVE
        causes, cause = np.unique(code, return_inverse=True)
        cause_names = ["" if c == ALIVE else f"{describe(int(c)).step}.{describe(int(c)).name}" for c in causes]
        # A cell that is still inside is at or behind the place that it came to last.
        here = track.seen_at if outcome == INSIDE and track.seen_at >= 0 else len(places)
        data: dict[str, pa.Array] = {
            "replicate": pa.array(np.full(n, replicate, np.int32)),
            "lot": _same(name, n),
            "row": pa.array(np.arange(n, dtype=np.int32)),
            "product": _same(lot.product, n),
            "outcome": _words((outcome, SCRAPPED), dead.astype(np.int32)),
            "station": _words((*places, ""), np.where(track.left_at < 0, here, track.left_at)),
            "cause": _words(cause_names, cause),
        }
        for side in SIDES:
            nowhere = np.full(n, NOWHERE, np.int32)
            link = track.links.get(side, _Link("", nowhere, nowhere, None, nowhere))
            data |= {
                f"{side}_lot": _same(link.lot, n), f"{side}_row": pa.array(link.row),
                f"{side}_last_row": pa.array(link.last_row), f"{side}_skipped_rows": _lists(link.skipped, n),
                f"{side}_charge": pa.array(link.charge),
            }  # fmt: skip
        for column in self._columns:
            values = track.columns.get(column)
            kind = self._schema.field(column).type
            if values is None:
                data[column] = pa.nulls(n, kind)
            else:
                unknown = np.isnan(values)
                whole = kind == pa.int32()
                known = np.where(unknown, 0, values).astype(np.int32) if whole else values
                data[column] = pa.array(known, type=kind, mask=unknown)
        self._waiting.append(pa.Table.from_arrays([data[field.name] for field in self._schema], schema=self._schema))
        self._waiting_rows += n
        if self._waiting_rows >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            table = pa.concat_tables(self._waiting).unify_dictionaries()
            self._writer.write_table(table, row_group_size=self._waiting_rows)
            self._waiting, self._waiting_rows = [], 0

    def drop(self) -> None:
        """Remove the unfinished file."""
        self._writer.close()
        (self.folder / CELLS_FILE).unlink(missing_ok=True)

    def close(self) -> None:
        """Finish both files."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._flush()
        self._writer.close()
        whole, text, number = pa.int64(), pa.string(), pa.float64()
        schema = pa.schema(
            [
                ("replicate", whole), ("lot", text), ("identity", whole), ("material", text), ("product", text),
                ("place", text), ("ordinal", whole), ("parents", text), ("rows", whole), ("lanes", whole),
                ("positions", whole), ("pitch_m", number), ("length_m", number),
                ("charge_starts", pa.list_(pa.int32())), ("recorded", pa.bool_()),
            ]
        )  # fmt: skip
        table = pa.Table.from_pylist(self._lots, schema=schema)
        pq.write_table(table, self.folder / GENEALOGY_FILE, version="2.4", compression="snappy", store_schema=False)


def _starts(charge: npt.NDArray[Any]) -> list[int]:
    """Position at which each charge begins; charges follow one another along a web, the same in all lanes."""
    starts: list[int] = np.searchsorted(charge, np.arange(int(charge.max(initial=NOWHERE)) + 1)).tolist()
    return starts


def _lists(rows: tuple[npt.NDArray[np.int32], npt.NDArray[np.intp]] | None, n: int) -> pa.Array:
    import pyarrow as pa

    if rows is None:
        return pa.nulls(n, pa.list_(pa.int32()))
    values, counts = rows
    return pa.ListArray.from_arrays(np.concatenate(([0], np.cumsum(counts))).astype(np.int32), pa.array(values))


def _same(word: str, n: int) -> pa.Array:
    return _words((word,), np.zeros(n, np.int32))


def _words(words: Sequence[str], index: npt.NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(list(words), pa.string()))


def recorded_columns(run: Run, written: Container[str]) -> tuple[str, ...]:
    """Columns of cells.parquet beyond identity and parents: of those that steps write, the ones asked for."""
    wanted = dict.fromkeys((*KEY_COLUMNS, *run.record_columns))
    return tuple(name for name in wanted if name in written)


@contextmanager
def recording(run: Run, written: Iterable[str], folder: Path | None = None) -> Iterator[Files | None]:
    """The files of a run, finished at the end; after an error they are gone.

    Parameters
    ----------
    run : Run
    written : iterable of str
        Columns that the steps write; without any (a bare line) nothing is recorded.
    folder : Path, optional
        Must be there. Default: a new temporary one.

    Yields
    ------
    Files or None
        None where nothing is to be recorded.
    """
    columns = set(written)
    if run.record == "summary" or not columns:
        yield None
        return
    home = folder or Path(mkdtemp(prefix="cellfab-"))
    files = Files(home, recorded_columns(run, columns))
    try:
        yield files
        files.close()
    except BaseException:
        files.drop()
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)
        raise
