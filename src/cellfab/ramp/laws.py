"""The laws of improvement in closed form. Times in months of 730.5 h unless a name says otherwise."""

from __future__ import annotations

import math

HOURS_PER_MONTH = 730.5
"""365.25 d * 24 h / 12."""


def maturity(experience_months: float, time_constant_months: float) -> float:
    """Maturity in [0, 1) after an effective experience: 1 - exp(-E / tau).

    The exponential yield law y = y_inf - (y_inf - y_0) exp(-E / tau), with (y - y_0) / (y_inf - y_0) written as m.
    """
    return -math.expm1(-experience_months / time_constant_months)


def experience_for(maturity_reached: float, time_constant_months: float) -> float:
    """Effective experience in months at which `maturity` is reached (its inverse); needs 0 <= maturity < 1."""
    return -time_constant_months * math.log1p(-maturity_reached)


def carried_progress(progress: float, carried: float) -> float:
    """Progress p' of an exponential law when the share `carried` of what it had reached still counts.

    1 - exp(-p') = carried (1 - exp(-p)), with progress p = time / time constant; 0 <= carried <= 1.
    """
    if carried == 1.0:  # also where exp(-p) has vanished beside 1
        return progress
    return -math.log1p(carried * math.expm1(-progress))


def experience_after(
    months: float, utilisation: float, calendar_weight: float, utilisation_weight: float, initial: float = 0.0
) -> float:
    """Effective experience after `months` of constant utilisation: E0 + (a_c + a_u u) t."""
    return initial + (calendar_weight + utilisation_weight * utilisation) * months


def released_rate(months: float, start: float, mature: float, time_constant_months: float) -> float:
    """Share of nominal speed after `months` of operation: r_inf - (r_inf - r_0) exp(-t / tau)."""
    return mature - (mature - start) * math.exp(-months / time_constant_months)


def duane_factor(clock_h: float, growth_exponent: float, mature_after_h: float) -> float:
    """Mean time between failures over its mature value at a Duane clock: min(1, (T / T_m) ** alpha)."""
    if clock_h >= mature_after_h:
        return 1.0
    return float((clock_h / mature_after_h) ** growth_exponent)


def duane_clock_for(factor: float, growth_exponent: float, mature_after_h: float) -> float:
    """Duane clock in h at which `factor` of the mature value is reached; 0 where nothing grows."""
    if growth_exponent == 0.0:
        return mature_after_h if factor >= 1.0 else 0.0
    return float(mature_after_h * factor ** (1.0 / growth_exponent))


def instantaneous_mtbf(cumulative_mtbf: float, growth_exponent: float) -> float:
    """Duane (1964): MTBF_inst = MTBF_cum / (1 - alpha), in the unit given."""
    return cumulative_mtbf / (1.0 - growth_exponent)


def expected_failures(
    from_clock_h: float, to_clock_h: float, mature_mtbf_h: float, growth_exponent: float, mature_after_h: float
) -> float:
    """Expected failures between two Duane clocks, of a machine whose MTBF follows `duane_factor`.

    Up to the mature clock this is the power-law process of Crow (AMSAA, 1974): E[N] = lambda (T2 ** beta - T1 ** beta)
    with beta = 1 - alpha and lambda = T_m ** alpha / (beta MTBF_mature); beyond it a Poisson process of constant rate.
    """
    beta = 1.0 - growth_exponent
    growing_from, growing_to = min(from_clock_h, mature_after_h), min(to_clock_h, mature_after_h)
    scale = mature_after_h**growth_exponent / (beta * mature_mtbf_h)
    growing = scale * (growing_to**beta - growing_from**beta)
    mature_h = max(0.0, to_clock_h - max(from_clock_h, mature_after_h))
    return float(growing + mature_h / mature_mtbf_h)


def repair_factor(months: float, start: float, time_constant_months: float) -> float:
    """Mean time to repair over its mature value after `months` of operation: 1 + (start - 1) exp(-t / tau)."""
    return 1.0 + (start - 1.0) * math.exp(-months / time_constant_months)


def wright(units: float, learning_rate: float) -> float:
    """Cost or time of the n-th unit over that of the first, n^-b with b = -log2(1 - learning_rate) (Wright 1936).

    Every doubling of the units saves the share `learning_rate`; `units` of at least 1.
    """
    return float(units ** math.log2(1.0 - learning_rate))


def de_jong(units: float, machine_paced_share: float, learning_rate: float) -> float:
    """The same with a share that no practice shortens: M + (1 - M) n^-b (De Jong 1957)."""
    return machine_paced_share + (1.0 - machine_paced_share) * wright(units, learning_rate)


def labour_factor(
    cells: float, first_cells: float, mature_cells: float, machine_paced_share: float, learning_rate: float
) -> float:
    """People needed over those of the mature line, once `cells` have been made; at least 1.

    De Jong's law in units of `first_cells`, over its own value at `mature_cells`.
    """
    now = de_jong(max(1.0, cells / first_cells), machine_paced_share, learning_rate)
    mature = de_jong(max(1.0, mature_cells / first_cells), machine_paced_share, learning_rate)
    return max(1.0, now / mature)
