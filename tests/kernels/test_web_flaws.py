from __future__ import annotations

import numpy as np

from cellfab.kernels import web_events, web_flaws

KEY, OTHER = np.uint64(7), np.uint64(8)


def test_flaws_that_pass_come_after_those_that_are_seen():
    rate = np.array([0.4])
    grid = 3, 150, 161
    parts = [
        web_events.scatter_events(key, 5, rate, web_events.EVERYWHERE, share, *grid)[0]
        for key, share in ((KEY, 0.25), (OTHER, 0.75))
    ]
    for passed in (False, True):
        rows, deviations, seen = web_flaws.find_flaws(
            KEY, OTHER, 5, rate, web_events.EVERYWHERE, 0.25, -0.4, 0.0, passed, *grid
        )
        assert np.array_equal(rows, np.concatenate(parts[: 1 + passed]))
        assert seen == parts[0].size > 10
        # Of a standard normal number, the highest quarter is seen: above 0.674.
        assert (deviations[:seen] > 0.4 * 0.674).all() and (deviations[seen:] <= 0.4 * 0.675).all()


def test_rows_are_rejected_rightly_if_one_of_their_flaws_is_too_large():
    rows, sizes = np.array([1, 4, 1, 2, 4, 5], np.uint32), np.array([0.2, 0.3, 0.9, 0.6, 0.1, 2.0], np.float32)
    exit_code, largest = np.array([0, 0, 9, 0, 0, 0], np.int16), np.zeros(6, np.float32)
    assert web_flaws.judge_flaws(rows, sizes, 5, 0.5, 3, exit_code, largest) == (1, 1)
    assert exit_code.tolist() == [0, 3, 9, 0, 3, 0]
    assert np.allclose(largest, [0.0, 0.9, 0.6, 0.0, 0.3, 2.0])
    assert web_flaws.judge_flaws(rows, sizes, 5, 0.5, 3, exit_code, np.empty(0, np.float32)) == (0, 0)


def test_a_segment_with_weak_patches_is_looked_at_once():
    # 450 segments with two weak patches each on average, half of the segments seen: by their first patch alone.
    rate, grid = np.array([2.0]), (3, 150, 161)
    rows, words, _ = web_events.scatter_events(KEY, 5, rate, web_events.EVERYWHERE, 1.0, *grid)
    named, first = np.unique(rows, return_index=True)
    exit_code = np.zeros(450, np.int16)
    exit_code[::7] = 9
    expected = exit_code.copy()
    seen = named[words[first] < 2**31]
    expected[seen[expected[seen] == 0]] = 3
    is_weak, scrapped = web_flaws.inspect_patches(KEY, 5, rate, web_events.EVERYWHERE, 0.5, *grid, 3, exit_code)
    assert np.array_equal(np.flatnonzero(is_weak), named)
    assert np.array_equal(exit_code, expected)
    assert scrapped == np.count_nonzero(expected == 3) > 100


def test_cuts_are_rejected_if_seen_or_by_false_alarm():
    rates, grid = np.array([0.3, 0.2]), (3, 150, 161)
    cuts, words, _ = web_events.scatter_events(KEY, 5, rates[:1], web_events.EVERYWHERE, 1.0, *grid)
    alarms, _, _ = web_events.scatter_events(OTHER, 5, rates[1:], web_events.EVERYWHERE, 1.0, *grid)
    exit_code, is_flawed = np.zeros(450, np.int16), np.full(450, 7, np.uint8)
    exit_code[::7] = 9
    alive = exit_code == 0
    right, wrong = web_flaws.inspect_cuts(KEY, OTHER, 5, rates, 0.5, *grid, 3, exit_code, is_flawed)
    assert np.array_equal(np.flatnonzero(is_flawed), np.unique(cuts))
    off = np.zeros(450, bool)
    off[cuts[words < 2**31]] = off[alarms] = True
    assert np.array_equal(exit_code == 3, off & alive)
    assert right == np.count_nonzero(off & alive & (is_flawed == 1)) > 20
    assert wrong == np.count_nonzero(off & alive & (is_flawed == 0)) > 20
