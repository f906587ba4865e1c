from __future__ import annotations

import numpy as np
import pytest

from cellfab.core.genealogy import NOWHERE, Ancestor, Genealogy
from cellfab.core.lot import Lot
from cellfab.errors import InvariantError


def _family():
    """Two charges' lots, a web of each, and cells wound from both webs."""
    genealogy = Genealogy(rows=True)
    lots = {}
    for name in ("cathode", "anode"):
        lots[name] = Lot(len(lots) + 1, material=name, n=2)
        genealogy.born(lots[name])
    for name in ("cathode", "anode"):
        web = lots[name].child("film", n=6, unit="m", amount=6.0)
        genealogy.born(web)
        genealogy.link(web.identity, lots[name].identity, [0, 0, 0, 1, 1, 1])
        lots[name + "_web"] = web
    cells = lots["cathode_web"].child(
        "wind", n=4, unit="cells", amount=4.0, material="cell", others=(lots["anode_web"],)
    )
    genealogy.born(cells)
    genealogy.link(cells.identity, lots["cathode_web"].identity, [0, 2, 3, 5])
    genealogy.link(cells.identity, lots["anode_web"].identity, [1, 2, 4, NOWHERE])
    lots["cells"] = cells
    return genealogy, {name: lot.identity for name, lot in lots.items()}


def test_trace_goes_up_to_the_charges():
    genealogy, of = _family()
    assert genealogy.trace(of["cells"], 1) == [
        Ancestor(of["cathode_web"], 2, "cathode"),
        Ancestor(of["anode_web"], 2, "anode"),
        Ancestor(of["cathode"], 0, "cathode"),
        Ancestor(of["anode"], 0, "anode"),
    ]
    assert [a.material for a in genealogy.trace(of["cells"], 3)] == ["cathode", "cathode"]
    assert genealogy.trace(of["cathode"], 0) == []


def test_impact_goes_down_to_the_cells():
    genealogy, of = _family()
    hit = genealogy.impact(of["cathode"], 1, 1)
    assert {lot: rows.tolist() for lot, rows in hit.items()} == {of["cathode_web"]: [3, 4, 5], of["cells"]: [2, 3]}
    assert genealogy.impact(of["anode_web"], 0, 1)[of["cells"]].tolist() == [0]
    assert genealogy.impact(of["cells"], 0, 3) == {}


def test_a_row_made_of_several_is_hit_by_any_of_them():
    genealogy = Genealogy(rows=True)
    web = Lot(1, material="cathode", n=8)
    cells = web.child("stack", n=2, unit="cells", amount=2.0, material="cell")
    for lot in (web, cells):
        genealogy.born(lot)
    genealogy.link(cells.identity, web.identity, [[0, 1, 3], [4, 5, 7]])  # 2 and 6 were thrown out
    assert [ancestor.row for ancestor in genealogy.trace(cells.identity, 1)] == [4, 5, 7]
    hit = [genealogy.impact(web.identity, row, row).get(cells.identity, np.empty(0)).tolist() for row in range(8)]
    assert hit == [[0], [0], [], [0], [1], [1], [], [1]]
    assert genealogy.impact(web.identity, 3, 4)[cells.identity].tolist() == [0, 1]


def test_impact_and_trace_are_inverse():
    genealogy, of = _family()
    for row in range(4):
        for ancestor in genealogy.trace(of["cells"], row):
            hit = genealogy.impact(ancestor.lot, ancestor.row, ancestor.row)
            assert row in hit[of["cells"]]


def test_a_lot_reached_by_two_ways_is_hit_once_with_all_its_rows():
    # One lot split in two halves that are merged again: the grandchild must wait for both.
    genealogy = Genealogy(rows=True)
    root = Lot(1, n=4)
    genealogy.born(root)
    left, right = (root.child(place, n=2, unit="parts", amount=2.0) for place in ("left", "right"))
    middle = right.child("middle", n=2, unit="parts", amount=2.0)
    last = left.child("last", n=4, unit="parts", amount=4.0, others=(middle,))
    for lot in (left, right, middle, last):
        genealogy.born(lot)
    genealogy.link(left.identity, 1, [0, 1])
    genealogy.link(right.identity, 1, [2, 3])
    genealogy.link(middle.identity, right.identity, [0, 1])
    genealogy.link(last.identity, left.identity, [0, 1, NOWHERE, NOWHERE])
    genealogy.link(last.identity, middle.identity, [NOWHERE, NOWHERE, 0, 1])
    hit = genealogy.impact(1, 1, 2)
    assert hit[last.identity].tolist() == [1, 2]
    assert list(hit) == [left.identity, right.identity, middle.identity, last.identity]


def test_parents_must_exist():
    genealogy = Genealogy()
    orphan = Lot(1, material="cathode").child("film", n=1, unit="m", amount=1.0)
    with pytest.raises(InvariantError, match=r"cathode lot \d+ \(no\. 0\) has a parent that never existed: 1"):
        genealogy.born(orphan)
    assert orphan.identity not in genealogy


def test_a_lot_is_made_once():
    genealogy = Genealogy()
    genealogy.born(Lot(7))
    assert 7 in genealogy
    with pytest.raises(InvariantError, match="made twice"):
        genealogy.born(Lot(7))


def test_links_are_checked_even_when_rows_are_not_kept():
    genealogy = Genealogy()
    genealogy.born(Lot(1))
    genealogy.born(Lot(2))
    with pytest.raises(InvariantError, match="never entered"):
        genealogy.link(3, 1, [0])
    with pytest.raises(InvariantError, match="not older"):
        genealogy.link(1, 2, [0])
    genealogy.link(2, 1, [0])
    with pytest.raises(InvariantError, match="rows=True"):
        genealogy.trace(2, 0)


def test_unknown_lot_cannot_be_asked_for():
    with pytest.raises(InvariantError, match="never entered"):
        Genealogy(rows=True).impact(5, 0, 0)


@pytest.mark.parametrize(("highest", "dtype"), [(2**15 - 1, np.int16), (2**15, np.int32)])
def test_rows_are_kept_small(highest, dtype):
    genealogy = Genealogy(rows=True)
    genealogy.born(Lot(1))
    genealogy.born(Lot(2))
    genealogy.link(2, 1, np.array([0, highest]))
    assert genealogy._parents[2][1].dtype == dtype
    assert genealogy.trace(2, 1) == [Ancestor(1, highest, "")]
