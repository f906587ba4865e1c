"""Fronts, ranks, crowding and areas against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cellfab.study.pareto import crowding, dominated_area, pareto_front, ranks


def beats(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


def front_slowly(points):
    return {place for place, one in enumerate(points) if not any(beats(other, one) for other in points)}


coarse = st.integers(1, 4).flatmap(
    lambda columns: arrays.arrays(
        np.float64, st.tuples(st.integers(1, 40), st.just(columns)), elements=st.integers(0, 6)
    )
)


@given(coarse)
def test_front_is_what_nothing_beats(points):
    found = pareto_front(points)
    assert set(found) == front_slowly(points.tolist())
    assert len(found) == len(set(found))
    assert [tuple(points[place]) for place in found] == sorted(tuple(points[place]) for place in found)


@given(coarse)
def test_ranks_peel_off_front_after_front(points):
    found, left, rank = ranks(points), dict(enumerate(points.tolist())), 0
    while left:
        names = list(left)
        front = {names[place] for place in front_slowly(list(left.values()))}
        assert front == set(np.flatnonzero(found == rank))
        left = {name: one for name, one in left.items() if name not in front}
        rank += 1


def test_points_that_break_a_constraint_come_last():
    points = [[5.0, 5.0], [1.0, 1.0], [0.0, 0.0], [6.0, 6.0], [2.0, 2.0]]
    violations = [0.0, 0.5, 2.0, -1.0, 0.5]
    assert pareto_front(points, violations) == [0]
    assert ranks(points, violations).tolist() == [0, 2, 3, 1, 2]
    assert pareto_front(points, [1.0] * 5) == []


def test_infinite_objectives_are_allowed_and_missing_ones_are_not():
    assert pareto_front([[math.inf, 0.0], [0.0, math.inf], [math.inf, math.inf]]) == [1, 0]
    with pytest.raises(ValueError, match="without a value"):
        pareto_front([[math.nan, 0.0]])
    with pytest.raises(ValueError, match="one row of objectives"):
        pareto_front([1.0, 2.0])


def test_crowding_is_the_box_between_neighbours():
    found = crowding([[0.0, 10.0], [1.0, 6.0], [4.0, 0.0], [2.0, 5.0]])
    assert found[[0, 2]].tolist() == [math.inf, math.inf]
    assert found[[1, 3]] == pytest.approx([2 / 4 + 5 / 10, 3 / 4 + 6 / 10])
    assert crowding([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])[1] == 0.0


def test_area_by_hand():
    assert dominated_area([[1.0, 3.0], [2.0, 1.0], [2.5, 2.0], [9.0, 0.0]], (4.0, 4.0)) == 3.0 * 1.0 + 2.0 * 2.0
    assert dominated_area([[5.0, 5.0]], (4.0, 4.0)) == 0.0
    with pytest.raises(ValueError, match="two objectives"):
        dominated_area([[1.0]], (1.0,))


@given(arrays.arrays(np.int64, (12, 2), elements=st.integers(0, 9)))
def test_area_is_the_number_of_cells_that_something_beats(points):
    cells = sum(bool(((points <= (x, y)).all(axis=1)).any()) for x in range(10) for y in range(10))
    assert dominated_area(points, (10.0, 10.0)) == cells
