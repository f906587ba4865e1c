"""Points that no other beats: of objectives that pull apart, every choice that could be right.

Everywhere smaller is better; what is to be large is given with its sign turned. A point that breaks a constraint is
beaten by every point that breaks it less (Deb 2002, section VI).

References
----------
K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
Transactions on Evolutionary Computation 6 (2002), 182-197: ranks, crowding, constraints.
E. Zitzler, L. Thiele, "Multiobjective evolutionary algorithms: a comparative case study", IEEE Transactions on
Evolutionary Computation 3 (1999), 257-271: the volume that a front dominates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Points = Sequence[Sequence[float]] | Floats


def pareto_front(objectives: Points, violations: Sequence[float] | Floats | None = None) -> list[int]:
    """Points that no other beats, by their first objective and then the others; equal points all stay.

    Parameters
    ----------
    objectives : array of float, shape (points, objectives)
        Smaller is better.
    violations : array of float, shape (points,), optional
        By how much constraints are broken; 0 or less: not at all. Points that break one are never on the front.
    """
    values = _checked(objectives)
    candidates = np.arange(len(values))
    if violations is not None:
        candidates = candidates[np.asarray(violations, dtype=np.float64) <= 0.0]
    if not candidates.size:
        return []
    # In this order nothing is beaten by what comes after it, so each point is held against the front so far only.
    order = candidates[np.lexsort(values[candidates].T[::-1])]
    front: list[int] = []
    kept = np.empty((len(order), values.shape[1]))
    for place in order.tolist():
        point = values[place]
        before = kept[: len(front)]
        if not ((before <= point).all(axis=1) & (before < point).any(axis=1)).any():
            kept[len(front)] = point
            front.append(place)
    return front


def ranks(objectives: Points, violations: Sequence[float] | Floats | None = None) -> Integers:
    """How many fronts lie before each point's own, shape (points,); 0 is the Pareto front.

    Points that break constraints come after all that do not, each amount of violation a front by itself.
    """
    values = _checked(objectives)
    broken = np.zeros(len(values)) if violations is None else np.maximum(np.asarray(violations, dtype=np.float64), 0.0)
    found = np.zeros(len(values), dtype=np.int64)
    left = np.flatnonzero(broken == 0.0)
    rank = 0
    while left.size:
        front = left[pareto_front(values[left])]
        found[front] = rank
        left = np.setdiff1d(left, front)
        rank += 1
    for amount in np.unique(broken[broken > 0.0]):
        found[broken == amount] = rank
        rank += 1
    return found


def crowding(objectives: Points) -> Floats:
    """How alone each point of a front is, shape (points,): sides of the box between its neighbours, over the ranges.

    Infinite at the ends of each objective.
    """
    values = _checked(objectives)
    alone = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        alone[order[[0, -1]]] = np.inf
        width = float(column[order[-1]] - column[order[0]])
        if width > 0.0:
            alone[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / width
    return alone


def dominated_area(objectives: Points, reference: Sequence[float]) -> float:
    """Area that a front of two objectives beats, up to a reference point: larger is better.

    Points that are not better than the reference in both objectives add nothing.
    """
    values = _checked(objectives)
    if values.shape[1] != 2 or len(reference) != 2:
        raise ValueError("an area has two objectives")
    inside = values[(values < np.asarray(reference)).all(axis=1)]
    area, height = 0.0, float(reference[1])
    for first, second in inside[pareto_front(inside)].tolist() if len(inside) else ():
        area += (reference[0] - first) * (height - second)
        height = second
    return area


def _checked(objectives: Points) -> Floats:
    values = np.asarray(objectives, dtype=np.float64)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError("needs one row of objectives for each point")
    if np.isnan(values).any():
        raise ValueError("an objective without a value cannot be compared")
    return values
