"""The cases of `benchmarks/engines.py` through backtesting.py (AGPL-3: it stays in this process and environment)."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy  # pyright: ignore[reportMissingImports] - lives in its own environment
from serve import serve

cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def final_equity(case: dict[str, Any]) -> float:
    bars = pd.DataFrame(case["bars"], columns=pd.Index(["Open", "High", "Low", "Close"]), dtype=float)
    bars.index = pd.date_range("2024-01-01", periods=len(bars), freq="h")
    entry = case["bars"][case["enter"] + 1][0]  # its stops are prices, to be named before the fill is known
    stop = entry * (1 - case["side"] * case["stop"]) if case["stop"] else None
    take = entry * (1 + case["side"] * case["take"]) if case["take"] else None

    class Orders(Strategy):
        def init(self) -> None:
            pass

        def next(self) -> None:
            bar = len(self.data) - 1
            if bar == case["enter"]:
                size = case["units"] or 1 - 1e-9  # a share of the equity, in whole units
                (self.buy if case["side"] > 0 else self.sell)(size=size, sl=stop, tp=take)
            elif bar == case["leave"]:
                self.position.close()

    test = Backtest(bars, Orders, cash=case["start"], commission=case["fee_bps"] / 1e4, finalize_trades=True)
    return float(test.run()["Equity Final [$]"])


def run() -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {case["name"]: final_equity(case) for case in cases}


serve(run)
