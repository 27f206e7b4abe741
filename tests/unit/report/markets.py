"""A market's survey made by hand for the report's tests: plain data in the shape of `recipe.survey`."""

from typing import Any

import numpy as np

from edgeproof.core.rng import Rng

from .runs import FINDINGS, START

HOUR_MS = 3_600_000


def _symbol(number: int) -> dict[str, Any]:
    body = {"symbol": f"COIN{number}/USDT", "bars": 9000 - 400 * number, "first": "2021-01-01 00:00"}
    body |= {"last": "2022-01-12 00:00", "missing": 0.001 * number, "no_volume": 0.0, "unchanged": 0.01, "change": 0.4}
    return body | {"volatility": 0.8, "worst": -0.12, "best": 0.15, "skew": 0.1, "kurtosis": 9.3, "lag_one": -0.03}


def _around(check: str, note: str) -> dict[str, Any]:
    rows = [[100.0 + n, 102.0 + n, 99.0 + n, 101.0 + n, 5.0] for n in range(20)]
    head = {"check": check, "level": "warning", "also_in": 1, "symbol": "COIN7/USDT", "time": "2021-06-16 15:00"}
    return head | {"from": "2021-06-16 05:00", "to": "2021-06-17 01:00", "bars": rows, "note": note, "used": True}


def _spike() -> dict[str, Any]:
    body = _around("spikes", "open 110, high 160, low 109, close 111; last close 110")
    body["bars"][10][1] = 160.0
    return body | {"marked": [10]}


def _gap() -> dict[str, Any]:
    return _around("gaps", "300 bars missing; last close 111, next open 112") | {
        "marked": [],
        "gap_after": 9,
        "gap_bars": 300,
    }


def survey(symbols: int = 8) -> dict[str, Any]:
    draw = Rng(2).child("survey").numpy()
    begin = int(START.timestamp()) * 1000
    rows = [_symbol(number) for number in range(symbols)]
    hole = [[begin, begin + 4000 * HOUR_MS], [begin + 4300 * HOUR_MS, begin + 9000 * HOUR_MS]]
    level = np.exp(np.cumsum(0.02 * draw.standard_normal(900)))
    names = [row["symbol"] for row in rows]
    origin = {
        "hash": "9f3c2a71d0e4b855",
        "kind": "bars",
        "universe": "fixed",
        "symbols": names,
        "bars": 11_000 * symbols,
    }
    return {
        "market": origin
        | {"start": "2021-01-01 00:00", "end": "2022-04-05 00:00", "interval": "1h"}
        | {"calendar": "continuous", "source": "made"},
        "open": {
            "start": "2021-01-01 00:00",
            "end": "2022-01-12 00:00",
            "slots": 9000,
            "bars": 8800 * symbols,
            "share": 0.8,
        },
        "symbols": rows,
        "coverage": dict.fromkeys(names, hole),
        "index": {"time_ms": [begin + 10 * k * HOUR_MS for k in range(900)], "level": level.tolist()},
        "histogram": {
            "edges_bps": np.linspace(-300, 300, 41).tolist(),
            "counts": (1 + 5000 * np.exp(-(np.linspace(-3, 3, 40) ** 2))).astype(int).tolist(),
            "returns": 70_000,
            "unchanged": 0.01,
            "deviation_bps": 74.0,
            "median_bps": 0.1,
        },
        "by_hour": [50.0 + hour for hour in range(24)],
        "counts": {"info": 1, "warning": 1, "error": 0},
        "findings": [finding.to_json() for finding in FINDINGS],
        "calendar": {"unit": "day", "first": "2021-01-01", "expected": [192] * 376, "missing": [0] * 300 + [6] * 76},
        "gaps": [{"symbol": "COIN7/USDT", "after": "2021-06-16 15:00", "bars": 300, "also_in": 0}],
        "defects": [_spike(), _gap()],
    }
