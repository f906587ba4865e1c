"""Charging a lot: all lines of a bill at once, rounded to whole micro-units."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel

MICRO = 1e6
LARGEST = 2.0**62
REFUSED = -(2**63)
"""Answer to a bill with a line that cannot be posted: it is the first whose amounts are not finite and in range."""


@kernel
def charge(
    lines: npt.NDArray[np.int64],
    rates: npt.NDArray[np.float64],
    counts: npt.NDArray[np.float64],
    amounts: npt.NDArray[np.float64],
    sums: npt.NDArray[np.int64],
    carried: npt.NDArray[np.int64],
) -> int:
    """Work out every line of a bill, and add it to the sums of a page and to what a lot carries.

    Parameters
    ----------
    lines : shape (2, k)
        Number of the account; number of the count that the line goes by, or -1: the money of the line before.
    rates : shape (3, k)
        Units per count, usd per count, usd per unit.
    counts : shape (c,)
        Of the lot.
    amounts : shape (2, k)
        Quantity and usd of each line; filled, up to the first line that is refused.
    sums, carried : shape (2, accounts)
        Quantities and money in micro-units; are added to, unless a line is refused.

    Returns
    -------
    int
        Money in micro-units, or `REFUSED`.
    """
    for line in range(lines.shape[1]):
        by = lines[1, line]
        count = counts[by] if by >= 0 else amounts[1, line - 1]
        quantity = rates[0, line] * count
        usd = rates[1, line] * count + rates[2, line] * quantity
        amounts[0, line] = quantity
        amounts[1, line] = usd
        # Said so that NaN is refused, too; what rounds to nothing is not negative.
        if not (-0.5 <= quantity * MICRO < LARGEST and abs(usd * MICRO) < LARGEST):
            return REFUSED
    money = 0
    for line in range(lines.shape[1]):
        account = lines[0, line]
        q = int(np.rint(amounts[0, line] * MICRO))
        m = int(np.rint(amounts[1, line] * MICRO))
        sums[0, account] += q
        sums[1, account] += m
        carried[0, account] += q
        carried[1, account] += m
        money += m
    return money
