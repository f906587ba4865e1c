"""Coating and drying in closed form: solvent per area, drying rate and speed, binder migration, adhesion, cracks.

Plain functions of floats without numba, so that a recipe can be reviewed before anything is run. All areas are of one
coated side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_STEPS = 200


def solvent_g_per_m2(loading_mg_per_cm2: float, solid_fraction: float) -> float:
    """Solvent to be dried off: 10 w (1 - s) / s, with w the dry loading and s the slurry's mass fraction of solids."""
    return 10.0 * loading_mg_per_cm2 * (1.0 - solid_fraction) / solid_fraction


def drying_rate_g_per_m2_s(speed_m_per_min: float, solvent_g_per_m2: float, dryer_m: float) -> float:
    """Average drying rate that leaves the web dry at the end of the dryer: m v / L."""
    return solvent_g_per_m2 * speed_m_per_min / 60.0 / dryer_m


def fastest_m_per_min(rate_g_per_m2_s: float, solvent_g_per_m2: float, dryer_m: float) -> float:
    """Web speed at which the dryer takes off the solvent at `rate_g_per_m2_s`: L r / m."""
    return 60.0 * dryer_m * rate_g_per_m2_s / solvent_g_per_m2


def layer_um(loading_mg_per_cm2: float, solid_g_per_cm3: float, porosity: float) -> float:
    """Thickness of the dried layer, which is that of the wet one once its particles touch."""
    return 10.0 * loading_mg_per_cm2 / (solid_g_per_cm3 * (1.0 - porosity))


def peclet(rate_g_per_m2_s: float, layer_um: float, solvent_g_per_cm3: float, diffusivity_m2_per_s: float) -> float:
    """Binder carried to the surface by the solvent against its diffusion back: Pe = r h / (rho D)."""
    return 1e-3 * rate_g_per_m2_s * layer_um * 1e-6 / (1e3 * solvent_g_per_cm3 * diffusivity_m2_per_s)


def binder_at(height: float, peclet: float) -> float:
    """Binder at a relative height (0 foil, 1 surface) over its mean: Pe exp(Pe x) / (exp(Pe) - 1).

    Steady state of convection and diffusion with no flux through foil and surface.
    """
    if peclet < 1e-9:
        return 1.0
    # Numerator and denominator times exp(-Pe), which cannot overflow.
    return peclet * math.exp(peclet * (height - 1.0)) / -math.expm1(-peclet)


def interface_share(peclet: float) -> float:
    """Binder at the foil over its mean: Pe / (exp(Pe) - 1); 1 for slow drying, towards 0 for fast."""
    return binder_at(0.0, peclet)


def peclet_at(share: float) -> float:
    """Peclet number that leaves the share 0 < `share` <= 1 of the binder at the foil: inverse of `interface_share`."""
    low, high = 0.0, 700.0
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if interface_share(middle) > share:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def weakest_of(median: float, spread: float, patches: float) -> float:
    """Typical strength of the weakest of n lognormal patches: median x exp(-sigma sqrt(2 ln n)).

    Leading term of the extreme value of n normal numbers; the exact median of the minimum lies some percent higher.
    """
    return median * math.exp(-spread * math.sqrt(2.0 * math.log(max(patches, 1.0))))


def crack_probability(loading_mg_per_cm2: float, limit_mg_per_cm2: float, width_fraction: float) -> float:
    """Probability that a drying coating cracks: logistic in the loading, 1/2 at the limit (assumption).

    Parameters
    ----------
    loading_mg_per_cm2, limit_mg_per_cm2 : float
        Dry loading per side, and the one at which half of the electrodes crack.
    width_fraction : float
        Width of the transition over the limit, > 0.
    """
    x = (limit_mg_per_cm2 - loading_mg_per_cm2) / (width_fraction * limit_mg_per_cm2)
    return 1.0 / (1.0 + math.exp(min(x, 700.0)))


def streak_share(agglomerate_um: float, gap_um: float, spread: float) -> float:
    """Share of lognormal agglomerates (median, standard deviation of the logarithm) that do not pass a gap."""
    return 0.5 * math.erfc(math.log(gap_um / agglomerate_um) / (spread * math.sqrt(2.0)))


def log_sigma(cv: float) -> float:
    """Standard deviation of the logarithm of a lognormal number with a coefficient of variation."""
    return math.sqrt(math.log1p(cv**2))


@dataclass(frozen=True, slots=True)
class DryingRecipe:
    """One electrode, its slurry and its dryer: what rates and speeds go together."""

    loading_mg_per_cm2: float
    solid_g_per_cm3: float
    porosity: float
    """Of the dried layer."""
    solid_fraction: float
    """Of the slurry, by mass."""
    solvent_g_per_cm3: float
    diffusivity_m2_per_s: float
    dryer_m: float

    @property
    def solvent_g_per_m2(self) -> float:
        """Solvent to be dried off one side."""
        return solvent_g_per_m2(self.loading_mg_per_cm2, self.solid_fraction)

    def rate_g_per_m2_s(self, speed_m_per_min: float) -> float:
        """What a web speed demands of the dryer."""
        return drying_rate_g_per_m2_s(speed_m_per_min, self.solvent_g_per_m2, self.dryer_m)

    def speed_m_per_min(self, rate_g_per_m2_s: float) -> float:
        """Web speed at a drying rate."""
        return fastest_m_per_min(rate_g_per_m2_s, self.solvent_g_per_m2, self.dryer_m)

    def peclet(self, rate_g_per_m2_s: float) -> float:
        """Peclet number of the binder at a drying rate."""
        thickness_um = layer_um(self.loading_mg_per_cm2, self.solid_g_per_cm3, self.porosity)
        return peclet(rate_g_per_m2_s, thickness_um, self.solvent_g_per_cm3, self.diffusivity_m2_per_s)

    def peel_share(self, rate_g_per_m2_s: float, exponent: float) -> float:
        """Peel strength over that after infinitely slow drying: the share of the binder at the foil to a power."""
        return float(interface_share(self.peclet(rate_g_per_m2_s)) ** exponent)

    def adhesion_limited_m_per_min(self, slow_n_per_m: float, limit_n_per_m: float, exponent: float) -> float:
        """Speed at which the peel strength falls to a limit.

        Parameters
        ----------
        slow_n_per_m : float
            Peel strength after infinitely slow drying.
        limit_n_per_m : float
        exponent : float
            As in `peel_share`.

        Returns
        -------
        float
            0 if even slow drying leaves less than the limit; infinite if no speed does.
        """
        if slow_n_per_m <= limit_n_per_m:
            return 0.0
        if limit_n_per_m <= 0.0 or exponent <= 0.0:
            return math.inf
        share = (limit_n_per_m / slow_n_per_m) ** (1.0 / exponent)
        return self.speed_m_per_min(peclet_at(share) / self.peclet(1.0))
