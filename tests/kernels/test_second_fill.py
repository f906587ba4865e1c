"""Second filling: mass by weight or fixed, losses, starvation, pins and rejects against closed forms."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numba
import numpy as np

from cellfab.kernels import second_fill
from cellfab.kernels.random import stream_key

NAMES = ("loss", "scale_before", "dose", "scale_after", "nozzle_and_pin")
KEYS = np.array([stream_key(7, 0, "second", name) for name in NAMES], np.uint64)
LAW = second_fill.TopUpLaw(
    target_g=100.0, fixed_g=-1.0, loss=0.0, loss_cv=0.0, dosing_cv=0.0, scale_g=0.0, tolerance_g=5.0, blocked=0.0,
    pin=0.0, decades=1.5, pores_g=50.0,
)  # fmt: skip
N = 2000 if numba.config.DISABLE_JIT else 40_000  # as many as interpreted kernels manage


def fill(first_g: float | np.ndarray, n: int = N, **changes: float) -> SimpleNamespace:
    grams = np.broadcast_to(np.asarray(first_g, np.float32), n).copy()
    unwetted, leak = np.zeros((2, n), np.float32)
    verdict, came = np.empty(n, np.uint8), np.ones(n, np.bool_)
    came[::2] = False
    dosed = second_fill.top_up(LAW._replace(**changes), KEYS, 2, came, grams, unwetted, leak, verdict)
    return SimpleNamespace(grams=grams, unwetted=unwetted, leak=leak, verdict=verdict, dosed=dosed, came=came)


def test_by_weight_each_cell_gets_what_it_lacks() -> None:
    first = np.linspace(80.0, 99.0, 2000)
    made = fill(first, 2000)
    np.testing.assert_allclose(made.grams, 100.0, rtol=1e-6)
    assert abs(made.dosed - (100.0 - first[made.came]).sum()) < 1e-2
    assert not made.verdict.any() and not made.leak.any() and not made.unwetted.any()


def test_by_weight_only_the_last_errors_remain() -> None:
    # 40 000 cells: z = 4.5 on the standard deviation sqrt(scale^2 + (cv dose)^2), whatever the first filling was.
    first = 90.0 + np.random.default_rng(1).normal(0.0, 2.0, N)
    made = fill(first, scale_g=0.15, dosing_cv=0.02, loss=0.01, loss_cv=0.5)
    dose_square = np.mean((100.0 - 0.99 * first) ** 2)
    expected = math.sqrt(0.15**2 + 0.02**2 * dose_square)
    assert abs(made.grams.std() - expected) < 4.5 * expected / math.sqrt(2 * N)
    assert abs(made.grams.mean() - 100.0) < 4.5 * expected / math.sqrt(N)


def test_a_fixed_dose_keeps_the_errors_of_the_first() -> None:
    first = 92.0 + np.linspace(-1.0, 1.0, 1000)
    made = fill(first, 1000, fixed_g=8.0, loss=0.02)
    np.testing.assert_allclose(made.grams, 0.98 * first + 8.0, rtol=1e-6)
    assert abs(made.dosed - 8.0 * 500) < 1e-2


def test_a_cell_that_has_too_much_gets_nothing() -> None:
    np.testing.assert_allclose(fill(103.0, 20).grams, 103.0)
    assert fill(110.0, 20).verdict.all()


def test_rejects_are_those_that_weigh_wrong() -> None:
    # 40 000 cells, limits at 2 sigma of the second weighing: z = 4.5.
    made = fill(100.0, scale_g=2.5, fixed_g=0.0)
    expected = math.erfc(2.0 / math.sqrt(2.0))
    assert abs(made.verdict.mean() - expected) < 4.5 * math.sqrt(expected / N)


def test_blocked_nozzles_and_leaking_pins() -> None:
    # 40 000 cells: z = 4.5 on both shares and on the mean leak; blocked nozzles give half on average.
    made = fill(80.0, blocked=0.04, pin=0.06)
    short = made.grams < 99.999
    leaking = made.leak > 0.0
    for share, expected in ((short, 0.04), (leaking, 0.06)):
        assert abs(share.mean() - expected) < 4.5 * math.sqrt(expected / N)
    assert not (short & leaking).any()
    assert abs(made.grams[short].mean() - 90.0) < 4.5 * 20.0 / math.sqrt(12.0 * short.sum())
    assert abs(made.leak[leaking].mean() - 1.5) < 4.5 * 1.5 / math.sqrt(leaking.sum())


def test_pores_that_nothing_fills_stay_dry() -> None:
    made = fill(0.0, 20, fixed_g=30.0)
    np.testing.assert_allclose(made.unwetted, 0.4, rtol=1e-6)
    assert np.isnan(fill(np.nan, 20).grams).all()
