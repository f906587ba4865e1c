from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from cellfab.kernels.extremes import farthest
from cellfab.kernels.random import stream_key, uniform
from cellfab.kernels.stacking import align_sheets, fill_halves, throw_out_sheets

KEY, DIGITS = stream_key(1, 0, "stacker", "sheet"), stream_key(1, 0, "stacker", "digits")


def near(count: float, n: int, p: float) -> bool:
    """z = 4.5 of a binomial count."""
    return bool(abs(count - n * p) < 4.5 * math.sqrt(n * p * (1.0 - p)))


def align(
    n: int, sheets: int, across_mm: float, along_mm: float, gauge: float = 0.0, limit: float = 0.2
) -> tuple[np.ndarray, ...]:
    overhang, short = np.empty(n, np.float32), np.empty(n, np.uint8)
    width = np.full(n, 100, np.float32)
    wide = width + np.float32(2 * across_mm)
    align_sheets(KEY, 5, farthest(sheets), 0.083, gauge, width, wide, along_mm, limit, overhang, short)
    return overhang, short


@pytest.mark.parametrize("sheets", [1, 20, 60])
def test_overhang_is_the_least_over_all_sheets_and_edges(sheets: int) -> None:
    # Closed form: P(overhang > o - x) = (2 Phi(x / sd) - 1)^(2 sheets); 50 000 stacks, z = 4.5 of the distribution.
    n = 50_000
    overhang, _ = align(n, sheets, 1.0, 1.0)
    for share in (0.1, 0.5, 0.9, 0.99):
        x = NormalDist().inv_cdf(0.5 + 0.5 * share ** (1.0 / (2 * sheets)))
        assert near(np.count_nonzero(overhang > 1.0 - 0.083 * x), n, share)


def test_the_narrower_direction_counts() -> None:
    # 50 000 stacks: with 5 mm to spare across, only the errors along the web count, and the other way round.
    n, sheets, x = 50_000, 30, 0.2
    share = math.erf(x / 0.083 / math.sqrt(2.0)) ** sheets
    for across, along in ((5.0, 1.0), (1.0, 5.0)):
        assert near(np.count_nonzero(align(n, sheets, across, along)[0] > 1.0 - x), n, share)


def test_the_gauge_errs_both_ways() -> None:
    # 50 000 stacks with an overhang near 0.76 +- 0.03 read below the limit with Phi((limit - overhang) / gauge) each:
    # the sum to z = 4.5 of its binomials.
    n = 50_000
    for limit in (0.65, 0.75, 0.85):
        overhang, short = align(n, 30, 1.0, 1.0, gauge=0.05, limit=limit)
        below = np.array([NormalDist().cdf(z) for z in (limit - overhang.astype(float)) / 0.05])
        assert abs(short.sum() - below.sum()) < 4.5 * math.sqrt((below * (1.0 - below)).sum())
        assert 0.01 < short.mean() < 0.99


def test_halves_are_even_and_do_not_depend_on_how_many_are_asked_for() -> None:
    # 2^20 numbers in 256 bins: chi-square with 255 degrees of freedom to z = 4.5.
    found = np.empty(1 << 20, np.uint16)
    fill_halves(KEY, 3, found)
    counts = np.bincount(found >> 8, minlength=256)
    expected = found.size / 256
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_square - 255) < 4.5 * math.sqrt(2 * 255)
    assert abs(np.corrcoef(found[:-1], found[1:])[0, 1]) < 4.5 / math.sqrt(found.size)
    few = np.empty(5000, np.uint16)
    fill_halves(KEY, 3, few)
    np.testing.assert_array_equal(few, found[:5000])


def test_sheets_are_thrown_out_at_their_rates() -> None:
    # 400 000 sheets, 10 % with flaws; the low rate is far below one level of 16 bits. Binomial counts to z = 4.5.
    lanes, positions = 4, 100_000
    n = lanes * positions
    flaw = (np.arange(n) % 10 == 0).astype(np.uint8)
    for sound, flawed in ((0.003, 0.9), (3e-5, 0.2), (0.0, 1.0)):
        code = np.zeros(n, np.int16)
        thrown = throw_out_sheets(KEY, DIGITS, 9, positions, lanes, flaw, sound, flawed, 77, code)
        assert thrown == np.count_nonzero(code == 77)
        for kind, among, rate in ((0, n * 9 // 10, sound), (1, n // 10, flawed)):
            found = np.count_nonzero(code[flaw == kind])
            assert found == rate * among if rate in (0.0, 1.0) else near(found, among, rate)


def test_sheets_keep_their_numbers_when_a_roll_is_cut_short_and_the_dead_stay_dead() -> None:
    lanes, planned, kept = 3, 700, 400
    flaw, code = np.zeros(lanes * planned, np.uint8), np.zeros(lanes * planned, np.int16)
    throw_out_sheets(KEY, DIGITS, 9, planned, lanes, flaw, 0.1, 0.1, 77, code)
    whole = code.reshape(lanes, planned)
    short = np.zeros(lanes * kept, np.int16)
    short[5] = 3
    thrown = throw_out_sheets(KEY, DIGITS, 9, planned, lanes, flaw[: lanes * kept], 0.1, 0.1, 77, short)
    assert short[5] == 3
    expected = whole[:, :kept].ravel().copy()
    expected[5] = 3
    np.testing.assert_array_equal(short, expected)
    assert thrown == np.count_nonzero(expected == 77)


def test_a_sheet_is_thrown_out_as_its_whole_number_says() -> None:
    halves = np.empty(5000, np.uint16)
    fill_halves(KEY, 9, halves)
    number = (halves + np.array([uniform(DIGITS, 9, i) for i in range(halves.size)])) / 65536
    code = np.zeros(halves.size, np.int16)
    throw_out_sheets(KEY, DIGITS, 9, halves.size, 1, np.zeros(halves.size, np.uint8), 0.05, 0.5, 1, code)
    np.testing.assert_array_equal(code == 1, number < 0.05)
