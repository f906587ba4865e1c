"""Laser welding of the collector disc onto the kneaded foil face, seam by seam.

The scalar physics stands in `cellfab.kernels.laser_weld_theory`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.laser_weld_theory import CONDUCTION_DEPTH
from cellfab.kernels.random import fill_normal, fill_uniform, fill_words, uniform

LEAST_CONDUCTANCE = 0.3
"""Share of a sound seam's conductance that is left at the least penetration (assumption)."""
VIOLENT_SPATTER = 3.0
"""Times the spatter at four times the keyhole threshold or over a gap of a quarter of the disc (assumption)."""
_CONTACT = 1e-3
"""Conductance, in sound seams, of a disc without a single conducting seam: it rests on the flags (assumption)."""


class SeamLaw(NamedTuple):
    """What one side's welds depend on, as numbers; lengths in um, every field a float."""

    depth_scale_um: float
    """Depth times G(Pe) at nominal absorbed power."""
    peclet: float
    """At nominal radius."""
    radius_um: float
    rayleigh_um: float
    enthalpy: float
    """Normalised enthalpy at nominal power and focus."""
    enthalpy_threshold: float
    power_sd: float
    """Relative; power, absorptivity and local conditions together (`laser_weld_theory.absorbed_power_spread`)."""
    power_skew: float
    """Third standardised moment of that product."""
    focus_sd_um: float
    gap_median_um: float
    gap_log_sd: float
    """Seam to seam, within a cell."""
    disc_um: float
    least_um: float
    """Penetration below the interface under which a seam does not hold."""
    most_um: float
    """Peak penetration below the interface above which the seam burns through."""
    bridge_midpoint: float
    bridge_width: float
    """Of the logistic law that molten metal bridges a gap, in gap over disc thickness."""
    spike_location: float
    spike_scale: float
    """Of the Gumbel law of the deepest keyhole spike, relative to the mean depth."""
    seam_mohm: float
    """Resistance of a sound seam."""
    full_um: float
    """Penetration beyond `least_um` at which the seam's cross-section is complete."""
    least_conductance: float
    """`LEAST_CONDUCTANCE`."""
    spread_mohm: float
    """Spreading resistance of disc and flags."""
    touching_share: float
    """Of the seams without fusion: how many conduct through contact spots (a false weld)."""
    touching_low: float
    touching_high: float
    """Contact resistance over a sound seam's resistance, log-uniform between these."""
    spatter_per_seam: float
    """Expected particles of one seam that reach the face of the roll."""
    violent_spatter: float
    """`VIOLENT_SPATTER`."""
    rework_spatter: float
    """Particles of a second weld, relative to the first."""
    false_alarm: float
    """Per disc."""
    fusion_ceiling: float
    fusion_midpoint: float
    fusion_width: float
    """Detection of a seam without fusion against its severity: missing penetration over `least_um`, or 1 unbridged."""
    burn_ceiling: float
    """Detection of a burnt-through seam."""
    rework_success: float


PASSED = 0
REJECTED_FUSION = 1
REJECTED_BURN = 2

_WORD = 2.0**-32
_EIGHT = np.uint32(8)
_LEADING = np.float32(2.0**-24)
"""A word's leading 24 bits are exact in float32."""
_ROUNDING = np.float32(1.001)
"""Margin on the bounds below, far above the rounding of float32."""


@kernel
def _exponential_series(x):  # type: ignore[no-untyped-def]
    """exp(x) to the fourth power in float32: for x >= 0 a lower bound, so its inverse bounds exp(-x) from above.

    A rare event needs its exact probability only where the number drawn for it is below such a bound; everywhere else
    the comparison is decided already.
    """
    c1, c2, c3, c4 = np.float32(1.0), np.float32(1.0 / 2.0), np.float32(1.0 / 6.0), np.float32(1.0 / 24.0)
    return c1 + x * (c1 + x * (c2 + x * (c3 + x * c4)))


@kernel
def weld_side(
    law: SeamLaw,
    normal_keys: npt.NDArray[np.uint64],
    keys: npt.NDArray[np.uint64],
    entity: int,
    power_factor: npt.NDArray[np.float32],
    focus_um: npt.NDArray[np.float32],
    gap_factor: npt.NDArray[np.float32],
    resistance_mohm: npt.NDArray[np.float32],
    depth_um: npt.NDArray[np.float32],
    unfused: npt.NDArray[np.uint8],
    burnt: npt.NDArray[np.uint8],
    particles: npt.NDArray[np.uint8],
    rewelded: npt.NDArray[np.uint8],
    verdict: npt.NDArray[np.uint8],
) -> None:
    """Weld and inspect one disc of every cell of a lot.

    Parameters
    ----------
    law : SeamLaw
        Constants of the side.
    normal_keys : ndarray of uint64, shape (seams, 4)
        Streams of each seam: absorbed power, focus, gap, and one word for bridging and spiking.
    keys : ndarray of uint64, shape (4,)
        Streams of the disc: spatter, inspection, contact of unfused seams, rework.
    entity : int
        The lot.
    power_factor, focus_um, gap_factor : ndarray of float32, shape (n,)
        State of the weld head and of the kneaded face at each cell: relative power, focus offset, relative gap.
    resistance_mohm, depth_um : ndarray of float32, shape (n,)
        Filled: the side's resistance and mean penetration over its seams.
    unfused, burnt, particles, rewelded, verdict : ndarray of uint8, shape (n,)
        Filled: seams without fusion and seams burnt through (after rework), particles on the face of the roll,
        1 where a second weld was made, and the decision (`PASSED`, `REJECTED_FUSION`, `REJECTED_BURN`).

    Notes
    -----
    Bridging looks at the low end of a seam's word and spiking at the high end. Each has its exact probability; that
    both happen to one seam is impossible instead of improbable, an error of the product of the two (below 1e-6).
    """
    n = power_factor.size
    seams = normal_keys.shape[0]
    one = np.float32(1.0)
    z_power = np.empty(n, np.float32)
    z_focus = np.empty(n, np.float32)
    z_gap = np.empty(n, np.float32)
    words = np.empty(n, np.uint32)
    depth = np.empty(n, np.float32)
    gap = np.empty(n, np.float32)
    doubtful = np.zeros((n + 7) // 8 * 8, np.uint8)
    eights = doubtful.view(np.uint64)  # looked through eight cells at a time
    violent = np.zeros(n, np.uint8)
    fusion_missed = np.ones(n, np.float32)  # probability that no unfused seam is seen
    burn_missed = np.ones(n, np.float32)
    conductance = np.zeros(n, np.float32)  # in sound seams
    depth_um[:] = np.float32(0.0)
    unfused[:] = np.uint8(0)
    burnt[:] = np.uint8(0)

    power_sd = np.float32(law.power_sd)
    curvature = np.float32(law.power_skew / 6.0)
    focus_scale = np.float32(law.focus_sd_um / law.rayleigh_um)
    per_rayleigh = np.float32(1.0 / law.rayleigh_um)
    peclet = np.float32(law.peclet)
    g0, g1, g2, g3 = np.float32(2.1995), np.float32(6.2962), np.float32(-0.4994), np.float32(0.0461)
    depth_scale = np.float32(law.depth_scale_um)
    conduction_um = np.float32(CONDUCTION_DEPTH * law.radius_um)
    keyhole_square = np.float32((law.enthalpy_threshold / law.enthalpy) ** 2)
    violent_square = np.float32((4.0 * law.enthalpy_threshold / law.enthalpy) ** 2)
    gap_median = np.float32(law.gap_median_um)
    gap_step = np.float32(law.gap_log_sd / 8.0)
    e2, e3, e4, e5 = np.float32(1.0 / 2.0), np.float32(1.0 / 6.0), np.float32(1.0 / 24.0), np.float32(1.0 / 120.0)
    disc = np.float32(law.disc_um)
    least = np.float32(law.least_um)
    per_full = np.float32(1.0 / law.full_um)
    least_conductance = np.float32(law.least_conductance)
    wide_gap = np.float32(0.25 * law.disc_um)
    to_midpoint = np.float32(law.bridge_midpoint / law.bridge_width)
    per_width = np.float32(1.0 / (law.disc_um * law.bridge_width))
    spike_base = np.float32((1.0 + law.spike_location) / law.spike_scale)
    per_spike = np.float32(1.0 / law.spike_scale)
    most_leading = np.float32(1.0) - _LEADING
    zero = np.float32(0.0)
    burn_um = np.float32(law.disc_um + law.most_um)

    for seam in range(seams):
        fill_normal(normal_keys[seam, 0], entity, z_power)
        fill_normal(normal_keys[seam, 1], entity, z_focus)
        fill_normal(normal_keys[seam, 2], entity, z_gap)
        fill_words(normal_keys[seam, 3], entity, 0, words)
        for i in range(n):
            z = z_power[i]
            factor = power_factor[i] * (one + power_sd * (z + curvature * (z * z - one)))
            defocus = focus_um[i] * per_rayleigh + focus_scale * z_focus[i]
            square = one + defocus * defocus
            radius = np.sqrt(square)
            pe = peclet * radius
            keyhole_um = depth_scale * factor / (g0 + pe * (g1 + pe * (g2 + pe * g3)))
            cube = square * radius
            enthalpy_square = factor * factor
            d = keyhole_um if enthalpy_square > keyhole_square * cube else conduction_um * radius
            x = gap_step * z_gap[i]  # exp(8 x) by Taylor to x^5 and three squarings: 2e-5 at 6 standard deviations
            power = one + x * (one + x * (e2 + x * (e3 + x * (e4 + x * e5))))
            power = power * power
            power = power * power
            g = gap_median * gap_factor[i] * (power * power)
            inside = d - disc - g
            share = min(max((inside - least) * per_full, least_conductance), one)
            leading = np.float32(np.int32(words[i] >> _EIGHT)) * _LEADING  # rounded down: never above the number drawn
            bridging = to_midpoint - g * per_width  # open with probability 1 / (1 + exp(bridging))
            open_bound = one + _exponential_series(max(bridging, zero))
            sparing = (burn_um + g) * per_spike / d - spike_base  # burnt with probability below exp(-sparing)
            burn_bound = _exponential_series(max(sparing, zero))
            doubt = (
                (inside < least)
                | (bridging < zero)
                | (leading * open_bound < _ROUNDING)
                | ((most_leading - leading) * burn_bound < _ROUNDING)
            )
            depth_um[i] += d
            violent[i] += (enthalpy_square > violent_square * cube) | (g > wide_gap)
            conductance[i] += np.float32(0.0) if doubt else share
            depth[i] = d
            gap[i] = g
            doubtful[i] = doubt
        for eight in range(eights.size):
            if eights[eight] == 0:
                continue
            for i in range(8 * eight, 8 * eight + 8):
                if doubtful[i]:
                    _decide_seam(
                        law, depth[i], gap[i], words[i], keys[2], entity, seam, seams, i,
                        conductance, unfused, burnt, fusion_missed, burn_missed,
                    )  # fmt: skip

    _finish_discs(
        law, seams, keys, entity, conductance, violent, fusion_missed, burn_missed,
        resistance_mohm, depth_um, unfused, burnt, particles, rewelded, verdict,
    )  # fmt: skip


@kernel
def _decide_seam(  # type: ignore[no-untyped-def]
    law, depth, gap, word, contact_key, entity, seam, seams, i,
    conductance, unfused, burnt, fusion_missed, burn_missed,
):  # fmt: skip
    """Decide with the exact probabilities whether a seam is bridged and whether it burns through, and count it."""
    d = np.float64(depth)
    g = np.float64(gap)
    inside = d - law.disc_um - g
    u = (np.float64(word) + 0.5) * _WORD
    exponent = ((law.disc_um + law.most_um + g) / d - 1.0 - law.spike_location) / law.spike_scale
    if -math.expm1(-math.exp(-max(exponent, -50.0))) > 1.0 - u:
        burnt[i] += 1
        burn_missed[i] *= 1.0 - law.burn_ceiling
    relative_gap = g / law.disc_um
    open_probability = 1.0 / (1.0 + math.exp((law.bridge_midpoint - relative_gap) / law.bridge_width))
    if inside >= law.least_um and u >= open_probability:
        share = (inside - law.least_um) / law.full_um
        conductance[i] += min(max(share, law.least_conductance), 1.0)
        return
    unfused[i] += 1
    severity = 1.0 if u < open_probability else 1.0 - inside / law.least_um
    fusion_missed[i] *= 1.0 - detection_probability(severity, law.fusion_ceiling, law.fusion_midpoint, law.fusion_width)
    contact = uniform(contact_key, entity, i * seams + seam)
    if contact < law.touching_share:
        spread = math.log(law.touching_high / law.touching_low)
        conductance[i] += math.exp(-spread * contact / law.touching_share) / law.touching_low


@kernel
def _finish_discs(  # type: ignore[no-untyped-def]
    law, seams, keys, entity, conductance, violent, fusion_missed, burn_missed,
    resistance_mohm, depth_um, unfused, burnt, particles, rewelded, verdict,
):  # fmt: skip
    """Inspect every disc, weld it a second time after an alarm, and count what fell onto the roll."""
    n = conductance.size
    u_spatter = np.empty(n, np.float32)
    u_alarm = np.empty(n, np.float32)
    fill_uniform(keys[0], entity, u_spatter)
    fill_uniform(keys[1], entity, u_alarm)
    none_expected = np.empty(seams + 1, np.float32)
    for k in range(seams + 1):
        none_expected[k] = math.exp(-law.spatter_per_seam * (seams + k * (law.violent_spatter - 1.0)))
    one = np.float32(1.0)
    sound = np.float32(1.0 - law.false_alarm)
    for i in range(n):
        verdict[i] = PASSED
        rewelded[i] = 0
        welds = 1.0
        if burnt[i] > 0 and uniform(keys[3], entity, 4 * i) >= burn_missed[i]:
            verdict[i] = REJECTED_BURN
        elif u_alarm[i] < one - sound * fusion_missed[i]:
            welds = _weld_again(law, keys[3], entity, i, conductance, fusion_missed, unfused, rewelded, verdict)
        particles[i] = 0
        if welds > 1.0 or u_spatter[i] >= none_expected[violent[i]]:
            expected = welds * law.spatter_per_seam * (seams + violent[i] * (law.violent_spatter - 1.0))
            particles[i] = _poisson(expected, u_spatter[i])
        depth_um[i] /= np.float32(seams)
        resistance_mohm[i] = law.seam_mohm / max(conductance[i], _CONTACT) + law.spread_mohm


@kernel
def _weld_again(law, key, entity, i, conductance, fusion_missed, unfused, rewelded, verdict):  # type: ignore[no-untyped-def]
    """A second weld and a second look; an alarm then scraps the cell. Returns the welding done, in first welds."""
    rewelded[i] = 1
    if unfused[i] > 0 and uniform(key, entity, 4 * i + 1) < law.rework_success:
        conductance[i] += unfused[i]
        unfused[i] = 0
        fusion_missed[i] = 1.0
    if uniform(key, entity, 4 * i + 2) < 1.0 - (1.0 - law.false_alarm) * fusion_missed[i]:
        verdict[i] = REJECTED_FUSION
    return 1.0 + law.rework_spatter


@kernel
def _poisson(mean: float, u: float) -> int:
    """Poisson number by inversion of one uniform; for means below about 10 (capped at 255)."""
    term = math.exp(-mean)
    total = term
    count = 0
    while u >= total and count < 255:
        count += 1
        term *= mean / count
        total += term
    return count
