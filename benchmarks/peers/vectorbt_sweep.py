"""A sweep of `benchmarks/simulator.py` through vectorbt's from_orders, one column a parameter set."""

import sys

import numpy as np
import vectorbt as vbt  # pyright: ignore[reportMissingImports] - lives in the environment of the peer
from serve import serve

data = np.load(sys.argv[1])
WITH_VALUE = sys.argv[2] == "value"
FEES = float(data["fees"])
opens, close, size, mark = (data[name] for name in ("open", "close", "size", "mark"))


def run() -> list[float]:
    portfolio = vbt.Portfolio.from_orders(
        close[:, np.newaxis],
        size=size,
        size_type="targetpercent",
        price=opens[:, np.newaxis],
        val_price=mark[:, np.newaxis],  # orders are sized by the equity at the decision, as in edgeproof
        fees=FEES,
        init_cash=1.0,
        freq="1h",
    )
    ends = portfolio.value().iloc[-1] if WITH_VALUE else portfolio.final_value()
    return [float(ends.iloc[0]), float(ends.iloc[-1])]


serve(run)
