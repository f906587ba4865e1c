"""The mass account of electrode lots, and webs as a grid of lanes and positions.

Attributes of an electrode lot, in kg of dry coating: kg_in = kg_good + kg_scrap + kg_returned at every moment.
A web lot also carries lanes, positions (segments along each lane), pitch_m (length of one segment), length_m (metres of
mother roll run), segment_m2 (coated area of a segment, both sides) and kg_strip (coated strips at the web's edges).
Row `lane * positions + position` is one segment: one piece of electrode, of which a cell takes `pieces_per_cell`.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.core import notes
from cellfab.core.causes import describe
from cellfab.core.draws import Draws
from cellfab.core.lot import ALIVE, Lot
from cellfab.errors import InvariantError
from cellfab.kernels import AtFirstUse

Floats = npt.NDArray[np.float32]
web_account = AtFirstUse("web_account")
web_events = AtFirstUse("web_events")
web_field = AtFirstUse("web_field")
web_rows = AtFirstUse("web_rows")

KG_PER_M2 = 0.01
"""One mg/cm2 in kg/m2."""


def shape(lot: Lot) -> tuple[int, int]:
    """Lanes and positions of a web lot; their product is the number of rows."""
    return int(lot.attributes["lanes"]), int(lot.attributes["positions"])


def grid(lot: Lot) -> tuple[int, int, int]:
    """Lanes and positions of a web lot, and its positions as planned (`planned_positions`)."""
    facts = lot.attributes
    return int(facts["lanes"]), int(facts["positions"]), int(facts["planned_positions"])


def planned_positions(lot: Lot) -> int:
    """Positions of the roll as planned: draw number lane * planned + position is about that segment."""
    return int(lot.attributes["planned_positions"])


def exit_codes(lot: Lot) -> npt.NDArray[np.int16]:
    """The lot's exit codes, for a kernel to write to."""
    if lot.exit_code is None:
        lot.exit_code = np.zeros(lot.n, np.int16)
    return lot.exit_code


def scrapped(lot: Lot, *losses: tuple[int, int]) -> None:
    """Tell the lot what a kernel has written to its exit codes: pairs of cause and newly scrapped rows."""
    for cause, rows in losses:
        if rows:
            lot.n_dead += rows
            lot.losses.append((cause, rows))


def wander(lot: Lot, draws: Draws, decision: str, positions: int, pitch_m: float, length_m: float) -> Floats:
    """A stationary Ornstein-Uhlenbeck process of unit variance along a web, as means over its segments.

    Parameters
    ----------
    lot : Lot
        Names the draws.
    draws, decision
        Streams `decision` (states) and `decision` + "_mean".
    positions : int
    pitch_m, length_m : float
        Of a segment; correlation length.

    Returns
    -------
    ndarray of float32, shape (positions,)
    """
    out, law = np.empty(positions, np.float32), web_field.ou_coefficients(pitch_m, length_m)
    web_field.wander_web(draws.key(decision), draws.key(f"{decision}_mean"), lot.identity, *law, out)
    return out


def field(
    lot: Lot, draws: Draws, decision: str, noise: float, base: float, across: Floats, along: Floats | None = None,
    per_position: Floats | None = None, *, scale: float = 1.0,
) -> Floats:  # fmt: skip
    """A value of every segment: base + scale (across[lane] + per_position[lane] position + along[position]) + noise.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the noise.
    noise : float
        1 sigma of what single segments have of their own.
    base, scale : float
    across : ndarray of float32, shape (lanes,)
    along : ndarray of float32, shape (positions,), optional
    per_position : ndarray of float32, shape (lanes,), optional

    Returns
    -------
    ndarray of float32, shape (lanes * positions,)
    """
    lanes, positions, planned = grid(lot)
    out = np.empty(lanes * positions, np.float32)
    web_rows.lay_field(
        draws.key(decision), lot.identity, planned, base, scale, across,
        np.zeros(lanes, np.float32) if per_position is None else per_position,
        np.zeros(positions, np.float32) if along is None else along,
        noise, out,
    )  # fmt: skip
    return out


def lay_columns(lot: Lot, charges: Lot, charge: npt.NDArray[np.int32], names: tuple[str, ...], edge: Floats) -> None:
    """Give the segments of a web the columns that are their charge's or their lane's.

    Parameters
    ----------
    lot : Lot
        A web; gets the columns `names`, charge and edge_thinning_fraction.
    charges : Lot
        What it is made of.
    charge : ndarray of int32, shape (positions,)
        Charge of each position.
    names : tuple of str
        Columns of `charges`, float32.
    edge : ndarray of float32, shape (lanes,)
        Edge thinning of each lane.
    """
    n, columns = lot.n, lot.columns
    by_charge, by_lane, of_row = np.empty((len(names), n), np.float32), np.empty(n, np.float32), np.empty(n, np.int16)
    web_rows.lay_columns(
        np.array([charges.columns[name] for name in names]), charge, edge, by_charge, of_row, by_lane
    )  # fmt: skip
    columns.update(zip(names, by_charge, strict=True))
    columns["charge"], columns["edge_thinning_fraction"] = of_row, by_lane


def cut_to_powder(lot: Lot, loading: Floats, powder_kg: float) -> tuple[Floats, float]:
    """End a web that has no columns yet where its powder does.

    How much the last segments take is known when their loading is drawn, which may be more than there is.

    Parameters
    ----------
    lot : Lot
        A web; its rows, positions and length are changed.
    loading : ndarray of float32, shape (lanes * positions,)
        mg/cm2.
    powder_kg : float
        Dry coating that the segments may take together.

    Returns
    -------
    loading : ndarray of float32, shape (lanes * positions,)
        Of what is left of the web.
    total : float
        Its sum.
    """
    lanes, positions = shape(lot)
    per_loading = KG_PER_M2 * lot.attributes["segment_m2"]
    total = web_account.good_coating(loading, exit_codes(lot))
    short_kg = per_loading * total - powder_kg
    if not short_kg > 0.0:
        return loading, total
    by_lane = loading.reshape(lanes, positions)
    while short_kg > 0.0:
        positions -= 1
        short_kg -= per_loading * float(by_lane[:, positions].sum(dtype=np.float64))
    lot.n, lot.exit_code = lanes * positions, None
    lot.attributes |= {"positions": float(positions), "length_m": positions * lot.attributes["pitch_m"]}
    loading = np.ascontiguousarray(by_lane[:, :positions]).reshape(-1)
    return loading, web_account.good_coating(loading, exit_codes(lot))


def inspect(
    lot: Lot, draws: Draws, decision: str, values: Floats, low: float, high: float, cause: int, *,
    absolute: float = 0.0, relative: float = 0.0, log_spread: float = 0.0,
) -> None:  # fmt: skip
    """Scrap the living segments that a gauge reads outside [low, high]; it is read where its error can matter.

    Those among them that are truly within are noted as false rejects.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the gauge's error: of a segment, normal number lane x planned positions + position.
    values : ndarray of float32, shape (n,)
        True values. NaN is scrapped.
    low, high : float
        What is accepted, as read.
    cause : int
        Exit code.
    absolute, relative, log_spread : float
        Reading = (value + z (absolute + relative value)) exp(log_spread z), z normal and cut off at 4.
    """
    _, positions, planned = grid(lot)
    off, sound = web_rows.gauge_rows(
        draws.key(decision), lot.identity, values, low, high, absolute, relative, log_spread,
        positions, planned, cause, exit_codes(lot),
    )  # fmt: skip
    rejected(lot, cause, off - sound, sound)


class Events(NamedTuple):
    """Things that happened at points of a web.

    Attributes
    ----------
    rows : ndarray of uint32, shape (m,)
        Rows of the lot, in no order; one that has two events comes twice.
    words : ndarray of uint32, shape (m,)
        A random word of each event; the uniform number of a word is (word + 1/2) / 2**32.
    """

    rows: npt.NDArray[np.uint32]
    words: npt.NDArray[np.uint32]


def events(lot: Lot, draws: Draws, decision: str, rate: float) -> Events:
    """A Poisson process over the segments of a web.

    Parameters
    ----------
    lot : Lot
        A web.
    draws, decision
        Name the numbers.
    rate : float
        Expected events per segment; `cellfab.kernels.web_events.rate_of` a probability.
    """
    rows, words, _ = web_events.scatter_events(
        draws.key(decision), lot.identity, np.array((rate,)), web_events.EVERYWHERE, 1.0, *grid(lot)
    )  # fmt: skip
    return Events(rows, words)


def scrap_rows(lot: Lot, rows: npt.NDArray[np.uint32], cause: int) -> None:
    """Scrap those of the lot's rows that are still alive; a row may be named twice."""
    scrapped(lot, (cause, web_events.scrap_at(rows, cause, exit_codes(lot))))


def rejected(lot: Lot, cause: int, right: int, wrong: int) -> None:
    """Tell the lot what an inspection has taken for bad: rows that are, and false rejects."""
    scrapped(lot, (cause, right + wrong))
    note_false_rejects(lot, cause, wrong)


def note_false_rejects(lot: Lot, cause: int, rows: int) -> None:
    """Note how many rows were scrapped for a cause though nothing was wrong with them."""
    lot.attributes[_note_of(cause)] = float(rows)


@cache
def _note_of(cause: int) -> str:
    return notes.FALSE_REJECTS + describe(cause).name


def scrap_positions(lot: Lot, first: int, after: int, cause: int) -> None:
    """Scrap what is still alive of positions `first` to `after` - 1, in all lanes."""
    scrapped(lot, (cause, web_events.scrap_across(first, after, shape(lot)[1], cause, exit_codes(lot))))


def living_charges_kg(lot: Lot) -> npt.NDArray[np.float64]:
    """Powder of each charge, kg; 0 for those that are scrapped. Shape (n,).

    Raises
    ------
    InvariantError
        If the mass of a living one is not a number: no web could be made of it.
    """
    kg = lot.columns["charge_kg"].astype(np.float64)
    if lot.n_dead:
        kg[lot.exit_code != ALIVE] = 0.0
    if not math.isfinite(kg.sum()):
        raise InvariantError(f"{lot.material} lot no. {lot.ordinal}: the mass of a charge is not a number")
    return kg


def settle_charges(lot: Lot) -> None:
    """Book the powder of charges scrapped since the last call; the lot's amount is what is still good, kg."""
    charge_kg = lot.columns["charge_kg"]
    good = float((charge_kg[lot.alive()] if lot.n_dead else charge_kg).sum(dtype=np.float64))
    _book(lot, good)
    lot.amount = good


def settle_web(lot: Lot) -> None:
    """Book the coating of segments scrapped since the last call.

    The lot's amount is the metres of mother roll that its good segments would fill.
    """
    facts = lot.attributes
    total = web_account.good_coating(lot.columns["loading_mg_per_cm2"], exit_codes(lot))
    _book(lot, total * KG_PER_M2 * facts["segment_m2"] + facts["kg_strip"])
    lot.amount = lot.n_alive * facts["pitch_m"] / max(int(facts["lanes"]), 1)


def _book(lot: Lot, good_kg: float) -> None:
    facts = lot.attributes
    facts["kg_scrap"] += facts["kg_good"] - good_kg
    facts["kg_good"] = good_kg
