"""The cases of `benchmarks/engines.py` through vectorbt's from_signals; a signal there acts in its own bar."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import vectorbt as vbt  # pyright: ignore[reportMissingImports] - lives in the environment of the peer
from serve import serve

cases = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def final_equity(case: dict[str, Any]) -> float:
    opens, high, low, close = np.array(case["bars"], float).T
    entries, exits = np.zeros(len(close), bool), np.zeros(len(close), bool)
    entries[case["enter"] + 1] = True
    if case["leave"] is not None:
        exits[case["leave"] + 1] = True
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries,
        exits,
        direction="longonly" if case["side"] > 0 else "shortonly",
        size=case["units"] or np.inf,  # infinite: all cash
        price=opens,
        open=opens,
        high=high,
        low=low,
        sl_stop=case["stop"] or np.nan,
        tp_stop=case["take"] or np.nan,
        stop_entry_price="fillprice",
        fees=case["fee_bps"] / 1e4,
        init_cash=case["start"],
        freq="1h",
    )
    return float(portfolio.final_value())


serve(lambda: {case["name"]: final_equity(case) for case in cases})
