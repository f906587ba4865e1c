"""Inspection of a latent severity: how likely a gauge is to raise an alarm, and whether it does.

A stage sees severity x with probability ``p(x) = f + (1 - f) * c / (1 + exp(-(x - x0) / w))``: `f` false alarms on a
sound part, `c` the ceiling that even the worst defect reaches, `x0` and `w` midpoint and width of the probability of
detection. The logistic form is the usual one for hit/miss data (MIL-HDBK-1823A, 2009).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


@kernel
def detection_probability(severity: float, ceiling: float, midpoint: float, width: float) -> float:
    """Probability that a defect of the given severity is seen, false alarms apart.

    Parameters
    ----------
    severity, midpoint, width : float
        In the same unit; `width` above 0.
    ceiling : float
        Probability in the limit of the worst defect, in [0, 1].
    """
    exponent = -(severity - midpoint) / width
    if exponent > 700.0:
        return 0.0
    return ceiling / (1.0 + math.exp(exponent))


@kernel
def raise_alarms(
    severity: npt.NDArray[np.float32],
    u: npt.NDArray[np.float32],
    false_alarm: float,
    ceiling: float,
    midpoint: float,
    width: float,
    out: npt.NDArray[np.bool_],
) -> None:
    """Decide on every row.

    Parameters
    ----------
    severity : ndarray of float32, shape (n,)
        0 or below marks a sound row, on which only false alarms occur; NaN is always an alarm.
    u : ndarray of float32, shape (n,)
        Uniform numbers; a row with a smaller one is caught sooner, so more severity never means fewer alarms.
    false_alarm, ceiling, midpoint, width : float
        See the module text.
    out : ndarray of bool, shape (n,)
        Filled with the alarms.
    """
    sound = np.float32(false_alarm)
    for i in range(u.size):  # vectorises; the rare defects are looked at again below
        out[i] = u[i] < sound
    for i in range(u.size):
        if not (severity[i] <= np.float32(0.0)):
            seen = detection_probability(severity[i], ceiling, midpoint, width)
            out[i] = not (u[i] >= false_alarm + (1.0 - false_alarm) * seen)
