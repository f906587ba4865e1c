"""Rows leave a chain after the machine that scraps them, once."""

from __future__ import annotations

import numpy as np

from cellfab.kernels.exits import mark_exits


def test_a_row_leaves_where_it_dies_and_stays_out():
    inside = 3
    code = np.array([0, 7, 0, 0], np.int16)
    exits = np.full(4, inside)
    mark_exits(code, exits, inside, -1)
    assert exits.tolist() == [3, -1, 3, 3]
    code[2] = 9
    mark_exits(code, exits, inside, 0)
    code[0] = 9
    mark_exits(code, exits, inside, 2)
    assert exits.tolist() == [2, -1, 0, 3]
