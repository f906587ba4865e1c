"""What a rack of cells leaves usable, and what a use asks of their resistance. Plain functions without a compiler."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist


@lru_cache
def series_factor(cells: int) -> float:
    """Expected distance of the weakest of `cells` normal numbers from their mean, in standard deviations.

    Blom, "Statistical Estimates and Transformed Beta-Variables" (1958): ``quantile((n - 3/8) / (n + 1/4))``, within
    1 % for n above 5. 2.5 for 104 cells, 3.0 for 416.
    """
    return 0.0 if cells < 2 else NormalDist().inv_cdf((cells - 0.375) / (cells + 0.25))


def usable_fraction(capacity_cv: float, cells: int) -> float:
    """Share of the mean capacity that `cells` in series give before balancing: ``1 - c_n cv``, never below 0.

    The weakest cell ends the discharge of all. Holds for capacities near a normal law; sorted cells, whose lower tail
    is cut off, are better than it says.
    """
    return max(1.0 - series_factor(cells) * capacity_cv, 0.0)


def voltage_mohm(rest_v: float, least_v: float, current_a: float) -> float:
    """Largest resistance with which a cell at `rest_v` holds `least_v` under a current, mohm: Ohm's law."""
    return 1e3 * (rest_v - least_v) / current_a


def warming_mohm(most_k: float, heat_wh_per_k: float, current_a: float, hours: float) -> float:
    """Largest resistance with which a current warms a cell by no more than `most_k`, mohm.

    ``I^2 R t = C dT``: all heat stays in the cell, as in a module without cooling for some minutes.
    """
    return 1e3 * most_k * heat_wh_per_k / (current_a * current_a * hours)


def efficiency_mohm(least: float, nominal_v: float, overvoltage_v: float, current_a: float) -> float:
    """Largest resistance with which a cycle at a current gives back the share `least` of its energy, mohm.

    ``eta = (U - o - I R) / (U + o + I R)``, charge being conserved (coulombic efficiency 1), so that
    ``R = (U (1 - eta) / (1 + eta) - o) / I``: below 0 where hysteresis alone takes too much.
    """
    return 1e3 * (nominal_v * (1.0 - least) / (1.0 + least) - overvoltage_v) / current_a
