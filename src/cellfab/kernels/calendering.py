"""Calendering: line load, porosity and thickness of a coating. Floats or arrays of one shape in, the same out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Values = Any  # a float, or an array of floats; results have the arguments' shape


def meyer_porosity(line_load_n_per_mm: Values, gamma_n_per_mm: float, before: float, least: float) -> Values:
    """Porosity after a line load q: least + (before - least) exp(-q / gamma) (Meyer et al. 2017)."""
    decay = np.exp(-line_load_n_per_mm / gamma_n_per_mm)
    return least + (before - least) * decay


def meyer_line_load_n_per_mm(porosity: float, gamma_n_per_mm: float, before: float, least: float) -> float:
    """Line load that brings a coating from porosity `before` to `porosity`: the inverse of `meyer_porosity`.

    Raises
    ------
    ValueError
        Unless least < porosity <= before: no load can do it.
    """
    if not least < porosity <= before:
        raise ValueError(
            f"porosity {porosity:.3f} cannot be reached by calendering: it must lie above the coating's limit"
            f" {least:.3f} and not above its porosity before, {before:.3f}"
        )
    return gamma_n_per_mm * math.log((before - least) / (porosity - least))


def porosity(loading_mg_per_cm2: Values, coating_um: Values, solid_density_g_per_cm3: float) -> Values:
    """1 - w / (t rho): what is not solid in one coated side."""
    return 1.0 - 10.0 * loading_mg_per_cm2 / (coating_um * solid_density_g_per_cm3)


def coating_um(loading_mg_per_cm2: Values, porosity: Values, solid_density_g_per_cm3: float) -> Values:
    """Thickness of one coated side of a given porosity, um: the inverse of `porosity`."""
    return 10.0 * loading_mg_per_cm2 / ((1.0 - porosity) * solid_density_g_per_cm3)
