"""Orders of `benchmarks/simulator.py` through vectorbt's from_orders; with `value` its equity curve too."""

import sys

import numpy as np
import vectorbt as vbt  # pyright: ignore[reportMissingImports] - lives in the environment of the peer
from serve import serve

data = np.load(sys.argv[1])
WITH_VALUE = sys.argv[2] == "value"
FEES = float(data["fees"])


def run() -> float:
    portfolio = vbt.Portfolio.from_orders(
        data_close,
        size=data_size,
        size_type="targetpercent",
        price=data_open,
        val_price=data_mark,  # orders are sized by the equity at the decision, as in edgeproof
        fees=FEES,
        init_cash=1.0,
        cash_sharing=True,
        group_by=True,
        freq="1h",
    )
    if WITH_VALUE:
        return float(portfolio.value().iloc[-1])
    return float(portfolio.final_value())


data_open, data_close, data_size, data_mark = (data[name] for name in ("open", "close", "size", "mark"))
serve(run)
