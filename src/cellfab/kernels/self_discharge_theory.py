"""Self-discharge in closed form: what a short does to the voltage of a resting cell, and which shorts can be seen.

Plain functions without a compiler, for they are also asked when a configuration is read.
"""

from __future__ import annotations

import math

BOLTZMANN_EV_PER_K = 8.617333e-5


def k_value_mv_per_d(current_a: float, capacity_ah: float, slope_mv_per_percent: float) -> float:
    """Voltage drop per day: ``K = I * 24 h / C * 100 % * s``.

    Parameters
    ----------
    current_a : float
        Chemical self-discharge plus what flows through a short.
    capacity_ah : float
        Of the cell.
    slope_mv_per_percent : float
        Slope s of the open-circuit voltage at the test's state of charge, mV per percent of charge.
    """
    return current_a / capacity_ah * (2400.0 * slope_mv_per_percent)


def detectable_ohm(voltage_v: float, capacity_ah: float, slope_mv_per_percent: float, margin_mv_per_d: float) -> float:
    """Largest short resistance whose K value stands out by `margin_mv_per_d` (above 0)."""
    return k_value_mv_per_d(voltage_v, capacity_ah, slope_mv_per_percent) / margin_mv_per_d


def reading_noise_mv_per_d(reading_mv: float, temperature_mv: float, days: float) -> float:
    """Standard deviation of K from two voltage readings, each with its own noise and error by temperature, mV."""
    return math.sqrt(2.0) * math.hypot(reading_mv, temperature_mv) / days


def lognormal_spread(median: float, geometric_sd: float) -> float:
    """Half the distance between the 16 % and 84 % quantiles of a lognormal law: its robust standard deviation.

    It is what 1.4826 times the median absolute deviation tends to while the law is not far from a normal one
    (geometric standard deviation below about 1.5).
    """
    return 0.5 * median * (geometric_sd - 1.0 / geometric_sd)


def slope_to_see(short_per_slope: float, spread_per_slope: float, noise: float, sigmas: float) -> float:
    """Slope of the open-circuit voltage at which a short stands out of its tray, mV per percent.

    Current of the short and spread of the sound cells' own current both grow with the slope, the noise of the readings
    does not: ``s a = k sqrt(noise^2 + (s b)^2)``. Infinite where the spread alone hides the short.

    Parameters
    ----------
    short_per_slope, spread_per_slope : float
        a and b: K of the short, and standard deviation of the sound cells' K, at a slope of 1; mV/d.
    noise : float
        Of K by the readings, mV/d.
    sigmas : float
        k: standard deviations above the median at which the tray's limit lies.
    """
    over = short_per_slope**2 - (sigmas * spread_per_slope) ** 2
    return sigmas * noise / math.sqrt(over) if over > 0.0 else math.inf


def settling_factor(start_d: float, end_d: float, excess: float, time_constant_d: float) -> float:
    """Mean of ``1 + excess * exp(-t / tau)`` between two times after formation."""
    decayed = math.exp(-start_d / time_constant_d) - math.exp(-end_d / time_constant_d)
    return 1.0 + excess * time_constant_d * decayed / (end_d - start_d)


def arrhenius_factor(temperature_c: float, reference_c: float, activation_ev: float) -> float:
    """Rate at `temperature_c` over the rate at `reference_c`."""
    inverse = 1.0 / (reference_c + 273.15) - 1.0 / (temperature_c + 273.15)
    return math.exp(activation_ev / BOLTZMANN_EV_PER_K * inverse)


def leakage_detectable_ohm(voltage_v: float, margin_a: float) -> float:
    """Largest short whose current stands out by `margin_a` in a potentiostatic leakage test: ``R = V / I``."""
    return voltage_v / margin_a
