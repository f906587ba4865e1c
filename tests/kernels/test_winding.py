from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels.winding import pair_segments


def pair(cathode: np.ndarray, anode: np.ndarray, lanes: int, skips: tuple[int, int] = (0, 0)) -> list[tuple[int, int]]:
    rows = np.full((2, min(cathode.size, anode.size)), -1, np.int32)
    count = pair_segments(cathode, anode, lanes, *skips, rows[0], rows[1])
    return list(zip(rows[0, :count].tolist(), rows[1, :count].tolist(), strict=True))


def twin(cathode: np.ndarray, anode: np.ndarray, lanes: int, skips: tuple[int, int]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    for lane in range(lanes):
        good = []
        for alive, skip in ((cathode, skips[0]), (anode, skips[1])):
            positions = alive.size // lanes
            good.append([lane * positions + k for k in range(positions) if alive[lane * positions + k]][skip:])
        pairs += zip(*good, strict=False)
    return pairs


def test_bad_segments_are_stepped_over_in_their_own_web() -> None:
    cathode = np.array([1, 0, 1, 1, 1, 1], np.bool_)  # two lanes of three
    anode = np.array([1, 1, 1, 0, 1, 1], np.bool_)
    assert pair(cathode, anode, 2) == [(0, 0), (2, 1), (3, 4), (4, 5)]


@pytest.mark.parametrize("seed", range(5))
def test_pairs_equal_the_slow_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lanes = int(rng.integers(1, 5))
    cathode = rng.random(lanes * int(rng.integers(0, 30))) < 0.8
    anode = rng.random(lanes * int(rng.integers(0, 30))) < 0.7
    skips = (int(rng.integers(0, 3)), int(rng.integers(0, 3)))
    assert pair(cathode, anode, lanes, skips) == twin(cathode, anode, lanes, skips)
