"""The peer of `benchmarks/splits.py`: purgedcv builds its splitter anew each round and lists the rows of all splits."""

import sys

import numpy as np
import pandas as pd
from purgedcv import CombinatorialPurgedCV  # pyright: ignore[reportMissingImports] - lives in the peer's environment
from serve import serve

data = np.load(sys.argv[1])
START, HOUR = pd.Timestamp("2020-01-01"), 3_600_000_000_000
decided = pd.Series(START + pd.to_timedelta(data["decided"] * HOUR))
resolved = pd.Series(START + pd.to_timedelta(data["resolved"] * HOUR))
ROWS = np.zeros((len(decided), 1))


def run() -> list[int]:
    splitter = CombinatorialPurgedCV(
        n_splits=8, n_test_groups=2, prediction_times=decided, evaluation_times=resolved, purge_horizon=pd.Timedelta(0)
    )
    return [sum(int(train.sum()) + len(test) for train, test in splitter.split(ROWS))]


serve(run)
