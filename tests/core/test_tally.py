"""Counts by week, product and place: added as they come, and kept apart where they differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cellfab.core.tally import ScrapCount, StepCount, Tally


def test_counts_add_up_in_a_cell_and_stay_apart_between_cells():
    tally = Tally()
    tally.step(0, "ev", "wind", 100, 3)
    tally.step(0, "ev", "wind", 50, 1)
    tally.step(1, "ev", "wind", 10, 0)
    tally.step(0, "ess", "wind", 7, 7)
    assert list(tally.steps()) == [
        StepCount(0, "ev", "wind", 150, 4),
        StepCount(1, "ev", "wind", 10, 0),
        StepCount(0, "ess", "wind", 7, 7),
    ]


def test_scrap_is_kept_by_cause():
    tally = Tally()
    tally.scrap(0, "ev", "mix", 11, 2, 300.0)
    tally.scrap(0, "ev", "mix", 12, 1, 150.0)
    tally.scrap(0, "ev", "mix", 11, 1, 150.0)
    assert list(tally.scraps()) == [
        ScrapCount(0, "ev", "mix", 11, 3, 450.0),
        ScrapCount(0, "ev", "mix", 12, 1, 150.0),
    ]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2), st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 99), st.integers(0, 9)
        ),
        max_size=40,
    )
)
def test_totals_do_not_depend_on_how_lots_fall_into_cells(rows):
    tally = Tally()
    for week, product, place, rows_in, lost in rows:
        tally.step(week, product, place, rows_in, lost)
        tally.scrap(week, product, place, lost % 3, lost, float(lost))
    counts = list(tally.steps())
    assert sum(count.rows_in for count in counts) == sum(row[3] for row in rows)
    assert sum(count.rows_scrapped for count in counts) == sum(row[4] for row in rows)
    assert len(counts) == len({row[:3] for row in rows})
    scraps = list(tally.scraps())
    assert sum(count.rows for count in scraps) == sum(row[4] for row in rows)
    assert all(count.cell_equivalents == count.rows for count in scraps)
    assert len(scraps) == len({(*row[:3], row[4] % 3) for row in rows})
