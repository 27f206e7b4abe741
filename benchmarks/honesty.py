"""Is the verdict honest? The whole pipeline, search counted, on markets without an edge and with a planted one.

Run: make bench NAME=honesty        (ARGS="--markets 20" for a part; about 3 s a market and process)

Three groups of the same size, code, thresholds and number of counted trials:
  noise       nothing can be predicted, trading costs 5 bps a side
  noise_free  the same without costs, and with the median threshold, so that it must trade: here the size is tested
  planted     a linear signal; its true net Sharpe is that of the model and threshold that the run kept, on a fresh
              market of the same law, by the stated means of the bars (the return's noise integrated out)

Targets: `edge` on at most 5% + 2 standard errors of each noise group; on at least 80% - 2 standard errors of the
planted markets whose true net Sharpe is at or above the detection limit that was printed before the seal was opened.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("EDGEPROOF_THREADS", "1")  # one process a core

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np

SYMBOLS, BARS, FRESH = 8, 12_000, 20_000
FREE = ["costs.commission_bps=0", "costs.half_spread_bps=0", "keep=median"]


def judge_one(group: str, number: int, strength: float) -> dict[str, Any]:
    """One market from its bars to its verdict."""
    import edgeproof as ep
    from edgeproof.core.progress import silent
    from edgeproof.recipe.config import load_run_config
    from edgeproof.recipe.run import run
    from edgeproof.recipe.templates import template_body

    kind = "linear" if group == "planted" else "noise"
    seed = {"noise": 10_000, "noise_free": 20_000, "planted": 30_000}[group] + number
    overrides = FREE if group == "noise_free" else []
    config = load_run_config(template_body("logistic_baseline"), overrides)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        market = ep.make_market(kind, folder / "market", symbols=SYMBOLS, bars=BARS, seed=seed, strength=strength)
        place = folder / "run"  # baselines and the oracle never decide: `beside` is off
        done = run(config, market, out=place, workspace=folder, open_sealed=True, beside=False, write=silent)
        true = true_sharpe(config, done.folder / "bundle", folder / "fresh", seed, strength) if strength else None
        body = done.verdict
    return {
        "group": group,
        "seed": seed,
        "verdict": body["verdict"],
        "p": body["net"]["p_value"],
        "sharpe": body["net"]["sharpe"],
        "trials": body["trials"],
        "limit": body["detection_limit"],
        "true_sharpe": true,
        "failed": [guard["name"] for guard in body["reasons"] if guard["passed"] is False],
    }


def true_sharpe(config: Any, bundle_path: Path, place: Path, seed: int, strength: float) -> float:
    """Net annual Sharpe of a bundle under the law that its market was made by."""
    import edgeproof as ep
    from edgeproof.features.scale import Preprocessor, apply
    from edgeproof.ledger.span import Span
    from edgeproof.recipe.prepare import prepare
    from edgeproof.recipe.trade import trade
    from edgeproof.samples.dataset import ready_index
    from edgeproof.train.bundle import read_bundle
    from edgeproof.train.forecast import predict

    market = ep.make_market("linear", place, symbols=SYMBOLS, bars=FRESH, seed=seed + 1_000_000, strength=strength)
    prepared = prepare(config, market, Span("fresh", market.end_ns, market.end_ns))
    bundle, stated, year = read_bundle(bundle_path), prepared.stated, market.bars_per_year
    assert stated is not None
    x = apply(Preprocessor.from_arrays(bundle.preprocessor), prepared.table.x)
    index = ready_index(prepared.table.ready, prepared.decide, bundle.window)
    forecast = predict(bundle.model, x, index, window=bundle.window, sha=bundle.sha)
    theta, bars = bundle.thresholds["theta"], slice(400, FRESH)
    track = trade(config, prepared, forecast, theta=theta, bars=bars, bars_per_year=year, beside=False).track
    mean = stated.mean[:, 399:-1].T  # decided at the close of t, held over the bar that begins at the open of t + 1
    earned = (track.weights * mean).sum(axis=1) - track.costs / track.equity[:-1]
    return float(earned.mean() / track.net_return.std() * np.sqrt(year))


def share(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Share of `edge` among rows, with its Monte Carlo standard error."""
    edges = sum(row["verdict"] == "edge" for row in rows)
    rate = edges / max(len(rows), 1)
    return {"markets": len(rows), "edges": edges, "rate": rate, "error": (rate * (1 - rate) / max(len(rows), 1)) ** 0.5}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--markets", type=int, default=200)
    parser.add_argument("--strength", type=float, default=0.075)
    parser.add_argument("--groups", default="noise,noise_free,planted")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    began = time.perf_counter()
    jobs = [
        (group, number, options.strength if group == "planted" else 0.0)
        for group in options.groups.split(",")
        for number in range(options.markets)
    ]
    rows = []
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        for row in pool.map(judge_one, *zip(*jobs, strict=True)):
            rows.append(row)
            print(json.dumps(row), flush=True)
    result: dict[str, Any] = {"name": "honesty", "strength": options.strength, "bars": BARS, "symbols": SYMBOLS}
    for group in options.groups.split(","):
        chosen = [row for row in rows if row["group"] == group]
        result[group] = share(chosen) | {"least_trials": min(row["trials"] for row in chosen)}
        if group == "planted":
            reached = [row for row in chosen if row["true_sharpe"] >= row["limit"]]
            result["qualified"] = share(reached)
            result["true_sharpe_median"] = float(np.median([row["true_sharpe"] for row in chosen]))
    result |= {"limit": rows[0]["limit"], "seconds": round(time.perf_counter() - began), "machine": platform.machine()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
