"""Stationary bootstrap of mean and Sharpe ratio with arch, as its documentation shows it."""

import sys

import numpy as np
from arch.bootstrap import StationaryBootstrap
from serve import serve

RETURNS: np.ndarray = np.load(sys.argv[1])
BLOCK, REPETITIONS = float(sys.argv[2]), int(sys.argv[3])


def moments(x: np.ndarray) -> np.ndarray:
    return np.array([x.mean(), x.mean() / x.std(ddof=1)])


def spread() -> list[float]:
    """Standard deviation over the resamples, to compare."""
    drawn = StationaryBootstrap(int(BLOCK), RETURNS, seed=1).apply(moments, REPETITIONS)
    return [float(value) for value in drawn.std(axis=0)]


serve(spread)
