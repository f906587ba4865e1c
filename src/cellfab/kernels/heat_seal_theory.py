"""Heat seals of pouch laminate in closed form: temperature between the sealant films, strength, and the safe window.

Two hot bars press two sheets of laminate together; by symmetry no heat passes the plane between them, so each sheet is
a slab heated from one side: ``T_i(t) = T_bar - (T_bar - T_0) (4 / pi) exp(-pi^2 alpha t / (4 d^2))`` (leading term;
Carslaw and Jaeger, "Conduction of Heat in Solids", 1959, section 3.4). Strength rises steeply once the sealant melts,
stays on a plateau and falls when the sealant is squeezed out: two logistic laws (the form of measured seal curves;
constants are assumptions).
"""

from __future__ import annotations

import math

ROOM_C = 25.0


def interface_c(bar_c: float, seal_s: float, laminate_um: float, diffusivity_m2_per_s: float) -> float:
    """Temperature between the sheets at the end of sealing, degC; never below room temperature."""
    decay = math.exp(-(math.pi**2) * diffusivity_m2_per_s * seal_s / (4.0 * (laminate_um * 1e-6) ** 2))
    return max(ROOM_C, bar_c - (bar_c - ROOM_C) * 4.0 / math.pi * decay)


def window_c(
    least_share: float, melt_c: float, melt_width_k: float, squeeze_c: float, squeeze_width_k: float
) -> tuple[float, float]:
    """Temperatures between which a seal keeps at least `least_share` (0-1) of the plateau's strength.

    Each limit is that of its own logistic law, ``melt + width ln(s / (1 - s))`` and ``squeeze - width ln(s / (1 -
    s))``: the other law is 1 there as long as the two lie many widths apart.
    """
    odds = math.log(least_share / (1.0 - least_share))
    return melt_c + melt_width_k * odds, squeeze_c - squeeze_width_k * odds
