"""What is divided between holders is neither lost nor made."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cellfab.kernels.sharing import hand_over, share_out

amounts = st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=6)


@given(amounts, st.integers(1, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_each_amount_is_shared_as_whole_numbers_are(held, whole, share):
    """Rounded down, without leaving 64 bits; Python's integers are the reference."""
    share %= whole + 1
    giver, taker = np.array([held, held[::-1]]), np.ones((2, len(held)), np.int64)
    money = hand_over(giver, taker, share, whole)
    moved = [amount * share // whole for amount in held]
    assert taker.tolist() == [[1 + part for part in moved], [1 + part for part in moved[::-1]]]
    assert giver[0].tolist() == [amount - part for amount, part in zip(held, moved, strict=True)]
    assert money == (sum(moved) + 2**63) % 2**64 - 2**63


def test_energy_is_shared_out():
    giver, taker = np.array([8.0, 0.0, 100.0]), np.array([1.0, 2.0, 3.0])
    share_out(giver, taker, 0.25)
    assert giver.tolist() == [6.0, 0.0, 75.0]
    assert taker.tolist() == [3.0, 2.0, 28.0]
