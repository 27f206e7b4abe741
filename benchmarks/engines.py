"""The same orders on the same bars through edgeproof, vectorbt and backtesting.py: final equities, side by side.

Small cases, each with one thing that engines do differently; docs/theory/fills.md works the differences out. Peers run
in environments of their own, with their defaults but for what makes the orders the same: units, fee, fills at the open.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options
from harness import Peer

START, UNITS, ALL = 10_000.0, 50, None
CALM = (100.0, 101.0, 99.0, 100.0)


def case(
    name: str, *rows: tuple[float, ...], side: int = 1, leave: int | None = None, **levels: float
) -> dict[str, Any]:
    """Decided at the close of bar 1, filled at the open of bar 2; `rows` are bars 2 and on, calm ones after them."""
    bars = [CALM, CALM, *rows, *[CALM] * 3]
    body = {"name": name, "bars": bars, "side": side, "enter": 1, "leave": leave, "start": START, "units": UNITS}
    if levels.get("all"):
        body["units"] = ALL
    return body | {"stop": levels.get("stop", 0.0), "take": levels.get("take", 0.0), "fee_bps": levels.get("fee", 0.0)}


CASES = [
    case("long, 10 bps", CALM, (102.0, 106.0, 101.0, 105.0), (110.0, 111.0, 109.0, 110.0), leave=3, fee=10.0),
    case("short, 10 bps", CALM, (98.0, 99.0, 94.0, 95.0), (90.0, 91.0, 89.0, 90.0), side=-1, leave=3, fee=10.0),
    case("short at a constant price, 10 bps", CALM, CALM, CALM, side=-1, leave=3, fee=10.0),
    case("stop inside the bar", CALM, (99.0, 100.0, 94.0, 98.0), stop=0.05),
    case("gap through the stop", CALM, (90.0, 92.0, 88.0, 91.0), stop=0.05),
    case("target inside the bar", CALM, (101.0, 107.0, 100.0, 104.0), take=0.05),
    case("gap through the target", CALM, (110.0, 112.0, 109.0, 111.0), take=0.05),
    case("both touched in one bar", CALM, (100.0, 107.0, 93.0, 101.0), stop=0.05, take=0.05),
    case("stop in the bar of the entry", (100.0, 101.0, 94.0, 99.0), CALM, stop=0.05, leave=4),
    case("short, gap through the stop", CALM, (112.0, 113.0, 109.0, 110.0), side=-1, stop=0.05),
    case(
        "all, opens higher, 10 bps", (102.0, 103.0, 101.0, 102.0), (105.0,) * 4, (105.0,) * 4, leave=3, fee=10.0, all=1
    ),
    case("all, opens lower, 10 bps", (98.0, 99.0, 97.0, 98.0), (105.0,) * 4, (105.0,) * 4, leave=3, fee=10.0, all=1),
    case("short, both touched", CALM, (100.0, 107.0, 93.0, 101.0), side=-1, stop=0.05, take=0.05),
]


def ours(body: dict[str, Any]) -> float:
    """Final equity of one case."""
    prices = np.ones((1, len(body["bars"]), 5))
    prices[0, :, :4] = body["bars"]
    weights = np.zeros((1, len(body["bars"])))
    last = len(body["bars"]) if body["leave"] is None else body["leave"]
    share = 1.0 if body["units"] is ALL else UNITS * prices[0, body["enter"], 3] / START
    weights[0, body["enter"] : last] = body["side"] * share
    costs = CostsConfig(commission_bps=body["fee_bps"], half_spread_bps=0.0)
    options = Options(start=START, stop_loss=body["stop"], take_profit=body["take"])
    every = np.ones(weights.shape[1], bool)
    return float(simulate(prices, np.ones(weights.shape, bool), weights, every, costs, options=options).equity[-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.json"
        path.write_text(json.dumps(CASES), encoding="utf-8")
        columns: dict[str, dict[str, float]] = {"edgeproof": {body["name"]: ours(body) for body in CASES}}
        for name in ("vectorbt", "backtesting"):
            with Peer(name, "engines", path) as peer:
                columns[name] = peer.first
    print(f"| {'case':<34} | {' | '.join(f'{name:>11}' for name in columns)} |")
    for body in CASES:
        figures = (column[body["name"]] for column in columns.values())
        print(f"| {body['name']:<34} | {' | '.join(f'{figure:>11.3f}' for figure in figures)} |")


if __name__ == "__main__":
    main()
