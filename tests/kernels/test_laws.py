"""Each law of durations against scipy's quantile function, and the rounding to ticks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter
from scipy import stats

from cellfab.config.distribution import Distribution
from cellfab.kernels.laws import duration, pack, sample
from cellfab.kernels.lot_durations import durations
from cellfab.kernels.random import stream_key, uniform

TAIL = 10.0 ** np.arange(-12.0, -2.0)
U = np.concatenate([TAIL, np.linspace(0.01, 0.99, 99), 1.0 - TAIL[::-1]])


def distribution(**fields: Any) -> Any:
    return TypeAdapter(Distribution).validate_python(fields)


CLOSED_FORMS = [
    (distribution(law="exponential", mean_s=7.0), stats.expon(scale=7.0)),
    (distribution(law="weibull", shape=0.7, scale_s=3.0), stats.weibull_min(0.7, scale=3.0)),
    (
        distribution(law="weibull", shape=2.5, mean_s=3.0),
        stats.weibull_min(2.5, scale=3.0 / math.gamma(1.4)),
    ),
    (distribution(law="lognormal", median_s=2.0, gsd=1.8), stats.lognorm(math.log(1.8), scale=2.0)),
    (
        distribution(law="lognormal", mean_s=5.0, cv=0.5),
        stats.lognorm(math.sqrt(math.log(1.25)), scale=5.0 / math.sqrt(1.25)),
    ),
    (distribution(law="uniform", low_s=2.0, high_s=5.0), stats.uniform(2.0, 3.0)),
    (distribution(law="triangular", low_s=1.0, mode_s=2.0, high_s=6.0), stats.triang(0.2, 1.0, 5.0)),
    (distribution(law="triangular", low_s=1.0, mode_s=1.0, high_s=6.0), stats.triang(0.0, 1.0, 5.0)),
    (distribution(law="triangular", low_s=1.0, mode_s=6.0, high_s=6.0), stats.triang(1.0, 1.0, 5.0)),
]


@pytest.mark.parametrize(("config", "reference"), CLOSED_FORMS)
def test_quantile_against_scipy(config: Any, reference: Any) -> None:
    law = pack(config)
    got = np.array([sample(*law, u) for u in U])
    assert np.allclose(got, reference.ppf(U), rtol=1e-9, atol=1e-12)
    assert np.all(np.diff(got) >= 0.0)


@pytest.mark.parametrize(
    ("config", "mean", "deviation"),
    [
        (distribution(law="weibull", shape=1.7, mean_s=40.0), 40.0, None),
        (distribution(law="lognormal", mean_s=40.0, cv=0.6), 40.0, 24.0),
    ],
)
def test_laws_given_by_their_mean_have_it(config: Any, mean: float, deviation: float | None) -> None:
    # Midpoint rule over 1e5 equal cells of u: the missing tail is worth less than 2e-4 of the mean.
    law = pack(config)
    values = np.array([sample(*law, (i + 0.5) / 100_000) for i in range(100_000)])
    assert values.mean() == pytest.approx(mean, rel=2e-4)
    if deviation is not None:
        assert values.std() == pytest.approx(deviation, rel=5e-3)


def test_deterministic_and_empirical() -> None:
    assert sample(*pack(distribution(law="deterministic", value_s=2.5)), 0.9) == 2.5
    law = pack(distribution(law="empirical", values_s=(5.0, 1.0, 3.0, 3.0)))
    assert [sample(*law, u) for u in (0.01, 0.26, 0.74, 0.76, 1.0 - 1e-16)] == [1.0, 3.0, 3.0, 5.0, 5.0]


def test_duration_is_the_named_draw_in_whole_ticks() -> None:
    key = stream_key(1, 0, "press", "cycle")
    law = pack(distribution(law="exponential", mean_s=2.0))
    for row in range(20):
        expected = -2.0 * math.log1p(-uniform(key, 5, row)) * 0.8 * 1e6
        assert duration(*law, 0.8, key, 5, row) == pytest.approx(expected, abs=0.51)
    fixed = pack(distribution(law="deterministic", value_s=0.25))
    assert duration(*fixed, 1.0, key, 5, 0) == 250_000
    assert isinstance(duration(*fixed, 1.0, key, 5, 0), int)


def test_durations_of_a_lot_equal_single_ones() -> None:
    key = stream_key(1, 0, "press", "cycle")
    laws = [config for config, _ in CLOSED_FORMS]
    laws += [distribution(law="deterministic", value_s=3.0), distribution(law="empirical", values_s=(5.0, 1.0, 3.0))]
    for config in laws:
        law, out = pack(config), np.empty(1_500, np.int64)
        durations(*law, 0.9, key, 77, out)
        assert out.tolist() == [duration(*law, 0.9, key, 77, row) for row in range(out.size)]


def test_an_unknown_law_is_refused() -> None:
    class Odd:
        law = "gumbel"

    with pytest.raises(ValueError, match="gumbel"):
        pack(Odd())


def test_a_tail_beyond_all_runs_is_cut_off() -> None:
    law = pack(TypeAdapter(Distribution).validate_python({"law": "weibull", "shape": 0.05, "scale_s": 1e11}))
    key = stream_key(1, 0, "far")
    alone = [duration(*law, 1.0, key, 3, row) for row in range(500)]
    together = np.empty(500, np.int64)
    durations(*law, 1.0, key, 3, together)
    assert together.tolist() == alone
    assert max(alone) == 10**17
    assert min(alone) >= 0
