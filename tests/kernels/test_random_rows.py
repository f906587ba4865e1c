from __future__ import annotations

import numpy as np
import pytest

from cellfab.kernels import random_rows
from cellfab.kernels.random import fill_normal, fill_words, normals_of_words

KEY, ENTITY = np.uint64(99), (3 << 32) + 4


def _words(n):
    out = np.empty(n, np.uint32)
    fill_words(KEY, ENTITY, 0, out)
    return out


@pytest.mark.parametrize("rows", [[], [0], [5, 6, 7, 8], list(range(0, 700, 3)), [1] * 65])
def test_chosen_rows_have_the_numbers_of_the_whole_column(rows):
    rows = np.array(rows, np.int32)
    words, normals, all_normals = (
        np.empty(rows.size, np.uint32),
        np.empty(rows.size, np.float32),
        np.empty(700, np.float32),
    )
    random_rows.fill_row_words(KEY, ENTITY, rows, words)
    random_rows.fill_row_normals(KEY, ENTITY, rows, normals)
    fill_normal(KEY, ENTITY, all_normals)
    assert np.array_equal(words, _words(700)[rows])
    assert np.array_equal(normals, all_normals[rows])
    assert np.abs(all_normals).max() < random_rows.REACH


@pytest.mark.parametrize("first", [0, 1, 6, 255, 259])
def test_a_part_of_a_column_is_that_part(first):
    found = random_rows.fill_words_from(KEY, ENTITY, first, np.empty(303, np.uint32))
    assert np.array_equal(found, _words(600)[first : first + 300])


def test_the_farthest_normal_is_within_reach():
    ends = np.empty(2, np.float32)
    normals_of_words(np.array([0, 2**32 - 1], np.uint32), ends)
    assert -random_rows.REACH < ends[0] < -6.3
    assert 6.3 < ends[1] < random_rows.REACH


def test_last_word_below_a_probability():
    for p in (1e-6, 0.25, 0.5, 0.999):
        last = int(random_rows.last_word_below(p))
        assert (last + 0.5) / 2**32 <= p < (last + 1.5) / 2**32
    assert (random_rows.last_word_below(0.0), random_rows.last_word_below(1.0)) == (0, 2**32 - 1)
