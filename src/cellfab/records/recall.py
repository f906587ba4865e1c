"""From a cell back to its powder, and from a roll or a charge to every cell made of it: read from a run's folder.

A run writes what is needed with ``run.record: full`` (all cells) or ``sample`` (all cells of some lots). Lots are
called by the place that made them and their number: `wind-12` is a lot of cells, `cathode_film-12` a mother roll,
`cathode_dose-12` the charges of powder it was made of. One cell is `wind-12.345`: lot and row. A cell of several pieces
(jelly rolls, sheets) is made of the next good segments of one lane, and is hit if one of them is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.config.problems import did_you_mean
from cellfab.core.genealogy import Genealogy
from cellfab.core.joining import spanned_rows
from cellfab.core.lot import Lot
from cellfab.errors import UsageError
from cellfab.records.recording import CELLS_FILE, GENEALOGY_FILE, INSIDE, LINKS, OUTCOMES, SIDES, SOLD

if TYPE_CHECKING:
    import pyarrow as pa

HOW_TO_RECORD = "run it again with --set run.record=full (or sample, for the cells of some lots)"


class Piece(NamedTuple):
    """One segment of a mother roll in a cell.

    Attributes
    ----------
    row : int
        In the roll: lane x positions + position.
    position : int
        In its lane, from 0.
    from_m, to_m : float
        Where it lay, m from the start of the mother roll; NaN where the roll is not a web.
    charge : int or None
        Charge of powder; None where charges were not kept apart.
    """

    row: int
    position: int
    from_m: float
    to_m: float
    charge: int | None


@dataclass(frozen=True, slots=True)
class Roots:
    """What one electrode of a cell was made of.

    Attributes
    ----------
    side : str
        "cathode" or "anode".
    roll : str
        The mother roll.
    lane : int
        All pieces are from one daughter roll.
    charges : str
        The lot of powder charges; empty if the roll was not made of charges that were kept apart.
    pieces : tuple of Piece
        All segments, along the roll.
    """

    side: str
    roll: str
    lane: int
    charges: str
    pieces: tuple[Piece, ...]


class Stretch(NamedTuple):
    """What part of a mother roll a recall is about, to whole segments.

    Attributes
    ----------
    roll : str
    lanes : int
    segments : int
        In each lane.
    from_m, to_m : float
        Where these segments begin and end.
    used : int
        Segments in recorded cells, of all lanes; the others were scrapped, lost at the roll's start, left over or
        have not come to a cell yet.
    """

    roll: str
    lanes: int
    segments: int
    from_m: float
    to_m: float
    used: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """One cell and where it came from.

    Attributes
    ----------
    cell : str
    facts : mapping of str to value
        Of the row in cells.parquet: product, outcome, station and cause of its exit, true and measured columns.
    roots : tuple of Roots
    """

    cell: str
    facts: Mapping[str, Any]
    roots: tuple[Roots, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """Every recorded cell with at least one piece made of a stretch of a roll, or of a charge.

    Attributes
    ----------
    lot, material, product : str
        The roll or the lot of charges.
    part : str
        In words: "1200 to 1300 m", "charge 3", "all of it".
    stretches : tuple of Stretch
        Where that is on mother rolls.
    cells : mapping of str to int
        Cells by outcome: sold, unsold, scrapped, inside.
    inside : mapping of str to int
        Those still inside, by the place that they came to last.
    sold_mwh : float
        Stored energy of the sold ones: what has to be called back; NaN if the line measures no energy.
    lots_not_recorded : int
        Lots of cells made of it that are not in the sample, so that their cells are not counted.
    rows : mapping of str to ndarray of int
        Rows hit, by lot of cells.
    """

    lot: str
    material: str
    product: str
    part: str
    stretches: tuple[Stretch, ...]
    cells: Mapping[str, int]
    inside: Mapping[str, int]
    sold_mwh: float
    lots_not_recorded: int
    rows: Mapping[str, npt.NDArray[np.intp]] = field(repr=False)


class Records:
    """The recorded cells and lots of one replicate of a run.

    Parameters
    ----------
    folder : Path
        A run's folder.
    replicate : int

    Raises
    ------
    UsageError
        If the folder is not a run's, or the run recorded no cells.
    """

    def __init__(self, folder: Path, replicate: int = 0) -> None:
        self._cells = folder / CELLS_FILE
        self.replicate = replicate
        self._lots = {lot["lot"]: lot for lot in _read_lots(folder, replicate)}

    @property
    def lots(self) -> tuple[str, ...]:
        """Names of all lots, oldest first."""
        return tuple(self._lots)

    def trace(self, cell: str) -> Trace:
        """The state of a cell and everything it was made of.

        Raises
        ------
        UsageError
            If there is no such cell, or it was not recorded.
        """
        name, _, number = cell.rpartition(".")
        if not name or not number.isdecimal():
            raise UsageError(f"'{cell}' is no cell: give lot and row, such as {self._an_example()}")
        lot = self._cell_lot(name)
        row = int(number)
        if row >= lot["rows"]:
            raise UsageError(f"lot '{name}' has rows 0 to {lot['rows'] - 1}, not {row}")
        table = self._read([name])
        genealogy = self._family(table, [name])
        rows: dict[int, list[int]] = {}
        for ancestor in genealogy.trace(lot["identity"], row):
            rows.setdefault(ancestor.lot, []).append(ancestor.row)
        found = tuple(
            self._roots(mother, sorted(rows[mother["identity"]]))
            for mother in (self._lots[parent] for parent in lot["parents"].split())
            if mother["identity"] in rows
        )
        facts = {key: values[row].as_py() for key, values in zip(table.column_names, table.columns, strict=True)}
        hidden = {"replicate", "lot", "row", *(f"{side}_{word}" for side in SIDES for word in LINKS)}
        return Trace(cell, {key: value for key, value in facts.items() if key not in hidden}, found)

    def impact(
        self, lot: str, *, from_m: float | None = None, to_m: float | None = None, charge: int | None = None
    ) -> Impact:
        """Every recorded cell made of a roll between two metres, or of a lot's charges of powder.

        Parameters
        ----------
        lot : str
            A mother roll or a lot of charges.
        from_m, to_m : float, optional
            Of a mother roll: metres from its start; every segment that reaches into the stretch counts. Default: its
            ends.
        charge : int, optional
            Of a lot of charges: which one, counted from 0. Default: all.

        Raises
        ------
        UsageError
            If there is no such lot, stretch or charge, or none of the cells made of it was recorded.
        """
        found = self._known(lot)
        if found["material"] == "cell":
            raise UsageError(f"'{lot}' is a lot of cells; name a roll or a lot of charges, or use `cellfab trace`")
        is_roll = found["pitch_m"] is not None
        if not is_roll and (from_m is not None or to_m is not None):
            raise UsageError(f"'{lot}' is no roll, so it has no metres; choose a charge of it with --charge")
        if is_roll and charge is not None:
            raise UsageError(f"'{lot}' is a roll; choose a stretch of it with --from and --to")
        if is_roll:
            begin, end, part = _positions(found, from_m, to_m)
            stretches: tuple[Stretch, ...] = (_stretch(found, begin, end),)
        else:
            stretches = self._stretches_of(found, charge)
            part = "all of it" if charge is None else f"charge {charge}"
        children = self._cells_of(lot)
        recorded = [name for name in children if self._lots[name]["recorded"]]
        if children and not recorded:
            raise UsageError(f"the cells made of '{lot}' are not in the sample; {HOW_TO_RECORD}")
        if not recorded:
            nothing = dict.fromkeys(OUTCOMES, 0)
            return Impact(lot, found["material"], found["product"], part, stretches, nothing, {}, 0.0, 0, {})
        table = self._read(recorded)
        stretches = tuple(stretch._replace(used=self._used(table, recorded, stretch)) for stretch in stretches)
        if is_roll:
            lanes = range(found["lanes"])
            ranges = [(lane * found["positions"] + begin, lane * found["positions"] + end - 1) for lane in lanes]
            rows = self._rows_hit(table, recorded, found, ranges)
        elif charge is not None:
            rows = self._rows_hit(table, recorded, found, [(charge, charge)])
        else:
            rows = {name: np.ones(self._lots[name]["rows"], np.bool_) for name in recorded}
        hit = table.filter(np.concatenate([rows[name] for name in recorded]))
        outcome = np.array(hit["outcome"].to_pylist(), dtype=object)
        station = np.array(hit["station"].to_pylist(), dtype=object)
        sold_wh = math.nan
        if "energy_wh" in table.column_names:
            sold_wh = float(np.nansum(hit["energy_wh"].to_numpy()[outcome == SOLD], dtype=np.float64))
        return Impact(
            lot, found["material"], found["product"], part, stretches,
            {word: int(np.count_nonzero(outcome == word)) for word in OUTCOMES},
            dict(Counter(station[outcome == INSIDE].tolist())), sold_wh * 1e-6, len(children) - len(recorded),
            {name: np.flatnonzero(mask) for name, mask in rows.items()},
        )  # fmt: skip

    # ---- inside -----------------------------------------------------------------------------------------------

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self._lots:
            hint = did_you_mean(name, self._lots)
            said = f"no lot '{name}' in this run" + (f": {hint} " if hint else ". ")
            raise UsageError(f"{said}Newest lots: {self._newest()}")
        return self._lots[name]

    def _cell_lot(self, name: str) -> dict[str, Any]:
        lot = self._known(name)
        if lot["material"] != "cell":
            raise UsageError(f"'{name}' is no lot of cells; a cell is called such as {self._an_example()}")
        if not lot["recorded"]:
            raise UsageError(f"lot '{name}' is not in the sample; {HOW_TO_RECORD}. In it: {self._an_example()}")
        return lot

    def _newest(self) -> str:
        """The last lot made at each place, for one who does not know what lots are called."""
        return ", ".join({lot["place"]: name for name, lot in self._lots.items() if lot["parents"]}.values())

    def _an_example(self) -> str:
        name = next((name for name, lot in self._lots.items() if lot["recorded"]), None)
        return "wind-12.345" if name is None else f"'{name}.0'"

    def _cells_of(self, lot: str) -> list[str]:
        """Lots of cells that descend from a lot, oldest first."""
        family = {lot}
        for name, facts in self._lots.items():  # oldest first: parents come before children
            if family.intersection(facts["parents"].split()):
                family.add(name)
        return [name for name in self._lots if name in family and self._lots[name]["material"] == "cell"]

    def _read(self, lots: Iterable[str]) -> pa.Table:
        """All cells of the lots, in the lots' order, row by row."""
        import pyarrow as pa

        names = list(lots)
        table = _table(self._cells, [("lot", "in", names), ("replicate", "==", self.replicate)])
        pieces = [table.filter(pa.compute.equal(table["lot"], name)).sort_by("row") for name in names]
        return pa.concat_tables(pieces).combine_chunks()

    def _rows_hit(
        self, table: pa.Table, recorded: Iterable[str], lot: Mapping[str, Any], ranges: Iterable[tuple[int, int]]
    ) -> dict[str, npt.NDArray[np.bool_]]:
        """Which rows of the lots of cells are made of ranges of rows (both ends included) of a lot."""
        genealogy = self._family(table, recorded)
        rows = {name: np.zeros(self._lots[name]["rows"], np.bool_) for name in recorded}
        of = {self._lots[name]["identity"]: name for name in recorded}
        for first, last in ranges:
            for identity, hit in genealogy.impact(lot["identity"], first, last).items():
                if identity in of:
                    rows[of[identity]][hit] = True
        return rows

    def _family(self, table: pa.Table, cell_lots: Iterable[str]) -> Genealogy:
        """Lots that the given lots of cells descend from: which segments the cells and which charges the rolls have."""
        genealogy = Genealogy(rows=True)
        made: dict[str, Lot] = {}

        def enter(name: str) -> Lot:
            if name not in made:
                facts = self._lots[name]
                parents = tuple(enter(parent) for parent in facts["parents"].split())
                lot = Lot(facts["identity"], material=facts["material"], n=facts["rows"], parents=parents)
                genealogy.born(lot)
                made[name] = lot
                if facts["charge_starts"]:
                    charges = np.tile(_charges(facts, np.arange(facts["positions"])), facts["lanes"])
                    genealogy.link(lot.identity, parents[0].identity, charges)
            return made[name]

        for name, parent, rows in self._pieces(table, cell_lots):
            genealogy.link(enter(name).identity, made[parent].identity, rows)
        return genealogy

    def _pieces(
        self, table: pa.Table, cell_lots: Iterable[str]
    ) -> Iterator[tuple[str, str, npt.NDArray[np.int32]]]:  # fmt: skip
        """Of each lot of cells and electrode: the lot, the roll, and the rows there of every cell's pieces."""
        begin = 0
        for name in cell_lots:
            part = table.slice(begin, self._lots[name]["rows"])
            begin += part.num_rows
            for side in SIDES:
                if part.num_rows and (parent := part[f"{side}_lot"][0].as_py()):
                    first, last = (part[f"{side}_{word}"].to_numpy() for word in ("row", "last_row"))
                    skipped = part[f"{side}_skipped_rows"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                    yield name, parent, spanned_rows(first, last, skipped)

    def _used(self, table: pa.Table, cell_lots: Iterable[str], stretch: Stretch) -> int:
        """Segments of a stretch that are in these lots of cells."""
        roll = self._lots[stretch.roll]
        begin = round(stretch.from_m / roll["pitch_m"])
        at = [rows % roll["positions"] for _, parent, rows in self._pieces(table, cell_lots) if parent == stretch.roll]
        return sum(int(np.count_nonzero((begin <= rows) & (rows < begin + stretch.segments))) for rows in at)

    def _roots(self, roll: Mapping[str, Any], rows: list[int]) -> Roots:
        """An electrode that is made of these rows of a roll."""
        positions, pitch_m = roll["positions"] or roll["rows"], roll["pitch_m"] or math.nan
        at = np.array(rows) % positions
        charges: list[Any] = _charges(roll, at).tolist() if roll["charge_starts"] else [None] * len(rows)
        pieces = tuple(
            Piece(row, place, place * pitch_m, (place + 1) * pitch_m, charge)
            for row, place, charge in zip(rows, at.tolist(), charges, strict=True)
        )
        of = roll["parents"].split()[0] if roll["charge_starts"] else ""
        return Roots(roll["material"], roll["lot"], rows[0] // positions, of, pieces)

    def _stretches_of(self, lot: Mapping[str, Any], charge: int | None) -> tuple[Stretch, ...]:
        """Where the powder of a lot of charges, or of one of them, lies on mother rolls."""
        name = lot["lot"]
        rolls = [roll for roll in self._lots.values() if roll["charge_starts"] and name in roll["parents"].split()]
        if charge is None:
            return tuple(_stretch(roll, 0, roll["positions"]) for roll in rolls)
        if not rolls:
            raise UsageError(f"no roll has been made of charges of '{name}'; leave --charge out")
        if not 0 <= charge < lot["rows"]:
            raise UsageError(f"'{name}' has the charges 0 to {lot['rows'] - 1}, not {charge}")
        bounds = [
            (roll, [*roll["charge_starts"], *[roll["positions"]] * (1 + lot["rows"] - len(roll["charge_starts"]))])
            for roll in rolls
        ]
        return tuple(_stretch(roll, starts[charge], starts[charge + 1]) for roll, starts in bounds)


def _charges(roll: Mapping[str, Any], positions: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Charges of powder at positions of a roll: an empty charge begins where the next one does."""
    return np.searchsorted(roll["charge_starts"], positions, side="right") - 1


def _positions(roll: Mapping[str, Any], from_m: float | None, to_m: float | None) -> tuple[int, int, str]:
    """First position of the segments that reach into a stretch of a roll, the one behind them, the stretch in words."""
    length, pitch = roll["length_m"], roll["pitch_m"]
    begin, end = 0.0 if from_m is None else from_m, length if to_m is None else to_m
    if not 0.0 <= begin < end or begin >= length:
        raise UsageError(f"'{roll['lot']}' runs from 0 to {length:g} m; {begin:g} to {end:g} m is no stretch of it")
    after = min(math.ceil(min(end, length) / pitch - 1e-9), roll["positions"])
    words = "all of it" if from_m is None and to_m is None else f"{begin:g} to {min(end, length):g} m"
    return min(int(begin / pitch + 1e-9), after - 1), after, words


def _stretch(roll: Mapping[str, Any], begin: int, end: int) -> Stretch:
    pitch_m = roll["pitch_m"]
    return Stretch(roll["lot"], roll["lanes"], end - begin, begin * pitch_m, end * pitch_m)


def _read_lots(folder: Path, replicate: int) -> list[dict[str, Any]]:
    path = folder / GENEALOGY_FILE
    if not path.is_file() or not (folder / CELLS_FILE).is_file():
        if not (folder / "manifest.json").is_file():
            raise UsageError(f"'{folder}' is not the folder of a run: give the folder that `cellfab run` named")
        raise UsageError(f"the run in '{folder}' recorded no cells; {HOW_TO_RECORD}")
    table = _table(path)
    if "charge_starts" not in table.column_names:
        raise UsageError(f"the run in '{folder}' was recorded by another version of cellfab; {HOW_TO_RECORD}")
    lots: list[dict[str, Any]] = table.to_pylist()
    count = 1 + max((lot["replicate"] for lot in lots), default=-1)
    if not 0 <= replicate < count:
        raise UsageError(f"the run in '{folder}' has the replicates 0 to {count - 1}, not {replicate}")
    return [lot for lot in lots if lot["replicate"] == replicate]


def _table(path: Path, filters: list[tuple[str, str, Any]] | None = None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path, filters=filters)
    except (pa.ArrowInvalid, OSError) as error:
        raise UsageError(f"'{path}' cannot be read, it may be damaged or not complete: {error}") from error
