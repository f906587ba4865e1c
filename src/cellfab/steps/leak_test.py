"""What the steps that seal a cell share: a leak test, and after an alarm a second weld where there can be one.

Not a step itself: `pouch`, `lid_seam`, `second_fill` and `degas` derive from `LeakTest`. Severity of a leak x =
log10(leak rate / limit); detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)). A cell that already leaks elsewhere is
tested with what leaks more.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import describe
from cellfab.core.cell_columns import LEAK
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.steps.base import Step


class LeakTest(Step):
    """A step that seals a cell and looks for leaks."""

    class Params(Step.Params):
        """Leaks and the test for them."""

        leak_decades_mean_number: Annotated[float, Field(gt=0.0, le=10.0)] = 1.5
        """Mean of log10(leak rate / limit) of one leak: assumption."""
        leak_detection_probability: Annotated[Capability, within(0.0, 1.0)] = 0.98
        """Ceiling for a gross leak; limit 1e-6 mbar l/s helium equivalent (leak-detector vendors): assumption."""
        leak_midpoint_number: Annotated[float, Field(ge=-5.0, le=5.0)] = 0.0
        """Decades above the limit seen half as often: assumption."""
        leak_width_number: Annotated[float, Field(gt=0.0, le=5.0)] = 0.1
        """Width of that logistic law, decades: assumption."""
        leak_false_alarm_probability: Annotated[Capability, within(0.0, 1.0)] = Ramped(start=4e-3, mature=4e-4)
        """Of a tight cell: assumption."""

    @staticmethod
    def leaks_so_far(lot: Lot) -> npt.NDArray[np.float32]:
        """The lot's column of leaks; tight cells before the first seal."""
        if LEAK not in lot.columns:
            lot.columns[LEAK] = np.zeros(lot.n, np.float32)
        return lot.columns[LEAK]

    def test_leaks(
        self, lot: Lot, draws: Draws, maturity: float, cause: int, *, mends_at_most: int = 0,
        mend_success: float = 0.0, beyond_repair: npt.NDArray[np.uint8] | None = None,
    ) -> npt.NDArray[np.bool_]:  # fmt: skip
        """Test the living cells, weld again after alarms, and scrap what fails in the end.

        Returns
        -------
        ndarray of bool, shape (n,)
            Cells welded again.
        """
        from cellfab.kernels import leaks

        params, leak = self.params, lot.columns[LEAK]
        law = leaks.LeakTestLaw(
            false_alarm=float(self.at("leak_false_alarm_probability", maturity)),
            ceiling=float(self.at("leak_detection_probability", maturity)),
            midpoint=float(params.leak_midpoint_number),
            width=float(params.leak_width_number),
            mend_success=float(mend_success),
        )
        verdict = np.empty(lot.n, np.uint8)
        if beyond_repair is None:
            beyond_repair = np.zeros(lot.n, np.uint8)
        leaks.find_leaks(
            law, mends_at_most, draws.uniform("leak_test", lot), draws.key("second_weld"), lot.identity,
            beyond_repair, leak, verdict,
        )  # fmt: skip
        rejected = verdict == leaks.REJECTED
        if rejected.any():
            sound = rejected & (leak == 0.0) & lot.alive()
            lot.attributes[notes.FALSE_REJECTS + describe(cause).name] = float(np.count_nonzero(sound))
            lot.scrap(rejected, cause)
        again: npt.NDArray[np.bool_] = verdict == leaks.MENDED
        return again
