"""The second filling of a prismatic cell: what pre-charge left, what is dosed, and what then is in the cell."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.random import fill_normal, fill_uniform

PASSED, REJECTED_MASS = 0, 1


class TopUpLaw(NamedTuple):
    """What the second filling depends on, as floats; masses in g."""

    target_g: float
    """Electrolyte wanted in the cell."""
    fixed_g: float
    """Dose, if every cell gets the same; negative: each gets what its weight lacks."""
    loss: float
    """Mean share of the first filling lost during pre-charge."""
    loss_cv: float
    dosing_cv: float
    scale_g: float
    """Error of one weighing."""
    tolerance_g: float
    blocked: float
    """Probability that a blocked nozzle gives only part of the dose."""
    pin: float
    """Probability that the seal pin leaks."""
    decades: float
    """Mean log10(leak rate / limit) of a leaking pin."""
    pores_g: float
    """Electrolyte that fills the pores."""


@kernel
def top_up(
    law: TopUpLaw,
    keys: npt.NDArray[np.uint64],
    entity: int,
    came: npt.NDArray[np.bool_],
    electrolyte_g: npt.NDArray[np.float32],
    unwetted: npt.NDArray[np.float32],
    leak: npt.NDArray[np.float32],
    verdict: npt.NDArray[np.uint8],
) -> float:
    """Fill, pin and weigh every cell of a lot.

    Parameters
    ----------
    law : TopUpLaw
        Constants.
    keys : ndarray of uint64, shape (5,)
        Streams of loss, first weighing, dose, second weighing, and of blocked nozzles and leaking pins (which exclude
        each other).
    entity : int
        The lot.
    came : ndarray of bool, shape (n,)
        Cells that count in the sum.
    electrolyte_g, unwetted, leak : ndarray of float32, shape (n,)
        Changed: mass of electrolyte; dry share, at least what lacks of the pores' volume; worst leak.
    verdict : ndarray of uint8, shape (n,)
        Filled: `PASSED`, or `REJECTED_MASS` where the weighed mass is out of tolerance.

    Returns
    -------
    float
        Electrolyte dosed into the cells that came, g.
    """
    n = verdict.size
    z = np.empty((4, n), np.float32)
    u = np.empty(n, np.float32)
    for decision in range(4):
        fill_normal(keys[decision], entity, z[decision])
    fill_uniform(keys[4], entity, u)
    zero, one = np.float32(0.0), np.float32(1.0)
    target, fixed, scale = np.float32(law.target_g), np.float32(law.fixed_g), np.float32(law.scale_g)
    loss, loss_cv, dosing_cv = np.float32(law.loss), np.float32(law.loss_cv), np.float32(law.dosing_cv)
    tolerance, per_pores = np.float32(law.tolerance_g), np.float32(1.0 / law.pores_g)
    blocked, faulty = np.float32(law.blocked), np.float32(law.blocked + law.pin)
    total = 0.0
    for i in range(n):
        left = electrolyte_g[i] * (one - min(max(loss * (one + loss_cv * z[0, i]), zero), one))
        wanted = fixed if fixed >= zero else max(target - left + scale * z[1, i], zero)
        dose = max(wanted * (one + dosing_cv * z[2, i]), zero)
        if u[i] < faulty:
            if u[i] < blocked:
                dose *= u[i] / blocked
            else:
                share = max((np.float64(u[i]) - law.blocked) / law.pin, 1e-30)
                leak[i] = max(leak[i], -law.decades * math.log(share))
        filled = left + dose
        electrolyte_g[i] = filled
        unwetted[i] = max(unwetted[i], one - filled * per_pores)
        verdict[i] = abs(filled + scale * z[3, i] - target) > tolerance
        if came[i]:
            total += float(dose)
    return total
