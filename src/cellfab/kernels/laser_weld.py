"""Laser welding of the collector disc onto the kneaded foil face, seam by seam.

Closed forms and constants are in `cellfab.kernels.laser_weld_theory`. Every seam has two random words. The leading 20
bits of both make a polar pair of normal numbers, absorbed power and gap (within 5.4 standard deviations); the last 12
bits of the first words of two seams make another, their focus (within 4.2); the last 12 bits of the second word are the
leading digits of one uniform number that decides on bridging and spiking. These digits decide nearly every seam; the
few that they leave in doubt draw the rest of their digits and are decided with the exact probabilities.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellfab.kernels import laser_weld_theory as theory
from cellfab.kernels._jit import kernel
from cellfab.kernels.inspection import detection_probability
from cellfab.kernels.random import uniform
from cellfab.kernels.random_blocks import CHUNK, fill_blocks, normal_pairs

_CONTACT = 1e-3
"""Conductance, in sound seams, of a disc without a single conducting seam: it rests on the flags (assumption)."""
MOST_SEAMS = 64
MOST_ROUNDS = 8
"""Second welds that a disc can get."""


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
    """Relative; power, keyhole absorptivity and local conditions together (`theory.absorbed_power_spread`)."""
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
    spread_mohm: float
    """Spreading resistance of disc and flags."""
    touching_share: float
    """Of the seams without fusion: how many conduct through contact spots (a false weld)."""
    touching_low: float
    touching_high: float
    """Contact resistance over a sound seam's resistance, log-uniform between these."""
    spatter_per_seam: float
    """Expected particles of one seam that reach the face of the roll."""
    rework_spatter: float
    """Particles of a second weld, relative to the first."""
    rework_rounds: float
    """How often a disc may be welded again."""
    rework_success: float
    """That a second weld closes all open seams of the disc."""
    false_alarm: float
    """Per disc."""
    fusion_ceiling: float
    fusion_midpoint: float
    fusion_width: float
    """Detection of a seam without fusion against its severity: missing penetration over `least_um`, or 1 unbridged."""
    burn_ceiling: float
    """Detection of a burnt-through seam."""


class Head(NamedTuple):
    """State of the weld head at the first disc of a lot, and how it goes on."""

    power: float
    """Power at a clean glass, relative to nominal."""
    focus_um: float
    """Focus offset at a clean glass."""
    glass: float
    """Age of the protective glass over its interval, 0-1."""
    glass_step: float
    """Ageing per disc; the glass is changed when it reaches 1."""
    glass_loss: float
    """Power lost at that age, relative to nominal."""
    glass_shift_um: float
    """Focus shift at that age."""


class Streams(NamedTuple):
    """Keys of the random numbers of one side."""

    seams: np.uint64
    disc: np.uint64
    digits: np.uint64
    contact: np.uint64
    rework: np.uint64


class Inspected(NamedTuple):
    """Living cells, by what inspection and rework made of them."""

    no_fusion: int
    burn_through: int
    """Rejected for either."""
    sound: int
    """Rejected without a bad seam."""
    reworked: int
    """Welded again and passed."""


_SKIP = 12
_LEAD_WORD = np.uint32((1 << _SKIP) - 1)
_FOCUS_SHIFT = np.uint32(32 - _SKIP)
_LN_2 = math.log(2.0)
_PER_BIT = np.float32(_LN_2 * 2.0**-23)
"""A positive float32 read as an integer, less that of 1, times this is at most its logarithm: the chord of the curve
between powers of two."""
_LN_BOUND = np.float32(_LN_2 * (127 + _SKIP) + 1e-3)
"""Of one over the number drawn, with a margin far above the rounding of float32."""
_G0, _G1, _G2, _G3 = np.float32(2.1995), np.float32(6.2962), np.float32(-0.4994), np.float32(0.0461)
_E2, _E3, _E4, _E5 = np.float32(1.0 / 2.0), np.float32(1.0 / 6.0), np.float32(1.0 / 24.0), np.float32(1.0 / 120.0)
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)
_LARGEST = np.float32(1.0 - 2.0**-24)


@kernel
def weld_side(
    law: SeamLaw,
    head: Head,
    streams: Streams,
    entity: int,
    seams: int,
    gap_factor: npt.NDArray[np.float32],
    separator_mm: npt.NDArray[np.float32],
    scorch_mm: float,
    separator_fault: npt.NDArray[np.uint8],
    resistance_mohm: npt.NDArray[np.float32],
    depth_um: npt.NDArray[np.float32],
    unfused: npt.NDArray[np.uint8],
    burnt: npt.NDArray[np.uint8],
    particles: npt.NDArray[np.uint8],
    rewelded: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
) -> Inspected:
    """Weld and inspect one disc of every cell of a lot.

    Parameters
    ----------
    law : SeamLaw
        Constants of the side.
    head : Head
        State of the weld head.
    streams : Streams
        Keys of the draws.
    entity : int
        The lot.
    seams : int
        Per disc, up to `MOST_SEAMS`.
    gap_factor : ndarray of float32, shape (n,)
        Relative gap of the kneaded face of each cell.
    separator_mm : ndarray of float32, shape (n,)
        From the weld plane to the separator's edge.
    scorch_mm : float
        Nearer than this the separator is damaged.
    separator_fault : ndarray of uint8, shape (n,)
        1 where the separator is faulty; set where it is damaged.
    resistance_mohm, depth_um : ndarray of float32, shape (n,)
        Filled: the side's resistance and mean penetration over its seams.
    unfused, burnt, particles, rewelded : ndarray of uint8, shape (n,)
        Filled: seams without fusion and seams burnt through (after rework), particles on the face of the roll, and 1
        where the disc was welded again.
    codes : ndarray of int16, shape (2,)
        Exit codes of an alarm for missing fusion and of one for a burnt seam.
    exit_code : ndarray of int16, shape (n,)
        0 where a cell is alive; living cells that are rejected get their code.

    Returns
    -------
    Inspected

    Notes
    -----
    Bridging looks at the low end of a seam's uniform number and spiking at the high end. Each has its exact
    probability; that both happen to one seam is impossible instead of improbable, an error of the product of the two
    (below 1e-6).
    """
    n = gap_factor.size
    words = np.empty((4, CHUNK), np.uint32)
    words_0, words_1, words_2, words_3 = words[0], words[1], words[2], words[3]  # a slice costs a call's time
    focus_radius, focus_angle = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.uint32)
    z_focus = np.empty((2, CHUNK), np.float32)
    z_even, z_odd = z_focus[0], z_focus[1]
    z_power, z_gap = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    lead = np.empty((seams, CHUNK), np.uint16)
    low, high = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    low_bits, high_bits = low.view(np.int32), high.view(np.int32)
    depth = np.empty((seams, CHUNK), np.float32)
    gap = np.empty((seams, CHUNK), np.float32)
    doubtful = np.empty((seams, CHUNK), np.uint8)
    power_factor, focus, scale_gap = (
        np.empty(CHUNK, np.float32),
        np.empty(CHUNK, np.float32),
        np.empty(CHUNK, np.float32),
    )
    depth_sum, conductance = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    violent, marked = np.empty(CHUNK, np.int32), np.empty(CHUNK, np.int32)
    rows = np.empty(CHUNK + 1, np.int32)

    power_sd, curvature = np.float32(law.power_sd), np.float32(law.power_skew / 6.0)
    focus_scale, per_rayleigh = np.float32(law.focus_sd_um / law.rayleigh_um), np.float32(1.0 / law.rayleigh_um)
    peclet, depth_scale = np.float32(law.peclet), np.float32(law.depth_scale_um)
    conduction_um = np.float32(theory.CONDUCTION_DEPTH * law.radius_um)
    keyhole_square = np.float32((law.enthalpy_threshold / law.enthalpy) ** 2)
    violent_square = np.float32((4.0 * law.enthalpy_threshold / law.enthalpy) ** 2)
    gap_median, gap_step = np.float32(law.gap_median_um), np.float32(law.gap_log_sd / 8.0)
    disc, least, per_full = np.float32(law.disc_um), np.float32(law.least_um), np.float32(1.0 / law.full_um)
    least_conductance = np.float32(theory.LEAST_CONDUCTANCE)
    wide_gap, burn_um = np.float32(0.25 * law.disc_um), np.float32(law.disc_um + law.most_um)
    to_midpoint = np.float32(law.bridge_midpoint / law.bridge_width)
    per_width = np.float32(1.0 / (law.disc_um * law.bridge_width))
    spike_base, per_spike = np.float32((1.0 + law.spike_location) / law.spike_scale), np.float32(1.0 / law.spike_scale)
    per_seam, seam_mohm = np.float32(1.0 / seams), np.float32(law.seam_mohm)
    spread_mohm, contact = np.float32(law.spread_mohm), np.float32(_CONTACT)
    alarm_below = np.float32(law.false_alarm)
    none, one_at_most = np.empty(MOST_SEAMS + 1, np.float32), np.empty(MOST_SEAMS + 1, np.float32)
    for k in range(seams + 1):
        expected = law.spatter_per_seam * (seams + k * (theory.VIOLENT_SPATTER - 1.0))
        none[k] = math.exp(-expected)
        one_at_most[k] = math.exp(-expected) * (1.0 + expected)

    scale_gap[:] = np.float32(1.0)
    scorched = np.float32(scorch_mm)
    no_fusion, burn_through, sound, reworked = 0, 0, 0, 0
    for done in range(0, n, CHUNK):
        m = min(CHUNK, n - done)
        for j in range(m):
            scale_gap[j] = gap_factor[done + j]
        for j in range(CHUNK):
            age = head.glass + np.float64(done + j) * head.glass_step
            worn = np.float32(age - np.floor(age))
            power_factor[j] = np.float32(head.power) - np.float32(head.glass_loss) * worn
            focus[j] = (np.float32(head.focus_um) + np.float32(head.glass_shift_um) * worn) * per_rayleigh
            depth_sum[j] = _ZERO
            conductance[j] = _ZERO
            violent[j] = 0
            marked[j] = 0
        for seam in range(seams):
            half = seam & 1
            if half == 0:
                fill_blocks(streams.seams, entity, done, seam >> 1, words)
                for j in range(CHUNK):
                    focus_radius[j] = words_0[j] << _FOCUS_SHIFT
                    focus_angle[j] = words_2[j] << _FOCUS_SHIFT
                normal_pairs(focus_radius, focus_angle, 32 - _SKIP, z_even, z_odd)
                normal_pairs(words_0, words_1, _SKIP, z_power, z_gap)
            else:
                normal_pairs(words_2, words_3, _SKIP, z_power, z_gap)
            for j in range(CHUNK):
                digits = np.int32(words[2 * half + 1, j] & _LEAD_WORD)
                lead[seam, j] = digits
                low[j] = digits
                high[j] = np.int32(_LEAD_WORD) - digits
            for j in range(CHUNK):
                z = z_power[j]
                factor = power_factor[j] * (_ONE + power_sd * (z + curvature * (z * z - _ONE)))
                defocus = focus[j] + focus_scale * z_focus[half, j]
                square = _ONE + defocus * defocus
                radius = np.sqrt(square)
                pe = peclet * radius
                keyhole_um = depth_scale * factor / (_G0 + pe * (_G1 + pe * (_G2 + pe * _G3)))
                cube = square * radius
                energy = factor * factor
                d = conduction_um * radius if energy <= keyhole_square * cube else keyhole_um  # NaN stays NaN
                x = gap_step * z_gap[j]  # exp(8 x) by Taylor to x^5 and three squarings: 2e-5 at 6 sd of 0.4
                root = _ONE + x * (_ONE + x * (_E2 + x * (_E3 + x * (_E4 + x * _E5))))
                root = root * root
                root = root * root
                g = gap_median * scale_gap[j] * (root * root)
                inside = d - disc - g
                # Open with probability 1 / (1 + exp(bridging)), burnt with one below exp(-sparing).
                bridging = to_midpoint - g * per_width
                open_bound = _LN_BOUND - _PER_BIT * np.float32(low_bits[j])
                burn_bound = _LN_BOUND - _PER_BIT * np.float32(high_bits[j])
                doubt = (
                    (inside < least)
                    | (bridging < open_bound)
                    | ((burn_um + g) * per_spike < d * (burn_bound + spike_base))
                )
                share = min(max((inside - least) * per_full, least_conductance), _ONE)
                conductance[j] += _ZERO if doubt else share
                depth_sum[j] += d
                violent[j] += np.int32((energy > violent_square * cube) | (g > wide_gap))
                marked[j] |= np.int32(doubt)
                depth[seam, j] = d
                gap[seam, j] = g
                doubtful[seam, j] = doubt
        fill_blocks(streams.disc, entity, done, 0, words)
        for j in range(CHUNK):
            u_spatter = min(np.float32(words[0, j]) * np.float32(2.0**-32), _LARGEST)
            u_alarm = (np.float32(words[1, j]) + np.float32(0.5)) * np.float32(2.0**-32)
            low[j] = u_spatter
            high[j] = u_alarm
            marked[j] |= np.int32((u_alarm < alarm_below) | (u_spatter >= one_at_most[violent[j]]))
        count = 0
        for j in range(m):
            rows[count] = j
            count += marked[j] != 0
        for j in range(m):
            resistance_mohm[done + j] = seam_mohm / max(conductance[j], contact) + spread_mohm
        for j in range(m):
            depth_um[done + j] = depth_sum[j] * per_seam
        for j in range(m):
            particles[done + j] = low[j] >= none[violent[j]]
        for j in range(m):
            separator_fault[done + j] |= np.uint8(not (separator_mm[done + j] >= scorched))  # or not a number
        unfused[done : done + m] = 0
        burnt[done : done + m] = 0
        rewelded[done : done + m] = 0
        found = _settle(
            law, streams, entity, done, rows, count, seams, depth, gap, lead, doubtful, conductance, violent, low, high,
            resistance_mohm, unfused, burnt, particles, rewelded, codes, exit_code,
        )  # fmt: skip
        no_fusion += found[0]
        burn_through += found[1]
        sound += found[2]
        reworked += found[3]
    return Inspected(no_fusion, burn_through, sound, reworked)


@kernel
def _settle(  # type: ignore[no-untyped-def]
    law, streams, entity, done, rows, count, seams, depth, gap, lead, doubtful, conductance, violent, low, high,
    resistance_mohm, unfused, burnt, particles, rewelded, codes, exit_code,
):  # fmt: skip
    """Decide marked cells with the exact probabilities: doubtful seams, inspection, second welds and spatter.

    Returns the numbers of `Inspected`.
    """
    no_fusion, burn_through, sound, reworked = 0, 0, 0, 0
    for at in range(count):
        j = rows[at]
        i = done + j
        u_spatter, u_alarm = low[j], high[j]
        total = np.float64(conductance[j])
        opened, burns = 0, 0
        fusion_missed, burn_missed = 1.0, 1.0  # probability that no such seam is seen
        for seam in range(seams):
            if doubtful[seam, j] == 0:
                continue
            d, g = np.float64(depth[seam, j]), np.float64(gap[seam, j])
            inside = d - law.disc_um - g
            row = i * MOST_SEAMS + seam
            u = (lead[seam, j] + uniform(streams.digits, entity, row)) * 2.0**-_SKIP
            exponent = ((law.disc_um + law.most_um + g) / d - 1.0 - law.spike_location) / law.spike_scale
            if -math.expm1(-math.exp(-max(exponent, -50.0))) > 1.0 - u:
                burns += 1
                burn_missed *= 1.0 - law.burn_ceiling
            open_exponent = min((law.bridge_midpoint - g / law.disc_um) / law.bridge_width, 700.0)
            bridged = u * (1.0 + math.exp(open_exponent)) >= 1.0
            if bridged and inside >= law.least_um:
                total += min(max((inside - law.least_um) / law.full_um, theory.LEAST_CONDUCTANCE), 1.0)
                continue
            opened += 1
            severity = 1.0 - inside / law.least_um if bridged else 1.0
            fusion_missed *= 1.0 - detection_probability(
                severity, law.fusion_ceiling, law.fusion_midpoint, law.fusion_width
            )
            contact = uniform(streams.contact, entity, row) / law.touching_share if law.touching_share > 0.0 else 1.0
            if contact < 1.0:
                total += (law.touching_high / law.touching_low) ** -contact / law.touching_low

        first = i * 2 * (MOST_ROUNDS + 1)
        welds = 1.0
        alive = exit_code[i] == 0
        if burns > 0 and uniform(streams.rework, entity, first) >= burn_missed:
            if alive:
                exit_code[i] = codes[1]
                burn_through += 1
        else:
            alarm = u_alarm < 1.0 - (1.0 - law.false_alarm) * fusion_missed
            rounds = 0
            while alarm and rounds < law.rework_rounds:
                rounds += 1
                welds += law.rework_spatter
                if opened > 0 and uniform(streams.rework, entity, first + 2 * rounds) < law.rework_success:
                    total += opened
                    opened = 0
                    fusion_missed = 1.0
                alarm = (
                    uniform(streams.rework, entity, first + 2 * rounds + 1)
                    < 1.0 - (1.0 - law.false_alarm) * fusion_missed
                )
            rewelded[i] = rounds > 0
            if alarm and alive:
                exit_code[i] = codes[0]
                no_fusion += 1
                sound += opened == 0 and burns == 0
            reworked += rounds > 0 and alive and not alarm
        unfused[i] = opened
        burnt[i] = burns
        resistance_mohm[i] = law.seam_mohm / max(total, _CONTACT) + law.spread_mohm

        mean = welds * law.spatter_per_seam * (seams + violent[j] * (theory.VIOLENT_SPATTER - 1.0))
        term = math.exp(-mean)
        cumulated = term
        fallen = 0
        while u_spatter >= cumulated and fallen < 255:  # Poisson number by inversion, for means below about 10
            fallen += 1
            term *= mean / fallen
            cumulated += term
        particles[i] = fallen
    return no_fusion, burn_through, sound, reworked
