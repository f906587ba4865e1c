"""From a cell back to its powder, and from a roll or a charge to every cell made of it: read from a run's folder.

A run writes what is needed with ``run.record: full`` (all cells) or ``sample`` (all cells of some lots). Lots are
called by the place that made them and their number: `wind-12` is a lot of cells, `cathode_film-12` a mother roll,
`cathode_dose-12` the charges of powder it was made of. One cell is `wind-12.345`: lot and row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cellfab.config.problems import did_you_mean
from cellfab.core.genealogy import NOWHERE, Genealogy
from cellfab.core.lot import Lot
from cellfab.errors import UsageError
from cellfab.recording import CELLS_FILE, GENEALOGY_FILE, OUTCOMES, SIDES, SOLD

if TYPE_CHECKING:
    import pyarrow as pa

_IDENTITY = ("replicate", "lot", "row", "product", "outcome", "station", "cause")
HOW_TO_RECORD = "run it again with --set run.record=full (or sample, for the cells of some lots)"


@dataclass(frozen=True, slots=True)
class Roots:
    """What one electrode of a cell was made of.

    Attributes
    ----------
    side : str
        "cathode" or "anode".
    roll : str
        The mother roll.
    row, lane, position : int
        The segment in the roll; of a stack, its first piece.
    metre : float
        Where the segment begins, m from the start of the mother roll; NaN where the roll is not a web.
    charges : str
        The lot of powder charges; empty if the roll was not made of charges that were kept apart.
    charge : int or None
        Which of them.
    """

    side: str
    roll: str
    row: int
    lane: int
    position: int
    metre: float
    charges: str
    charge: int | None


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
    """Every recorded cell made of a stretch of a roll, or of a charge.

    Attributes
    ----------
    lot : str
        The roll or the lot of charges.
    part : str
        In words: "1200 to 1300 m", "charge 3", "all of it".
    cells : mapping of str to int
        Cells by outcome: sold, unsold, scrapped, inside.
    sold_mwh : float
        Stored energy of the sold ones: what has to be called back; NaN if the line measures no energy.
    rows : mapping of str to ndarray of int
        Rows hit, by lot of cells.
    """

    lot: str
    part: str
    cells: Mapping[str, int]
    sold_mwh: float
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
        if not name or not number.isdigit():
            raise UsageError(f"'{cell}' is no cell: give lot and row, such as {self._an_example()}")
        lot = self._cell_lot(name)
        row = int(number)
        if row >= lot["rows"]:
            raise UsageError(f"lot '{name}' has rows 0 to {lot['rows'] - 1}, not {row}")
        table = self._read([name])
        genealogy, names = self._family(table, [name])
        roots = {}
        for ancestor in genealogy.trace(lot["identity"], row):
            roots[ancestor.material, ancestor.lot] = ancestor.row
        found = tuple(
            self._roots(side, parent, roots[side, parent["identity"]], genealogy, names)
            for parent in (self._lots[mother] for mother in lot["parents"].split())
            if (side := parent["material"]) in SIDES and (side, parent["identity"]) in roots
        )
        facts = {key: values[row].as_py() for key, values in zip(table.column_names, table.columns, strict=True)}
        hidden = {"replicate", "lot", "row", *(f"{side}_{word}" for side in SIDES for word in ("lot", "row", "charge"))}
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
        children = self._cells_of(lot)
        recorded = [name for name in children if self._lots[name]["recorded"]]
        if children and not recorded:
            raise UsageError(f"the cells made of '{lot}' are not in the sample; {HOW_TO_RECORD}")
        if not children:
            return Impact(lot, "no cells have been made of it yet", dict.fromkeys(OUTCOMES, 0), 0.0, {})
        table = self._read(recorded)
        genealogy, _ = self._family(table, recorded)
        if is_roll:
            positions, part = _stretch(found, from_m, to_m)
            lanes = range(found["lanes"])
            stretches = [
                (lane * found["positions"] + positions[0], lane * found["positions"] + positions[1]) for lane in lanes
            ]
        else:
            if charge is not None and not 0 <= charge < found["rows"]:
                raise UsageError(f"'{lot}' has the charges 0 to {found['rows'] - 1}, not {charge}")
            first, last = (charge, charge) if charge is not None else (0, found["rows"] - 1)
            stretches, part = [(first, last)], "all of it" if charge is None else f"charge {charge}"
        rows = {name: np.zeros(self._lots[name]["rows"], np.bool_) for name in recorded}
        of = {self._lots[name]["identity"]: name for name in recorded}
        for first, last in stretches:
            for identity, hit in genealogy.impact(found["identity"], first, last).items():
                if identity in of:
                    rows[of[identity]][hit] = True
        hit_rows = np.concatenate([rows[name] for name in recorded])
        outcome = np.array(table["outcome"].to_pylist(), dtype=object)
        cells = {word: int(np.count_nonzero(hit_rows & (outcome == word))) for word in OUTCOMES}
        sold_wh = math.nan
        if "energy_wh" in table.column_names:
            energy = table["energy_wh"].to_numpy()
            sold_wh = float(np.nansum(energy[hit_rows & (outcome == SOLD)], dtype=np.float64))
        return Impact(lot, part, cells, sold_wh * 1e-6, {name: np.flatnonzero(mask) for name, mask in rows.items()})

    # ---- inside -----------------------------------------------------------------------------------------------

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self._lots:
            hint = did_you_mean(name, self._lots)
            raise UsageError(f"no lot '{name}' in this run" + (f": {hint}" if hint else ""))
        return self._lots[name]

    def _cell_lot(self, name: str) -> dict[str, Any]:
        lot = self._known(name)
        if lot["material"] != "cell":
            raise UsageError(f"'{name}' is no lot of cells; a cell is called such as {self._an_example()}")
        if not lot["recorded"]:
            raise UsageError(f"lot '{name}' is not in the sample; {HOW_TO_RECORD}. In it: {self._an_example()}")
        return lot

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
        import pyarrow.parquet as pq

        names = list(lots)
        filters = [("lot", "in", names), ("replicate", "==", self.replicate)]
        table = pq.read_table(self._cells, filters=filters)
        pieces = [table.filter(pa.compute.equal(table["lot"], name)).sort_by("row") for name in names]
        return pa.concat_tables(pieces).combine_chunks()

    def _family(self, table: pa.Table, cell_lots: Iterable[str]) -> tuple[Genealogy, dict[int, str]]:
        """Lots that the given lots of cells descend from, with the rows that these cells know."""
        genealogy = Genealogy(rows=True)
        made: dict[str, Lot] = {}

        def enter(name: str) -> Lot:
            if name not in made:
                facts = self._lots[name]
                parents = tuple(enter(parent) for parent in facts["parents"].split())
                lot = Lot(facts["identity"], material=facts["material"], n=facts["rows"], parents=parents)
                genealogy.born(lot)
                made[name] = lot
            return made[name]

        of_charge: dict[str, npt.NDArray[np.int32]] = {}
        begin = 0
        for name in cell_lots:
            lot = enter(name)
            part = table.slice(begin, lot.n)
            begin += lot.n
            for side in SIDES:
                parent = part[f"{side}_lot"][0].as_py()
                if not parent:
                    continue
                row = part[f"{side}_row"].to_numpy()
                genealogy.link(lot.identity, made[parent].identity, row)
                charges = of_charge.setdefault(parent, np.full(made[parent].n, NOWHERE, np.int32))
                charges[row] = part[f"{side}_charge"].to_numpy()
        for roll, charges in of_charge.items():
            if (charges != NOWHERE).any():
                genealogy.link(made[roll].identity, made[self._lots[roll]["parents"].split()[0]].identity, charges)
        return genealogy, {lot.identity: name for name, lot in made.items()}

    def _roots(
        self, side: str, parent: Mapping[str, Any], row: int, genealogy: Genealogy, names: Mapping[int, str]
    ) -> Roots:
        positions = parent["positions"] or parent["rows"]
        lane, position = divmod(row, positions)
        metre = math.nan if parent["pitch_m"] is None else position * parent["pitch_m"]
        powder = genealogy.trace(parent["identity"], row)
        charges = names[powder[0].lot] if powder else ""
        return Roots(side, parent["lot"], row, lane, position, metre, charges, powder[0].row if powder else None)


def _stretch(roll: Mapping[str, Any], from_m: float | None, to_m: float | None) -> tuple[tuple[int, int], str]:
    """First and last position of the segments that reach into a stretch of a roll, and the stretch in words."""
    length, pitch = roll["length_m"], roll["pitch_m"]
    begin, end = 0.0 if from_m is None else from_m, length if to_m is None else to_m
    if not 0.0 <= begin < end or begin >= length:
        raise UsageError(f"'{roll['lot']}' runs from 0 to {length:.1f} m; {begin:g} to {end:g} m is no stretch of it")
    first = int(begin / pitch)
    last = min(math.ceil(min(end, length) / pitch - 1e-9), roll["positions"]) - 1
    return (first, last), "all of it" if from_m is None and to_m is None else f"{begin:g} to {min(end, length):g} m"


def _read_lots(folder: Path, replicate: int) -> list[dict[str, Any]]:
    path = folder / GENEALOGY_FILE
    if not path.is_file() or not (folder / CELLS_FILE).is_file():
        if not (folder / "manifest.json").is_file():
            raise UsageError(f"'{folder}' is not the folder of a run: give the folder that `cellfab run` named")
        raise UsageError(f"the run in '{folder}' recorded no cells; {HOW_TO_RECORD}")
    import pyarrow.parquet as pq

    lots: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    count = 1 + max((lot["replicate"] for lot in lots), default=-1)
    if not 0 <= replicate < count:
        raise UsageError(f"the run in '{folder}' has the replicates 0 to {count - 1}, not {replicate}")
    return [lot for lot in lots if lot["replicate"] == replicate]
