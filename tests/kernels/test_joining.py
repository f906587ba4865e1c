from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cellfab.kernels import joining


def taken(code: np.ndarray[Any, Any], lanes: int, skip: int, wanted: list[int] | None = None) -> tuple[Any, Any]:
    good = np.zeros(lanes, np.int64)
    joining.count_good(code, skip, good)
    asked = good if wanted is None else np.array(wanted, np.int64)
    rows = np.empty(int(asked.sum()) + 1, np.int32)
    joining.take_good(code, skip, asked, rows)
    return good.tolist(), rows[:-1].tolist()


def test_bad_segments_are_stepped_over_and_leaders_are_lost() -> None:
    code = np.array([0, 5, 0, 0, 0, 0, 0, 9], np.int16)  # two lanes of four
    assert taken(code, 2, 0) == ([3, 3], [0, 2, 3, 4, 5, 6])
    assert taken(code, 2, 1) == ([2, 2], [2, 3, 5, 6])
    assert taken(code, 2, 4) == ([0, 0], [])
    assert taken(code, 2, 1, [1, 2]) == ([2, 2], [2, 5, 6])


@pytest.mark.parametrize("seed", range(5))
def test_rows_equal_the_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lanes, positions, skip = int(rng.integers(1, 5)), int(rng.integers(0, 30)), int(rng.integers(0, 4))
    code = (rng.random(lanes * positions) < 0.25).astype(np.int16)
    expected = [
        [lane * positions + k for k in range(positions) if code[lane * positions + k] == 0][skip:]
        for lane in range(lanes)
    ]
    good, rows = taken(code, lanes, skip)
    assert good == [len(lane) for lane in expected]
    assert rows == [row for lane in expected for row in lane]


@pytest.mark.parametrize("pieces", [(1, 1), (2, 2), (3, 4)])
@pytest.mark.parametrize("seed", range(3))
def test_the_shorter_web_of_a_lane_ends_its_cells(seed: int, pieces: tuple[int, int]) -> None:
    rng = np.random.default_rng(seed)
    lanes, skips = 3, (2, 1)
    codes = [(rng.random(lanes * positions) < 0.2).astype(np.int16) for positions in (40, 37)]
    good = [
        [
            (lane * (code.size // lanes) + np.flatnonzero(part == 0)[skip:])
            for lane, part in enumerate(np.split(code, lanes))
        ]
        for code, skip in zip(codes, skips, strict=True)
    ]
    per_lane = [min(len(c) // pieces[0], len(a) // pieces[1]) for c, a in zip(*good, strict=True)]
    rows = [np.empty(code.size + 1, np.int32) for code in codes]
    assert joining.take_cells(*codes, lanes, *pieces, *skips, *rows) == sum(per_lane)
    for found, web, each in zip(rows, good, pieces, strict=True):
        expected = np.concatenate([lane[: cells * each] for lane, cells in zip(web, per_lane, strict=True)])
        np.testing.assert_array_equal(found[: expected.size], expected)


@pytest.mark.parametrize("pieces", [1, 2, 5])
def test_what_cells_inherit_equals_numpy(pieces: int) -> None:
    rng = np.random.default_rng(pieces)
    segments, n = 400, 60
    rows = np.sort(rng.choice(segments, n * pieces, replace=False)).astype(np.int32)
    loading, active, specific = (rng.random(segments).astype(np.float32) + 1 for _ in range(3))
    areal, mean, again, high = (np.empty(m, np.float32) for m in (n * pieces, n, n, n))
    total = joining.areal_capacities(rows, loading, active, specific, areal)
    assert total == pytest.approx(loading[rows].sum(dtype=np.float64), rel=1e-12)
    np.testing.assert_allclose(areal, (1e-3 * loading * active * specific)[rows], rtol=1e-6)
    joining.mean_of_pieces(rows, loading, mean)
    np.testing.assert_allclose(mean, loading[rows].reshape(n, pieces).mean(axis=1), rtol=1e-6)
    joining.mean_of_neighbours(areal, again)
    np.testing.assert_allclose(again, areal.reshape(n, pieces).mean(axis=1), rtol=1e-6)
    joining.highest_of_pieces(rows, loading, high)
    np.testing.assert_array_equal(high, loading[rows].reshape(n, pieces).max(axis=1))
    together = [np.empty(m, np.float32) for m in (n * pieces, n, n, n)]
    assert joining.inherit(rows, loading, active, specific, active, specific, loading, *together) == total
    joining.mean_of_pieces(rows, active, mean)
    joining.mean_of_pieces(rows, specific, again)
    for one, alone in zip(together, (areal, mean, again, high), strict=True):
        np.testing.assert_array_equal(one, alone)
    few = np.where(rng.random(segments) < 0.1, rng.integers(1, 120, segments), 0).astype(np.uint8)
    found = np.full(n, 3, np.uint8)
    joining.add_over_pieces(rows, few, found)
    sums = few[rows].astype(int).reshape(n, pieces).sum(axis=1)
    np.testing.assert_array_equal(found, np.minimum(3 + sums, 255))
    assert sums.max() > 0
    sizes = np.where(few > 0, rng.random(segments), 0.0).astype(np.float32)
    sizes[rows[7]] = np.nan
    largest = np.full(n, 0.3, np.float32)
    joining.raise_over_pieces(rows, sizes, largest)
    np.testing.assert_array_equal(largest, np.maximum(np.float32(0.3), sizes[rows].reshape(n, pieces).max(axis=1)))
    assert np.isnan(largest).sum() == 1


def test_nothing_joined_is_no_error() -> None:
    none, no_cells = np.empty(0, np.int32), np.empty(0, np.float32)
    values = np.ones(10, np.float32)
    assert joining.areal_capacities(none, values, values, values, no_cells) == 0.0
    joining.mean_of_pieces(none, values, no_cells)
    joining.mean_of_neighbours(no_cells, no_cells)
    joining.highest_of_pieces(none, values, no_cells)
    joining.add_over_pieces(none, np.ones(10, np.uint8), np.empty(0, np.uint8))
    joining.least_ratio(no_cells, no_cells, 2, no_cells)


def test_the_lowest_ratio_is_that_of_the_worst_neighbours() -> None:
    least = np.empty(2, np.float32)
    cathode = np.array([2, 4, 2, 2], np.float32)
    joining.least_ratio(cathode, np.array([3, 4, 5, 6], np.float32), 1, least)  # rolls: pairs
    np.testing.assert_allclose(least, [1.0, 2.5])
    anode = np.array([3, 5, 4.4, 2.2, 6, 7], np.float32)
    joining.least_ratio(cathode, anode, 2, least)  # stacks: each cathode between two anodes
    np.testing.assert_allclose(least, [1.1, 1.1])
    pairs = np.empty(4, np.float32)
    joining.least_ratio(cathode, np.array([2.2, 4.4, 3, 2], np.float32), 1, pairs)
    np.testing.assert_allclose(pairs, [1.1, 1.1, 1.5, 1.0])
