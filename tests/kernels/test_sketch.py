"""Bucket edges, agreement of the two ways to find a bucket, and the promised accuracy of quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.sketch import BUCKETS, bounds, bucket, bucket_of, quantile

VALUES = sorted(
    {0, 1, 2, 511, 512, 513, 514, 1023, 1024, 1027, 1028, 2**40, 2**40 - 1, 2**52 + 12345}
    | {2**e + d for e in range(9, 62) for d in (-1, 0, 1, 2 ** (e - 8) - 1 if e > 8 else 0) if e < 53 or d == 0}
)


def test_both_ways_find_the_same_bucket_and_the_value_is_in_it() -> None:
    for value in VALUES:
        index = bucket_of(value)
        assert bucket(value) == index
        first, beyond = bounds(index)
        assert first <= value < beyond
        assert beyond - first == 1 or (beyond - first) / first <= 1 / 256


def test_buckets_follow_each_other_without_gap() -> None:
    assert all(bounds(i)[1] == bounds(i + 1)[0] for i in range(BUCKETS - 1))
    assert bounds(0)[0] == 0
    assert bounds(BUCKETS - 1)[1] == 2**63


@pytest.mark.parametrize("scale", [30.0, 5e3, 7e9])
def test_quantiles_of_a_sample(scale: float) -> None:
    values = np.sort(np.random.default_rng(5).exponential(scale, 20_001).astype(np.int64))
    counts = np.bincount([bucket_of(int(v)) for v in values], minlength=BUCKETS)
    for share in (0.001, 0.05, 0.5, 0.9, 0.95, 0.999):
        true = values[round(share * 20_000)]
        found = quantile(counts, share, int(values.sum()), int(values[-1]))
        assert found == pytest.approx(true, rel=1 / 256, abs=1.0)
        assert found <= values[-1]


def test_edges_of_the_share_and_nothing_counted() -> None:
    counts = np.zeros(BUCKETS, np.int64)
    assert quantile(counts, 0.5, 0, 0) == 0.0
    counts[[3, 10]] = 1, 4
    assert quantile(counts, 0.0, 43, 10) == 3.0
    assert quantile(counts, 1.0, 43, 10) == 10.0


def test_quantiles_of_one_value_are_that_value() -> None:
    value = 140_000_001
    counts = np.bincount([bucket_of(value)] * 9, minlength=BUCKETS)
    assert [quantile(counts, share, 9 * value, value) for share in (0.0, 0.5, 0.99, 1.0)] == [value] * 4
