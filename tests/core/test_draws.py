"""Draws are named by owner, decision and lot, and by nothing else."""

from __future__ import annotations

import numpy as np

from cellfab.core.draws import Draws
from cellfab.core.lot import Lot, lineage
from cellfab.kernels.random import stream_key


def lot(ordinal: int, n: int = 50) -> Lot:
    return Lot(lineage("mixer", ordinal), ordinal=ordinal, n=n)


def test_order_of_asking_does_not_matter() -> None:
    one, other = Draws(3, 1, "weld"), Draws(3, 1, "weld")
    first = [one.uniform("depth", lot(0)), one.normal("gap", lot(1)), one.normal("gap", lot(0))]
    second = [other.normal("gap", lot(0)), other.normal("gap", lot(1)), other.uniform("depth", lot(0))]
    for a, b in zip(first, reversed(second), strict=True):
        assert np.array_equal(a, b)


def test_every_part_of_the_name_counts() -> None:
    base = Draws(3, 1, "weld").uniform("depth", lot(0))
    others = [
        Draws(4, 1, "weld").uniform("depth", lot(0)),
        Draws(3, 2, "weld").uniform("depth", lot(0)),
        Draws(3, 1, "wind").uniform("depth", lot(0)),
        Draws(3, 1, "weld").uniform("width", lot(0)),
        Draws(3, 1, "weld").uniform("depth", lot(1)),
    ]
    assert not any(np.any(base == other) for other in others)


def test_shape_type_and_key() -> None:
    draws = Draws(3, 1, "weld")
    assert draws.normal("gap", lot(0)).shape == (50,)
    assert draws.normal("gap", lot(0)).dtype == np.float32
    assert draws.uniform("depth", lot(0), 7).shape == (7,)
    assert draws.key("gap") == stream_key(3, 1, "weld", "gap")
    assert draws.key("gap") is draws.key("gap")


def test_several_decisions_at_once_are_those_decisions() -> None:
    draws = Draws(3, 1, "weld")
    assert draws.keys(("gap", "depth")).tolist() == [draws.key("gap"), draws.key("depth")]
    assert draws.keys(("gap", "depth")).dtype == np.uint64
    both = draws.normals(("gap", "depth"), lot(0))
    assert np.array_equal(both, [draws.normal("gap", lot(0)), draws.normal("depth", lot(0))])
