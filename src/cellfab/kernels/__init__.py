"""Compiled mechanisms: pure functions, arrays in and out. numba and numpy only; one file per physics."""
