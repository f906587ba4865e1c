"""Dividing between holders: value to the last micro-unit, and energy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


@kernel
def hand_over(giver: npt.NDArray[np.int64], taker: npt.NDArray[np.int64], share: int, whole: int) -> int:
    """Move the share `share` / `whole` of every amount, rounded down, from one holder to another.

    Parameters
    ----------
    giver, taker : shape (2, n)
        Quantities and money in micro-units; are changed.
    share, whole : int
        0 <= share <= whole, 0 < whole < 2**31.

    Returns
    -------
    int
        Money moved.
    """
    money = 0
    for account in range(giver.shape[1]):
        for row in range(2):
            amount = giver[row, account]
            if amount != 0:  # of most accounts a holder has nothing, and divisions are slow
                # amount * share // whole, without a product that could leave 64 bits
                ratio = amount // whole
                part = ratio * share + (amount - ratio * whole) * share // whole
                giver[row, account] -= part
                taker[row, account] += part
                money += part * row
    return money


@kernel
def share_out(giver: npt.NDArray[np.float64], taker: npt.NDArray[np.float64], share: float) -> None:
    """Move the share `share`, 0-1, of every amount from one holder to another; shape (n,) both."""
    for index in range(giver.size):
        part = giver[index] * share
        taker[index] += part
        giver[index] -= part
