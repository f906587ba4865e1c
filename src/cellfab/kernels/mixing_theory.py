"""What kneading makes of a PTFE binder; needs no compiler, so that a review can ask it.

Functions take floats or arrays of one shape and return the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Values = Any  # a float, or an array of floats; results have the arguments' shape

WAKE_C = 19.0
"""Crystal transition of PTFE, degC: below it the chains do not slip and no fibrils form."""
_FULL_C = 60.0


def fibrillation(time_min: Values, temperature_c: Values, time_constant_min: float) -> Values:
    """Degree of fibrillation phi = (1 - exp(-t / tau)) g(T), 0-1.

    g is 0 below 19 degC, where PTFE stays crystalline, and rises linearly to 1 at 60 degC (assumption; the transition
    temperatures are those of PTFE, e.g. Bunn and Howells 1954).
    """
    warm = np.minimum(np.maximum((temperature_c - WAKE_C) / (_FULL_C - WAKE_C), 0.0), 1.0)
    return -np.expm1(-time_min / time_constant_min) * warm


def film_strength_mpa(
    reference_mpa: float, binder_ratio: Values, degree: Values, time_min: Values, over_min: float, over_decay_min: float
) -> Values:
    """Tensile strength of the film, reference (w / w_ref)^1.2 phi exp(-max(0, t - t_over) / t_c), MPa (assumption).

    Kneading past `over_min` cuts the fibrils again.
    """
    cut = np.exp(-np.maximum(time_min - over_min, 0.0) / over_decay_min)
    return reference_mpa * binder_ratio**1.2 * degree * cut
