"""Inspection: a station that looks at one property of every row or of a sample, and scraps, reworks or downgrades.

What it models
    Gauge error; a probability of detection that grows with the true severity; false alarms on sound rows; a sampling
    plan (every n-th row, or the first n of a lot, of all lots or of every k-th) with acceptance number; rework with a
    chance of success, looked at again each time, up to a number of rounds. It looks at the true state in a column, so
    several stations in series look at the same severity: what one cannot see the next hardly sees either, and escapes
    are correlated.
Equations
    Severity x = (value - limit) for a high side, (limit - value) for a low one; above 0 the row is truly bad. Seen
    x' = x + gauge z. Alarm with p = f + (1 - f) c / (1 + exp(-(x' - x_0) / w)) for x' > 0, else with f (hit/miss data,
    MIL-HDBK-1823A, 2009). With n rounds of rework left a bad row passes with A_n = (1 - p) + p (s (1 - f^n) + (1 - s)
    A_{n-1}), A_0 = 1 - p; a sound one with 1 - f^(n+1).
Range
    Any numeric column that is there when the lot comes; downgrading: cells only.
Rows
    In and out: the rows that came. Rework sets the column to `repaired_value` where it succeeds; downgrading writes
    downgraded (1: not to be sold as grade A). Attributes: inspected_rows; `reworked`; `false_rejects_*`: sound rows
    scrapped, those of a rejected lot included.
Left out
    Plans that are tightened or reduced by the results of earlier lots (the switching rules of ISO 2859-1: a lot's fate
    depends on its own rows only), what else rework does to a part, drift of the gauge between calibrations, inspectors'
    fatigue, two defects seen at one look.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.cell_spec import CellDesign
from cellfab.config.problems import did_you_mean
from cellfab.config.remark import Remark
from cellfab.config.spec import Capability, Threshold, within
from cellfab.core import notes, web
from cellfab.core.causes import cause
from cellfab.core.columns import COLUMNS, column
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.errors import ConfigError
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import Step

inspection = AtFirstUse("inspection")

DOWNGRADED = column("downgraded", "uint8", "1", "1 for a cell that an inspection has put into the lower grade")
ALARM = cause("inspect", "alarm", "found by an inspection, and not to be saved")
LOT_REJECTED = cause("inspect", "lot_rejected", "in a lot whose sample had too many alarms")


class Inspect(Step):
    """Look at one property; see the module's text for the model."""

    name = "inspect"

    class Params(Step.Params):
        """What is looked at, how well, how often, and what becomes of an alarm."""

        column: str
        """True property that is looked at, as named in the step cards."""
        side: Literal["high", "low"] = "high"
        """Bad above the limit, or below."""
        limit_value: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0
        """In the column's unit; on the good side of it a row is sound. Of the plant's own specification."""
        gauge_sd_value: Annotated[Capability, within(0.0, 1e9)] = 0.0
        """Error of the reading, 1 sigma, in the column's unit: assumption, to be given."""
        detection_probability: Annotated[Capability, within(0.0, 1.0)] = 1.0
        """Ceiling c, for the worst defect: assumption, to be given."""
        midpoint_value: Annotated[
            float, Field(ge=-1e9, le=1e9), Threshold(of="limit_value", text="alarm beyond the limit")
        ] = 0.0
        """x_0, beyond the limit, seen half as often as the worst: assumption, to be given."""
        width_value: Annotated[float, Field(gt=0.0, le=1e9)] = 1e-6
        """w of the logistic law; tiny for a plain threshold: assumption, to be given."""
        false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = 0.0
        """f, on a sound row: assumption, to be given."""
        every_number: Annotated[int, Field(ge=1)] = 1
        """Looks at every so many rows; 1: all."""
        every_lot_number: Annotated[int, Field(ge=1)] = 1
        """Looks at every so many lots (skip-lot sampling); 1: all. Of the plant's own inspection plan, as are the
        next four."""
        first_number: Annotated[int, Field(ge=0)] = 0
        """Looks only at the first so many living rows of a lot; 0: no such limit."""
        acceptance_number: Annotated[int, Field(ge=0)] = 0
        """Alarms in the sample up to which the rest of the lot goes on unseen."""
        on_failed_sample: Literal["keep", "sort", "reject"] = "keep"
        """With more alarms than that: let the rest go on all the same, look at all of it, or scrap the whole lot."""
        disposition: Literal["scrap", "rework", "downgrade"] = "scrap"
        """What becomes of a row with an alarm."""
        rework_success_probability: Annotated[Capability, within(0.0, 1.0)] = 0.9
        """That a round of rework mends a bad row: assumption."""
        rework_rounds_number: Annotated[int, Field(ge=1, le=10)] = 1
        """Most rounds; after the last alarm the row is scrapped."""
        repaired_value: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0
        """Of the column after rework that succeeded; must be sound."""
        rework_s: Annotated[float, Field(ge=0.0, le=86_400.0)] = 0.0
        """Standstill of the station for each rework: assumption."""

    def __init__(self, params: Any, design: CellDesign) -> None:
        super().__init__(params, design)
        known = COLUMNS.get(params.column)
        if known is None:
            raise ConfigError(
                f"inspects the column '{params.column}', which no step writes; " + did_you_mean(params.column, COLUMNS)
            )
        if params.disposition == "rework" and self._sign * (params.repaired_value - params.limit_value) > 0.0:
            raise ConfigError(
                f"rework leaves {params.column} at {params.repaired_value:g} (repaired_value), still beyond the limit"
                f" {params.limit_value:g} (limit_value)"
            )
        written = {"scrap": (), "rework": (params.column,), "downgrade": (DOWNGRADED,)}[params.disposition]
        # What is read and written depends on the parameters, unlike in any other step.
        self.reads: tuple[str, ...] = (params.column,)  # type: ignore[misc]
        self.writes: tuple[str, ...] = written  # type: ignore[misc]

    @property
    def _sign(self) -> float:
        return 1.0 if self.params.side == "high" else -1.0

    def review(self) -> Iterator[Remark]:
        """Warn of plans under which defects go on although they have been found."""
        params = self.params
        if params.every_lot_number > 1:
            yield Remark(
                "every_lot_number",
                f"of {params.every_lot_number} lots one is looked at: defects of the others go on unseen",
            )
        sampled = params.every_number > 1 or params.first_number > 0
        if sampled and params.on_failed_sample == "keep":
            plan = (
                f"every {params.every_number} rows" if params.every_number > 1 else f"the first {params.first_number}"
            )
            yield Remark(
                "on_failed_sample",
                f"only {plan} are looked at, and a bad sample changes nothing for the rest of its lot",
                hint="set on_failed_sample to sort or reject",
            )
        if params.detection_probability == 0.0:
            yield Remark("detection_probability", "this inspection sees no defect, however severe")

    def apply(self, lot: Lot, draws: Draws, maturity: float) -> Lot:
        """Look, decide and put away."""
        params = self.params
        if params.column not in lot.columns:
            raise ConfigError(
                f"'{draws.owner}' inspects {params.column}, which lots do not have there: it is written later, or has"
                " been dropped by then"
            )
        if params.disposition == "downgrade" and lot.material != "cell":
            raise ConfigError(f"'{draws.owner}' downgrades {lot.material}s: only cells have a grade")
        if lot.ordinal % params.every_lot_number:
            return self._pass_unseen(lot)
        came = lot.alive()
        severity = self._severity(lot)
        bad = ~(severity <= 0.0)  # or not a number
        alarms = self._alarms(lot, severity, draws, "", maturity)
        looked = self._sample(came)
        found = alarms & looked
        failed = int(np.count_nonzero(found)) > params.acceptance_number and not looked[came].all()
        if failed and params.on_failed_sample == "sort":
            looked = came
            found = alarms & looked
        lot.attributes["inspected_rows"] = float(np.count_nonzero(looked))
        self._put_away(lot, found, bad, draws, maturity)
        if failed and params.on_failed_sample == "reject":
            rest = lot.alive()
            lot.attributes[notes.FALSE_REJECTS + "lot_rejected"] = float(np.count_nonzero(rest & ~bad))
            lot.scrap(rest, LOT_REJECTED)
        self._settle(lot)
        return lot

    def _pass_unseen(self, lot: Lot) -> Lot:
        """A lot that the plan skips."""
        lot.attributes["inspected_rows"] = 0.0
        if self.params.disposition == "downgrade" and DOWNGRADED not in lot.columns:
            lot.columns[DOWNGRADED] = np.zeros(lot.n, np.uint8)
        return lot

    def _severity(self, lot: Lot) -> npt.NDArray[np.float32]:
        value = lot.columns[self.params.column].astype(np.float32)
        value -= np.float32(self.params.limit_value)
        value *= np.float32(self._sign)
        return value

    def _alarms(
        self, lot: Lot, severity: npt.NDArray[np.float32], draws: Draws, again: str, maturity: float
    ) -> npt.NDArray[np.bool_]:
        """Whether this look would raise an alarm, row by row; `again` names a further look."""
        gauge = np.float32(self.at("gauge_sd_value", maturity))
        seen = severity + gauge * draws.normal("gauge" + again, lot) if gauge else severity
        out = np.empty(lot.n, np.bool_)
        inspection.raise_alarms(
            seen, draws.uniform("look" + again, lot), float(self.at("false_alarm_probability", maturity)),
            float(self.at("detection_probability", maturity)), float(self.params.midpoint_value),
            float(self.params.width_value), out,
        )  # fmt: skip
        return out

    def _sample(self, came: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        params = self.params
        if params.every_number == 1 and params.first_number == 0:
            return came
        nth = np.cumsum(came) - 1  # of the living rows
        looked: npt.NDArray[np.bool_] = came & (nth % params.every_number == 0)
        if params.first_number:
            looked &= nth < params.first_number
        return looked

    def _put_away(
        self, lot: Lot, found: npt.NDArray[np.bool_], bad: npt.NDArray[np.bool_], draws: Draws, maturity: float
    ) -> None:
        """Scrap, rework or downgrade the rows found; `bad` is what they truly were when they came."""
        params = self.params
        if params.disposition == "downgrade":
            before = lot.columns.get(DOWNGRADED, np.zeros(lot.n, np.uint8))
            lot.columns[DOWNGRADED] = before | found.astype(np.uint8)
            return
        if params.disposition == "rework":
            found = self._rework(lot, found, draws, maturity)
        lot.attributes[notes.FALSE_REJECTS + "alarm"] = float(np.count_nonzero(found & ~bad))
        lot.scrap(found, ALARM)

    def _rework(self, lot: Lot, found: npt.NDArray[np.bool_], draws: Draws, maturity: float) -> npt.NDArray[np.bool_]:
        """Mend and look again, round by round; returns the rows still found after the last."""
        params = self.params
        values = lot.columns[params.column] = lot.columns[params.column].copy()
        begun, rounds = found, 0
        for number in range(1, params.rework_rounds_number + 1):
            if not found.any():
                break
            rounds += int(np.count_nonzero(found))
            mended = found & ~(self._severity(lot) <= 0.0)
            mended &= draws.uniform(f"rework_{number}", lot) < self.at("rework_success_probability", maturity)
            values[mended] = params.repaired_value
            found = found & self._alarms(lot, self._severity(lot), draws, f"_{number}", maturity)
        lot.attributes[notes.REWORKED] = float(np.count_nonzero(begun & ~found))
        lot.attributes[notes.STOPS_S] = params.rework_s * rounds
        return found

    @staticmethod
    def _settle(lot: Lot) -> None:
        """Keep the mass account of electrodes and the weight of cells in buffers."""
        if lot.unit == "m":
            web.settle_web(lot)
        elif lot.unit == "kg":
            web.settle_charges(lot)
        elif lot.unit == "cells":
            lot.amount = float(lot.n_alive)
        elif lot.unit == "trays":
            lot.amount = float(math.ceil(lot.n_alive / lot.attributes["cells_per_tray"]))
