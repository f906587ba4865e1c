"""Vacuum drying of coils: moisture leaves through the cut edges."""

from __future__ import annotations

from typing import Any

import numpy as np

Values = Any  # a float, or an array of floats; results have the arguments' shape


def drying_time_constant_h(
    width_m: float,
    temperature_c: float,
    reference_h: float,
    reference_width_m: float,
    reference_c: float,
    halving_k: float,
) -> float:
    """Time constant of edge diffusion, tau_ref (b / b_ref)^2 2^(-(T - T_ref) / dT), h.

    The square of the width is Fick's law for a slab that dries from both edges; the temperature law is an assumption.
    """
    colder = (reference_c - temperature_c) / halving_k
    return float(reference_h * (width_m / reference_width_m) ** 2 * 2.0**colder)


def moisture_ppm(start_ppm: Values, equilibrium_ppm: Values, time_h: float, time_constant_h: float) -> Values:
    """Moisture after a time: equilibrium + (start - equilibrium) exp(-t / tau), ppm (leading term of the series)."""
    decay = float(np.exp(-time_h / time_constant_h))
    return equilibrium_ppm + (start_ppm - equilibrium_ppm) * decay
