"""Degassing: gas and electrolyte that go, and what the rest does to capacity and resistance."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numba
import numpy as np
import pytest

from cellfab.kernels import degassing
from cellfab.kernels.random import stream_key

KEYS = np.array([stream_key(8, 0, "degas", name) for name in ("gas_left", "piercing", "gauge")], np.uint64)
LAW = degassing.DegasLaw(
    left=0.01, left_cv=0.0, missed=0.0, carried_g_per_ml=0.02, flashed=0.004, pores_g=60.0, blocked_per_ml=0.005,
    gauge_ml=0.0, limit_ml=3.0, dry=0.02,
)  # fmt: skip
LEAK, DRY = 64, 32
N = 2000 if numba.config.DISABLE_JIT else 40_000  # as many as interpreted kernels manage


def degas(
    n: int = N, *, gas: float = 50.0, grams: float = 80.0, leak: float = 0.0, **changes: float
) -> SimpleNamespace:
    columns = {"gas": gas, "leak": leak, "grams": grams, "capacity": 20.0, "dcir": 2.0}
    made = SimpleNamespace(**{name: np.full(n, value, np.float32) for name, value in columns.items()})
    made.defects, made.residual, made.verdict = np.ones(n, np.uint16), np.empty(n, np.float32), np.empty(n, np.uint8)
    degassing.degas_cells(
        LAW._replace(**changes), KEYS, 4, LEAK, DRY, made.gas, made.leak, made.grams, made.capacity, made.dcir,
        made.defects, made.residual, made.verdict,
    )  # fmt: skip
    return made


def test_gas_and_electrolyte_balance() -> None:
    made = degas(100)
    np.testing.assert_allclose(made.residual, 0.5, rtol=1e-5)
    np.testing.assert_allclose(made.grams, 80.0 - 0.004 * 80.0 - 0.02 * 49.5, rtol=1e-6)
    idle = 0.005 * 0.5
    np.testing.assert_allclose(made.capacity, 20.0 * (1.0 - idle), rtol=1e-6)
    np.testing.assert_allclose(made.dcir, 2.0 / (1.0 - idle), rtol=1e-6)
    np.testing.assert_array_equal(made.defects, 1)
    assert not made.verdict.any()


def test_nothing_made_nothing_lost() -> None:
    made = degas(50, gas=0.0, flashed=0.0)
    np.testing.assert_array_equal(made.capacity, 20.0)
    np.testing.assert_array_equal(made.grams, 80.0)


def test_electrolyte_lost_below_the_pores_starves_the_cell() -> None:
    after = 60.0 * (1.0 - 0.004) - 0.02 * 49.5
    starved = 1.0 - after / 60.0
    made = degas(50, grams=60.0)
    np.testing.assert_allclose(made.capacity, 20.0 * (1.0 - 0.0025) * (1.0 - starved), rtol=1e-6)
    np.testing.assert_array_equal(made.defects, 1 | DRY)
    # What was dry before has been taken off by wetting and formation.
    again = degas(50, grams=30.0, carried_g_per_ml=0.0, flashed=0.0)
    np.testing.assert_allclose(again.capacity, 20.0 * (1.0 - 0.0025), rtol=1e-6)


def test_a_pouch_that_is_not_pierced_keeps_everything() -> None:
    # 40 000 cells: z = 4.5 on the share; the gauge sees all of them.
    made = degas(missed=0.03)
    kept = made.residual == 50.0
    assert abs(kept.mean() - 0.03) < 4.5 * math.sqrt(0.03 / N)
    np.testing.assert_array_equal(made.grams[kept], 80.0)
    np.testing.assert_allclose(made.capacity[kept], 20.0 * 0.75, rtol=1e-6)
    np.testing.assert_array_equal(made.verdict, kept)


def test_the_gauge_errs() -> None:
    # 40 000 cells 2 sigma below the limit: z = 4.5.
    made = degas(gauge_ml=1.25)
    expected = 0.5 * math.erfc(2.0 / math.sqrt(2.0))
    assert abs(made.verdict.mean() - expected) < 4.5 * math.sqrt(expected / N)


@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_leaks_are_marked(leak: float) -> None:
    assert ((degas(20, leak=leak).defects & LEAK) > 0).all() == (leak > 0.0)


def test_more_gas_is_never_better() -> None:
    little, much = degas(2000, gas=30.0, left_cv=0.3), degas(2000, gas=60.0, left_cv=0.3)
    assert (much.capacity <= little.capacity).all()
    assert (much.verdict >= little.verdict).all()
    assert np.isnan(degas(10, gas=np.nan).capacity).all()
