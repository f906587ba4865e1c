"""What the steps that seal a cell share: a leak test, and after an alarm a second weld where there can be one.

Not a step itself: `pouch`, `lid_seam`, `second_fill` and `degas` derive from `LeakTest`. Severity of a leak x =
log10(leak rate / limit); detection f + (1 - f) c / (1 + exp(-(x - x_0) / w)). A cell that already leaks elsewhere is
tested with what leaks more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import Field

from cellfab.config.spec import Capability, Ramped, within
from cellfab.core import notes
from cellfab.core.causes import describe
from cellfab.core.cell_columns import LEAK
from cellfab.core.draws import Draws
from cellfab.core.lot import Lot
from cellfab.kernels import AtFirstUse
from cellfab.steps.base import Step, once_per_maturity

if TYPE_CHECKING:
    from cellfab.kernels.leaks import LeakTestLaw

leaks = AtFirstUse("leaks")

_NONE = np.empty(0, np.uint8)


class LeakSites(NamedTuple):
    """Leak sites along a seam or seal, a Poisson process: it leaks where the hazard is below the number of sites.

    The worst site has log10(leak rate / limit) = -mean ln(hazard / number): see `cellfab.kernels.leaks`.
    """

    number: npt.NDArray[np.float64]
    """Mean number of sites of each cell, shape (n,)."""
    hazard: npt.NDArray[np.float64]
    """Unit exponential number drawn for each cell, shape (n,)."""


def leak_sites(number: npt.ArrayLike, u: npt.NDArray[np.float32]) -> LeakSites:
    """Sites of cells with `number` of them on average, one or shape (n,), from the uniform numbers drawn."""
    return LeakSites(np.broadcast_to(np.asarray(number, np.float64), u.shape), -np.log1p(-u.astype(np.float64)))


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
    ) -> npt.NDArray[np.intp]:  # fmt: skip
        """Test the living cells, weld again after alarms, and scrap what fails in the end.

        Returns
        -------
        ndarray of int
            Rows of cells welded again that passed.
        """
        leak, verdict = lot.columns[LEAK], np.empty(lot.n, np.uint8)
        law = self._test_law(maturity)
        if mends_at_most:
            law = law._replace(mend_success=float(mend_success))
        leaks.find_leaks(
            law, mends_at_most, np.array([draws.key("leak_test"), draws.key("second_weld")], np.uint64), lot.identity,
            _NONE if beyond_repair is None else beyond_repair, leak, verdict,
        )  # fmt: skip
        alarmed = np.flatnonzero(verdict)
        alarmed = alarmed[lot.alive()[alarmed]]
        rejected = alarmed[verdict[alarmed] == leaks.REJECTED]
        if rejected.size:
            sound = np.count_nonzero(leak[rejected] == 0.0)
            lot.attributes[notes.FALSE_REJECTS + describe(cause).name] = float(sound)
            lot.scrap(verdict == leaks.REJECTED, cause)
        again: npt.NDArray[np.intp] = alarmed[verdict[alarmed] == leaks.MENDED]
        return again

    @once_per_maturity
    def _test_law(self, maturity: float) -> LeakTestLaw:
        """Constants of the test without second welds, as the kernel wants them."""
        at = self.capabilities(maturity)
        law: LeakTestLaw = leaks.LeakTestLaw(
            false_alarm=float(at["leak_false_alarm_probability"]),
            ceiling=float(at["leak_detection_probability"]),
            midpoint=float(at["leak_midpoint_number"]),
            width=float(at["leak_width_number"]),
            mend_success=0.0,
        )
        return law
