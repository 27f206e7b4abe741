"""Six models on real input: 24 crypto pairs and their delisted companions, three walk-forward folds, the seal closed.

Run: make bench NAME=real_models ARGS="--out FOLDER"        (needs ../shared/data; skips where it is not there)
Templates as they ship (gbm: the logistic one with model=gbm) but for decisions every six hours on the next six and the
epochs of `MODELS`. One workspace, so that every training and threshold counts in every verdict. A row of
FOLDER/rows.jsonl is not computed again; it prints the figures as they come out, whatever they say.
"""

# S symbols, T bars

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.device import prepare_environment

prepare_environment()

from edgeproof.core.progress import silent
from edgeproof.core.rng import Rng
from edgeproof.data.intake import import_market
from edgeproof.data.store import Market, open_market
from edgeproof.evaluate.figures import forecast_figures
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.judging import trailing_volatility
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("crypto_spot_1h_core24.parquet", "crypto_spot_1h_delisted_events.parquet")
SEEDS = (1, 2)
COMMON = (
    "decide_every=6",
    "label.horizon_bars=6",
    # of 26 open months: the first year, then three times four months that no model of theirs has seen
    "split={name: walk_forward, window: expanding, train: 12mo, validation: 2mo, test: 4mo, step: 4mo}",
)
MODELS: dict[str, tuple[str, tuple[str, ...]]] = {
    "logistic": ("logistic_baseline", ("train.epochs=8",)),
    "gbm": ("logistic_baseline", ("model=gbm", "train.epochs=8")),
    "mlp": ("mlp_baseline", ()),
    "gru": ("gru_baseline", ("train.epochs=4",)),
    "cnn_lstm": ("cnn_lstm_baseline", ("train.epochs=3",)),
    "lstm": ("lstm_baseline", ("train.epochs=2",)),
}


def market_in(out: Path) -> Market:
    """The imported market; sources are linked, not copied."""
    place, source = out / "markets" / "real", out / "source"
    if not place.exists():
        source.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if not (source / name).exists():
                (source / name).symlink_to(SHARED / name)
        import_market(source, place, universe="survivors", drop_last=True)
    return open_market(place)


def row_of(name: str, seed: int, market: Market, out: Path, *, more: Sequence[str] = ()) -> dict[str, Any]:
    """Run a model and put its out-of-sample figures in a row."""
    template, overrides = MODELS[name]
    began = time.process_time()
    place = out / "runs" / f"{name}-{seed}"
    body = run(
        template_body(template),
        market,
        out=place,
        workspace=out,
        overrides=[*COMMON, *overrides, *more, f"seed={seed}"],
    ).verdict
    (path,) = body["paths"]["paths"]
    scored = out_of_sample(RunFolder(place), market, Ledger(out))
    return {
        "model": name,
        "seed": seed,
        **scored,
        **{key: path[key] for key in ("sharpe", "sharpe_low", "sharpe_high", "gross_sharpe", "total_return", "trades")},
        "turnover": path["turnover"],
        "paid": path["turnover"] * path["bars"] / market.bars_per_year * 5e-4,  # at 4 + 1 bps a side
        "bars": path["bars"],
        "verdict": body["verdict"],
        "trials": body["trials"],
        "folds": [
            {key: fold.get(key) for key in ("best_epoch", "auc", "sharpe", "theta")} for fold in body["paths"]["folds"]
        ],
        "failed": [reason["text"] for reason in body["reasons"] if reason["passed"] is False],
        "cpu_seconds": round(time.process_time() - began, 1),
    }


def out_of_sample(folder: RunFolder, market: Market, ledger: Ledger) -> dict[str, Any]:
    """Forecasts of every fold's test block, each by that fold's model, scored together; nothing is trained again."""
    config: RunConfig = folder.config()
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span, cache=ledger.folder / "cache")
    y, folds = prepared.labels.y, proven_folds(config, prepared)
    p, prior = np.zeros(y.shape), np.zeros(y.shape)
    scored = np.zeros(y.shape, dtype=bool)
    for fold in folds:
        place = folder.checkpoints / f"fold-{fold.number:02d}"
        made = learn(config, prepared, ledger, fold, market=span.market, folder=place, write=silent).forecast
        p.reshape(-1)[fold.test] = made.probability.reshape(-1)[fold.test]
        prior.reshape(-1)[fold.test] = y.reshape(-1)[fold.train].mean()
        scored.reshape(-1)[fold.test] = True
    rng, volatility = Rng(0).child("intervals"), trailing_volatility(prepared, scored)
    found = forecast_figures(p, y, scored, rng.numpy(), block_bars=24, volatility=volatility)
    level = forecast_figures(prior, y, scored, rng.numpy(), block_bars=24)
    keys = (
        "auc",
        "auc_low",
        "auc_high",
        "volatility_auc",
        "auc_within_volatility",
        "log_loss",
        "log_loss_low",
        "log_loss_high",
    )
    return {key: found[key] for key in keys} | {"prior_log_loss": level["log_loss"], "samples": int(scored.sum())}


def table(rows: Sequence[dict[str, Any]]) -> str:
    """A line a run."""
    lines = [
        "| model, seed | AUC (95%) | volatility | log loss (95%) | prior | net Sharpe (95%) | trades | paid | said |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        sharpe = f"{_number(row['sharpe'])} ({_number(row['sharpe_low'])} to {_number(row['sharpe_high'])})"
        lines.append(
            f"| {row['model']}, {row['seed']} | {row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f}) "
            f"| {row['volatility_auc']:.3f} | {row['log_loss']:.4f} ({row['log_loss_low']:.4f} to "
            f"{row['log_loss_high']:.4f}) | {row['prior_log_loss']:.4f} | {sharpe} | {row['trades']:.0f} "
            f"| {100 * row['paid']:.1f}% | {row['verdict']} |"
        )
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "none" if value is None or not math.isfinite(value) else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/real_models"))
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--table", action="store_true", help="print what stands there")
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"skipped: no real market data at {SHARED}")
        return
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "rows.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    for name, seed in [] if options.table else [(name, seed) for name in options.models for seed in SEEDS]:
        if (name, seed) in [(row["model"], row["seed"]) for row in rows]:
            continue
        row = row_of(name, seed, market_in(options.out), options.out, more=options.overrides if name != "gbm" else ())
        rows.append(row)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)
    print(table(rows))


if __name__ == "__main__":
    main()
