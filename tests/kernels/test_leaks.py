"""Leaks along a seam, the test for them and second welds, against closed forms."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from scipy import stats

from cellfab.kernels import leaks
from cellfab.kernels.random import fill_uniform, stream_key, uniform

KEYS = np.array([stream_key(2, 0, "seam", name) for name in ("leak_test", "second_weld")], np.uint64)
LAW = leaks.LeakTestLaw(false_alarm=0.02, ceiling=0.9, midpoint=0.0, width=0.1, mend_success=0.7)
NONE = np.empty(0, np.uint8)
many_cells = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="too many cells for interpreted kernels")


def worst(sites: float, n: int) -> np.ndarray:
    u = np.empty(n, np.float32)
    fill_uniform(stream_key(3, 0, "u"), 1, u)
    return np.array([leaks.worst_leak(sites, 1.5, one) for one in u])


@pytest.mark.parametrize("sites", [0.02, 0.5, 3.0])
def test_the_worst_leak_has_its_distribution(sites: float) -> None:
    # 20 000 seams: z = 4.5 on the share that leaks, Kolmogorov-Smirnov at the 1e-5 level on how much.
    found = worst(sites, 20_000)
    tight = math.exp(-sites)
    assert abs((found == 0.0).mean() - tight) < 4.5 * math.sqrt(tight * (1.0 - tight) / found.size)
    leaking = found[found > 0.0]
    law = stats.kstest(leaking, lambda x: (np.exp(-sites * np.exp(-x / 1.5)) - tight) / (1.0 - tight))
    assert law.pvalue > 1e-5


def test_more_sites_never_leak_less() -> None:
    few, many = worst(0.3, 2000), worst(0.4, 2000)
    assert (many >= few).all()
    assert (many > few).any()
    assert leaks.worst_leak(0.0, 1.5, 1e-9) == 0.0


def find(law: leaks.LeakTestLaw, mends: int, leak: np.ndarray, beyond: np.ndarray = NONE) -> np.ndarray:
    verdict = np.empty(leak.size, np.uint8)
    leaks.find_leaks(law, mends, KEYS, 7, beyond, leak, verdict)
    return verdict


def chance(alarm: float, quiet: float, success: float, mends: int) -> float:
    """P(rejected) of a leaking cell: it alarms, and is closed or not before it is tested again."""
    if mends == 0:
        return alarm
    return alarm * (success * quiet**mends + (1.0 - success) * chance(alarm, quiet, success, mends - 1))


@many_cells
@pytest.mark.parametrize("mends", [0, 1, 2])
@pytest.mark.parametrize("severity", [4.0, 0.1])
def test_second_welds_save_as_many_as_the_closed_form_says(severity: float, mends: int) -> None:
    # 200 000 leaking cells: z = 4.5 on rejects, on leaks that get through and on cells mended.
    n = 200_000
    leak = np.full(n, severity, np.float32)
    verdict = find(LAW, mends, leak)
    alarm = 0.02 + 0.98 * 0.9 / (1.0 + math.exp(-severity / 0.1))
    rejected = chance(alarm, 0.02, 0.7, mends)
    if mends == 1:
        assert rejected == pytest.approx(alarm * (1.0 - 0.7) * alarm + alarm * 0.7 * 0.02)
    through = (1.0 - alarm) * sum((alarm * 0.3) ** k for k in range(mends + 1))
    found = verdict == leaks.REJECTED
    for share, expected in ((found, rejected), (~found & (leak > 0.0), through)):
        assert abs(share.mean() - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / n)
    assert set(verdict[~found & (leak == 0.0)]) <= {leaks.MENDED}


@many_cells
def test_tight_cells_are_rejected_when_all_tests_err() -> None:
    # 200 000 tight cells, false alarms of 0.2, two second welds: z = 4.5.
    verdict = find(LAW._replace(false_alarm=0.2), 2, np.zeros(200_000, np.float32))
    for value, expected in ((leaks.REJECTED, 0.008), (leaks.MENDED, 0.2 * 0.8 * 1.2)):
        assert abs((verdict == value).mean() - expected) < 4.5 * math.sqrt(expected / 200_000)


def test_what_is_not_in_the_seam_is_never_mended() -> None:
    leak = np.full(500, 3.0, np.float32)
    law = LAW._replace(mend_success=1.0, ceiling=1.0)
    assert (find(law, 3, leak, np.ones(500, np.uint8)) == leaks.REJECTED).all()
    assert (leak == 3.0).all()
    assert (find(law._replace(false_alarm=0.0), 3, leak) == leaks.MENDED).all()
    assert not leak.any()


def test_the_kernel_does_what_its_slow_twin_does() -> None:
    rng = np.random.default_rng(4)
    n, mends = 400, 2
    leak = np.where(rng.random(n) < 0.5, rng.exponential(0.3, n), 0.0).astype(np.float32)
    beyond = (rng.random(n) < 0.3).astype(np.uint8)
    law, before, u = LAW._replace(false_alarm=0.3), leak.copy(), np.empty(n, np.float32)
    verdict = find(law, mends, leak, beyond)
    fill_uniform(KEYS[0], 7, u)
    for i in range(n):
        state, draw, said = float(before[i]), float(u[i]), leaks.TIGHT
        for mend in range(mends + 1):
            seen = 0.9 / (1.0 + math.exp(-state / 0.1)) if state > 0.0 else 0.0
            if draw >= 0.3 + 0.7 * seen:
                break
            if mend == mends:
                said = leaks.REJECTED
                break
            said, row = leaks.MENDED, 2 * (i * mends + mend)
            if not beyond[i] and uniform(KEYS[1], 7, row) < 0.7:
                state = 0.0
            draw = uniform(KEYS[1], 7, row + 1)
        assert (verdict[i], leak[i]) == (said, np.float32(state))
    assert set(verdict) == {0, 1, 2}


def test_a_leak_that_is_no_number_stays_one() -> None:
    leak = np.full(20, np.nan, np.float32)
    find(LAW, 1, leak)
    assert np.isnan(leak).all()
