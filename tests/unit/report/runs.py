"""Finished runs made by hand for the report's tests: plain data in the shape of a run's folder."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.report.run import RunData

START = datetime(2021, 1, 1, tzinfo=UTC)
MOMENT = pl.Datetime("ns", "UTC")
CLOSED = "Known once the seal is opened."
REGIMES = ("bull_calm", "bull_wild", "bear_calm", "bear_wild")
COSTS = ("commission", "spread", "slippage", "impact", "borrow", "funding")


def moments(first: int, count: int) -> pl.Series:
    hours = np.arange(first, first + count, dtype=np.int64) * 3_600_000_000_000 + int(START.timestamp()) * 10**9
    return pl.Series("close_time", hours).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")


def track_of(gross: np.ndarray, cost: np.ndarray, *, first: int, span: str) -> pl.DataFrame:
    """A track that starts with 1 and pays its costs as commission (three quarters) and spread."""
    net = gross - cost
    equity = 1 + np.cumsum(net)
    before = np.r_[1.0, equity[:-1]]
    money = dict.fromkeys(COSTS, np.zeros_like(gross)) | {"commission": 0.75 * cost, "spread": 0.25 * cost}
    columns = {
        "span": np.full(len(gross), span),
        "gross": gross,
        **money,
        "net": net,
        "equity": equity,
        "net_return": net / before,
        "gross_return": gross / before,
        "hold_return": np.full(len(gross), 1e-5),
        "exposure": (cost > 0) * 0.5,
        "traded": (cost > 0) * 0.1,
        "regime": [REGIMES[bar // 200 % 4] if bar % 2000 > 20 else None for bar in range(len(gross))],
    }
    return pl.DataFrame([moments(first, len(gross)), *(pl.Series(name, value) for name, value in columns.items())])


def track(bars: int, *, opened: bool, drift: float, seed: int = 1) -> pl.DataFrame:
    draw = Rng(seed).child("track").numpy()
    parts = []
    for number, span in enumerate(("validation", "sealed") if opened else ("validation",)):
        held = draw.random(bars) < 0.7
        gross = held * (drift + 0.002 * draw.standard_normal(bars))
        parts.append(track_of(gross, held * 2e-4, first=(3 + number) * bars, span=span))
    return pl.concat(parts)


def predictions(bars: int, symbols: int, *, opened: bool, seed: int = 1) -> pl.DataFrame:
    draw = Rng(seed).child("predictions").numpy()
    parts = []
    for number, span in enumerate(("validation", "sealed") if opened else ("validation",)):
        for symbol in range(symbols):
            p = 0.5 + 0.04 * draw.standard_normal(bars)
            columns = {
                "symbol": [f"SYN{symbol}"] * bars,
                "probability": p,
                "label": (draw.random(bars) < p).astype(np.int8),
                "span": [span] * bars,
            }
            parts.append(
                pl.DataFrame([moments((3 + number) * bars, bars), *(pl.Series(k, v) for k, v in columns.items())])
            )
    return pl.concat(parts)


def trades(count: int, *, opened: bool, seed: int = 1) -> pl.DataFrame:
    """Round trips of two spans, results in shares of an equity of 1."""
    draw = Rng(seed).child("trades").numpy()
    parts = []
    for span in ("validation", "sealed") if opened else ("validation",):
        held = draw.integers(1, 60, count)
        gross = 0.004 * draw.standard_normal(count)
        columns = {
            "span": [span] * count,
            "symbol": [f"SYN{number % 3}" for number in range(count)],
            "side": ["long" if number % 2 else "short" for number in range(count)],
            "entry_time": moments(0, count),
            "exit_time": moments(5, count),
            "reason": [("signal", "stop", "target", "time")[number % 4] for number in range(count)],
            "bars": held,
            "gross": gross,
            "cost": np.full(count, 1e-4),
            "net": gross - 1e-4,
            "equity": np.ones(count),
        }
        parts.append(pl.DataFrame(columns))
    return pl.concat(parts)


def ablations(sharpe: float) -> dict[str, Any]:
    names = ("one_bar_late", "costs_twice", "same_close", "without_five_best")
    body = {"sharpe": sharpe / 2, "total_return": 0.1, "max_drawdown": 0.05, "stamps": []}
    return {name: body | ({"stamps": ["fill_at_close"]} if name == "same_close" else {}) for name in names}


def history(epochs: int = 15) -> pl.DataFrame:
    epoch = np.arange(1, epochs + 1)
    loss = 0.6931 - 0.01 * (1 - np.exp(-epoch / 3))
    columns = {
        "epoch": epoch,
        "train_loss": loss - 0.001,
        "log_loss": loss,
        "accuracy": 0.5 + 0.03 * (1 - np.exp(-epoch / 3)),
        "precision": np.full(epochs, 0.52),
        "recall": np.full(epochs, 0.51),
        "f1_plus": np.full(epochs, 0.667),
        "f1_threshold": np.full(epochs, 0.44),
        "auc": 0.545 - 0.02 * np.exp(-epoch / 2),
        "pr_auc": np.full(epochs, 0.54),
        "brier": np.full(epochs, 0.247),
        "lr": 3e-3 * (1 + np.cos(np.pi * epoch / epochs)) / 2,
        "grad_norm": 0.1 + 0.3 * np.exp(-epoch / 4),
        "seconds": np.full(epochs, 0.6),
        "best": epoch == epochs,
    }
    return pl.DataFrame(columns)


def figures(*, sharpe: float | None, total: float, p: float | None) -> dict[str, Any]:
    low, high = (None, None) if sharpe is None else (sharpe - 2.1, sharpe + 2.1)
    known = {"total_return": total, "sharpe": sharpe, "sharpe_low": low, "sharpe_high": high, "psr": 0.999, "dsr": 0.99}
    return known | {
        "p_value": p,
        "max_drawdown": 0.034,
        "turnover": 812.4,
        "exposure": 0.46,
        "cost_share": None,
        "break_even_bps": 9.1,
    }


def reasons(*, p: float | None, passed: bool | None) -> list[dict[str, Any]]:
    rows = [
        ("p_net", p, 0.04, passed, CLOSED if passed is None else "p of the net return"),
        ("p_timing", p, 0.04, passed, CLOSED if passed is None else "p of timing"),
        ("units", 166, 30, True, "166 units of one day"),
        ("blocks", 14, 10, True, "14 of 14 blocks were traded"),
        ("p_max", 0.02, 0.5, True, "bootstrap of the best of 20 trials"),
        ("p_loss", 0.01, 0.5, True, "loses out of sample"),
        ("regimes", *((None, None, None, CLOSED) if p is None else (0.31, 0.0125, True, "No regime loses."))),
        ("candidate", None, None, True, "in the ledger before the opening"),
        ("findings", 0, 0, True, "no open finding of level error"),
        ("survivorship", None, None, True, "universe fixed by its user"),
    ]
    return [dict(zip(("name", "value", "threshold", "passed", "text"), row, strict=True)) for row in rows]


def regimes(*, edge: bool) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(REGIMES):
        net = {"total_return": 0.12 - 0.05 * number * (not edge), "sharpe": 5.0 - number}
        net |= {"sharpe_low": None, "sharpe_high": None} if number == 3 else {"sharpe_low": 1.0, "sharpe_high": 9.0}
        told = {"t": 2.1 - number, "p_loss": 0.97 - 0.2 * number} if number else {"t": None, "p_loss": None}
        rows.append({"name": name, "bars": 1000, "share": 0.25, "net": net, "forecast": {"auc": 0.54}} | told)
    return rows


def verdict(answer: str, *, opened: bool, bars: int = 4000) -> dict[str, Any]:
    edge = answer == "edge"
    p = (0.0004 if edge else 0.41) if opened else None
    scores = {"auc": 0.5449, "log_loss": 0.6815, "f1_plus": 0.668, "always_positive_f1": 0.667, "count": 8 * bars}
    sharpe = 6.9 if edge else -1.4
    return {
        "verdict": answer,
        "reasons": reasons(p=p, passed=edge if opened else None),
        "trials": 20,
        "openings": int(opened),
        "detection_limit": 4.44,
        "validation": scores,
        "sealed": scores | {"auc": 0.5421} if opened else None,
        "span": "sealed" if opened else "validation",
        "net": figures(sharpe=sharpe, total=0.62 if edge else -0.021, p=p),
        "gross": figures(sharpe=sharpe + 2, total=1.08 if edge else 0.004, p=None),
        "regimes": regimes(edge=edge),
        "regime_rule": "Bear: the market stands no higher than 30 days ago, else bull. Wild: more volatile than usual.",
        "oracle": {"auc": 0.5538, "model_auc": 0.5421, "auc_share": 0.782} if edge else None,
        "market": {
            "hash": "9f3c2a71d0e4b855",
            "symbols": 8,
            "bars": 40 * bars,
            "start": START.isoformat(),
            "end": (START + timedelta(hours=5 * bars)).isoformat(),
        },
        "costs": {"preset": None, "commission_bps": 4.0, "half_spread_bps": 1.0, "impact_bars": 24},
        "ablations": ablations(sharpe),
        "seconds": {"panel": 1.2, "training": 9.8},
    }


FINDINGS = [
    Finding(
        "quality.gaps", "warning", "14 bars are missing", {"missing": 14, "first": ["2021-03-02"]}, "SYN3", "Look."
    ),
    Finding("leakage.causal", "info", "all 23 features read the past only", {"cuts": 40}),
]


def run(answer: str = "edge", *, opened: bool = True, bars: int = 4000, title: str = "A run") -> RunData:
    drift = 4e-4 if answer == "edge" else 0.0
    growth = [0.3 - 0.01 * (k - 6) ** 2 for k in range(20)]
    return RunData(
        verdict=verdict(answer, opened=opened, bars=bars),
        history=history(),
        predictions=predictions(bars, 2, opened=opened),
        track=track(bars, opened=opened, drift=drift),
        trades=trades(300, opened=opened),
        findings=FINDINGS,
        config_yaml="market: m\ntrain:\n  epochs: 15\n",
        title=title,
        thresholds=[{"theta": 0.5 + 0.005 * k, "net_growth": growth[k], "chosen": k == 6} for k in range(20)],
    )
