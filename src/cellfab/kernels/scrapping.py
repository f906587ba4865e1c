"""Scrapping the rows of a lot, several causes at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cellfab.kernels._jit import kernel


@kernel
def scrap_rows(
    reason: npt.NDArray[np.uint8],
    codes: npt.NDArray[np.int16],
    exit_code: npt.NDArray[np.int16],
    counts: npt.NDArray[np.int64],
) -> None:
    """Give each living row with a reason k > 0 the exit code ``codes[k]``.

    Parameters
    ----------
    reason : ndarray of uint8, shape (n,)
        0 leaves a row alone.
    codes : ndarray of int16, shape (reasons + 1,)
        Exit code of each reason; the first is not looked at.
    exit_code : ndarray of int16, shape (n,)
        0 alive; changed in place.
    counts : ndarray of int64, shape (reasons + 1,)
        Added to: rows newly scrapped, by reason.
    """
    for i in range(reason.size):
        if reason[i] > 0 and exit_code[i] == 0:
            exit_code[i] = codes[reason[i]]
            counts[reason[i]] += 1
