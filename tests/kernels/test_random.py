"""Philox against its published vectors, the normal quantile against scipy, and what a name may depend on."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import ndtri

from cellfab.kernels.random import (
    fill_normal,
    fill_row_uniforms,
    fill_uniform,
    fill_words,
    fill_words_from,
    normal_quantile,
    normal_quantile_of_uniform,
    normals_of_words,
    philox,
    stream_key,
    uniform,
)  # fmt: skip

KEY = stream_key(7, 0, "weld", "jam")

# Random123 kat_vectors, "philox4x32 10": counter, key, expected.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def twin(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10 in Python integers, after the paper's description."""
    c, k = list(counter), list(key)
    for _ in range(10):
        high_0, low_0 = divmod(0xD2511F53 * c[0], 1 << 32)
        high_1, low_1 = divmod(0xCD9E8D57 * c[2], 1 << 32)
        c = [high_1 ^ c[1] ^ k[0], low_1, high_0 ^ c[3] ^ k[1], low_0]
        k = [(k[0] + 0x9E3779B9) % (1 << 32), (k[1] + 0xBB67AE85) % (1 << 32)]
    return c


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_published_vectors(counter: str, key: str, expected: str) -> None:
    got = philox(*(np.uint64(word) for word in words(counter) + words(key)))
    assert [int(word) for word in got] == words(expected)
    assert twin(words(counter), words(key)) == words(expected)


@pytest.mark.parametrize("size", [1, 3, 4, 255, 256, 257, 1000])
@pytest.mark.parametrize("first_block", [0, (1 << 32) - 2])
def test_block_fill_equals_single_blocks(size: int, first_block: int) -> None:
    entity = (5 << 32) + 11
    out = np.empty(size, np.uint32)
    fill_words(KEY, entity, first_block, out)
    key = [int(KEY) % (1 << 32), int(KEY) >> 32]
    for i in range(0, size, 37):
        block = first_block + i // 4
        assert out[i] == twin([block % (1 << 32), block >> 32, 11, 5], key)[i % 4]


def test_uniform_uses_the_first_52_bits_of_its_block() -> None:
    key = [int(KEY) % (1 << 32), int(KEY) >> 32]
    for entity, row in [(0, 0), (3, 9), ((1 << 62) + 12345, (1 << 40) + 1)]:
        first, second, _, _ = twin([row % (1 << 32), row >> 32, entity % (1 << 32), entity >> 32], key)
        expected = ((first << 20 | second >> 12) + 0.5) * 2.0**-52
        assert uniform(KEY, entity, row) == expected


@pytest.mark.parametrize("size", [1, 63, 64, 65, 300])
def test_rows_filled_at_once_equal_single_draws(size: int) -> None:
    out = np.empty(size)
    fill_row_uniforms(KEY, 17, 1000, out)
    assert out.tolist() == [uniform(KEY, 17, 1000 + i) for i in range(size)]


def test_extreme_words_stay_inside_the_open_interval() -> None:
    out = np.empty(200_000, np.float32)
    fill_uniform(KEY, 1, out)
    assert out.min() > 0.0
    assert out.max() < 1.0


@pytest.mark.parametrize("fill", [fill_uniform, fill_normal])
def test_an_element_does_not_depend_on_the_length(fill: object) -> None:
    long, short = np.empty(10_000, np.float32), np.empty(4_099, np.float32)
    fill(KEY, 42, long)  # type: ignore[operator]
    fill(KEY, 42, short)  # type: ignore[operator]
    assert np.array_equal(long[: short.size], short)


def test_uniform_column_is_the_words_scaled() -> None:
    raw, out = np.empty(5_000, np.uint32), np.empty(5_000, np.float32)
    fill_words(KEY, 8, 0, raw)
    fill_uniform(KEY, 8, out)
    assert np.max(np.abs(out - (raw + 0.5) / 2.0**32)) <= 2.0**-24


@pytest.mark.parametrize("first", [0, 1, 6, 255, 259])
def test_a_part_of_a_column_is_that_part(first: int) -> None:
    whole = np.empty(600, np.uint32)
    fill_words(KEY, 9, 0, whole)
    assert np.array_equal(fill_words_from(KEY, 9, first, np.empty(303, np.uint32)), whole[first : first + 300])


def test_normal_column_is_the_quantile_of_the_words() -> None:
    # 200 000 words reach 4.5 sigma; the far tail is checked below through the table itself.
    raw, out = np.empty(200_000, np.uint32), np.empty(200_000, np.float32)
    fill_words(KEY, 9, 0, raw)
    fill_normal(KEY, 9, out)
    assert np.max(np.abs(out - ndtri((raw + 0.5) / 2.0**32))) < 1e-6


def test_normal_table_reaches_both_far_tails() -> None:
    lower = np.concatenate([np.arange(5_000), 2 ** np.arange(1, 31), 2 ** np.arange(2, 31) - 1, [2**31 - 1]])
    words = np.concatenate([lower, 2**32 - 1 - lower]).astype(np.uint32)
    values = np.empty(words.size, np.float32)
    normals_of_words(words, values)
    exact = ndtri((lower + 0.5) / 2.0**32)
    assert np.max(np.abs(values - np.concatenate([exact, -exact]))) < 1e-6


def test_normal_quantile_against_scipy() -> None:
    tails = 10.0 ** np.arange(-300, -1, 0.37)
    u = np.concatenate([tails, 1.0 - tails[tails > 1e-15], np.linspace(1e-3, 1.0 - 1e-3, 2_001)])
    got = np.array([normal_quantile(x) for x in u])
    assert np.allclose(got, ndtri(u), rtol=2e-15, atol=1e-15)


def test_tabulated_quantile_against_scipy() -> None:
    tails = 2.0 ** -np.arange(1.0, 53.01, 0.03125)
    ends = np.array([2.0**-53, 0.5, 1.0 - 2.0**-53])
    u = np.concatenate([tails, 1.0 - tails[tails > 1e-14], np.random.default_rng(3).random(20_000), ends])
    got = np.array([normal_quantile_of_uniform(x) for x in u])
    assert np.max(np.abs(got - ndtri(u))) < 2e-12
    assert abs(normal_quantile_of_uniform(0.5)) < 1e-14


def test_moments_of_normal_columns() -> None:
    # 1 million numbers: the mean within 4 standard errors (0.004), the variance within 4 of its own (0.006).
    out = np.empty(1_000_000, np.float32)
    fill_normal(KEY, 10, out)
    assert abs(out.mean(dtype=np.float64)) < 4.0 / np.sqrt(out.size)
    assert abs(out.var(dtype=np.float64) - 1.0) < 4.0 * np.sqrt(2.0 / out.size)


def test_names_are_told_apart() -> None:
    keys = {
        int(stream_key(*name))
        for name in [(1, 0, "a", "bc"), (1, 0, "ab", "c"), (1, 1, "a", "bc"), (11, 0, "a", "bc"), (1, 0, "a", "bc", 0)]
    }
    assert len(keys) == 5
    assert stream_key(1, 0, "a") == stream_key(1, 0, "a")
    assert int(stream_key(1, 0, "a")) == 0xA5AA5A7A3876F904  # recorded: another value re-deals every run ever made


def test_tables_do_not_depend_on_the_processors_linear_algebra() -> None:
    # OpenBLAS takes other instructions for each of these cores, whose sums differ in their last bits.
    code = (
        "from hashlib import sha256; from cellfab.kernels import random as r;"
        " print(sha256(r._FINE_TABLE.tobytes() + r._TABLE.tobytes()).hexdigest())"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120,
            env={**os.environ, "OPENBLAS_CORETYPE": core},
        ).stdout
        for core in ("Prescott", "Haswell", "SkylakeX")
    }  # fmt: skip
    assert len(told) == 1
    assert len(told.pop().strip()) == 64
