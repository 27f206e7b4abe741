"""Capture on known truth: how much of what could be known each template learns with the settings that it ships with.

Run: make bench NAME=capture ARGS="--out FOLDER --rows logistic mlp"      (rows: any words that a row's line contains)
     make bench NAME=capture ARGS="--out FOLDER --one linear 0.15 8 20000 logistic 1 train.lr=1e-3"
A row that stands in FOLDER/rows.jsonl is not computed again; --table prints what stands there.

capture = (soft AUC of the model - 0.5) / (soft AUC of the true probabilities - 0.5), on the validation samples of the
hold-out split, the last 20% sealed and closed; the row's seed is that of the market and of the training.
"""

# S symbols, T bars

import argparse
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeproof.core.device import prepare_environment

prepare_environment()

import torch

from edgeproof.core.device import set_threads
from edgeproof.core.progress import silent
from edgeproof.data.store import Market, open_market
from edgeproof.data.synthetic import make_market
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.truth.figures import oracle_figures

__all__ = ["FLOORS", "Row", "measure", "plan"]

SEEDS = (1, 2, 3)
# stopped by AUC: focal forecasts are not calibrated, and log loss would stop them at their first epoch
FOCAL = ("loss=focal", "train.loss_metric=auc")
FP32 = ("train.precision=fp32",)  # beside the default, which is bf16 where the processor has it


@dataclass(frozen=True)
class Row:
    """One training: kind and strength of the market, its size, a template with overrides, a seed for both."""

    kind: str
    strength: float
    symbols: int
    bars: int
    template: str
    seed: int
    overrides: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """What seeds are compared within."""
        market = f"{self.kind} {self.strength:.2f}, {self.symbols} x {self.bars:,}"
        return " ".join([market, "|", self.template, *self.overrides])

    @property
    def line(self) -> str:
        """The row in words, unique."""
        return f"{self.group} | seed {self.seed}"


# what every one of three seeds has to reach with the defaults (below 0: at most that)
FLOORS: dict[tuple[str, float, int, str], float] = {
    ("linear", 0.15, 8, "logistic"): 0.88,
    ("nonlinear", 0.17, 8, "mlp"): 0.87,
    ("temporal", 0.20, 8, "mlp"): 0.88,
    ("nonlinear", 0.17, 8, "logistic"): -0.50,
    ("temporal", 0.20, 8, "logistic"): -0.50,
    ("temporal", 0.20, 8, "gru"): 0.80,
    ("linear", 0.15, 32, "logistic"): 0.93,
    ("linear", 0.20, 32, "logistic"): 0.95,
    ("nonlinear", 0.17, 32, "mlp"): 0.93,
    ("temporal", 0.20, 32, "mlp"): 0.93,
}


def plan() -> list[Row]:
    """Every row of the table, cheap ones first."""
    rows = [Row(kind, kappa, S, 20_000, name, seed) for (kind, kappa, S, name) in FLOORS for seed in SEEDS]
    rows += [Row("linear", 0.15, 8, 20_000, "logistic", seed, FOCAL) for seed in SEEDS]
    rows += [Row(*market, 8, 20_000, "mlp", seed, more) for market in _TWO for more in (FOCAL, FP32) for seed in SEEDS]
    rows += [Row("temporal", 0.20, 8, 20_000, "gru", seed, more) for more in (FP32, FOCAL) for seed in SEEDS]
    rows += [Row("temporal", 0.20, 8, 20_000, name, 1) for name in ("lstm", "cnn_lstm")]
    return rows


_TWO = (("nonlinear", 0.17), ("temporal", 0.20))


def market_of(row: Row, folder: Path) -> Market:
    """The row's market, made on first use."""
    place = folder / f"{row.kind}-{row.strength:g}-{row.symbols}x{row.bars}-{row.seed}"
    if place.exists():
        return open_market(place)
    return make_market(row.kind, place, symbols=row.symbols, bars=row.bars, seed=row.seed, strength=row.strength)


def measure(row: Row, folder: Path) -> dict[str, Any]:
    """Train the row's template as a run would, and set its forecasts of validation beside the truth.

    Args:
        row: what is trained, on what.
        folder: a workspace; the market and its feature table are kept there, the checkpoints are not.
    """
    config = load_run_config(template_body(f"{row.template}_baseline"), [*row.overrides, f"seed={row.seed}"])
    market, ledger = market_of(row, folder / "markets"), Ledger(folder)
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span, cache=folder / "cache")
    (fold,) = proven_folds(config, prepared)
    checkpoints = folder / "checkpoints" / row.line.replace(" ", "_").replace("|", "").replace(",", "")
    wall, cpu = time.perf_counter(), time.process_time()
    learned = learn(config, prepared, ledger, fold, market=span.market, folder=checkpoints, write=silent)
    seconds = {"cpu_seconds": round(time.process_time() - cpu, 1), "seconds": round(time.perf_counter() - wall, 1)}
    shutil.rmtree(checkpoints)
    assert prepared.stated is not None
    assert prepared.stated.known.reshape(-1)[fold.validation].all()
    truth = prepared.stated.p_up.reshape(-1)[fold.validation]
    found = oracle_figures(truth, learned.forecast.probability.reshape(-1)[fold.validation])
    history = learned.trained.history
    return {
        **asdict(row),
        "capture": found.auc_share,
        "oracle_auc": found.auc,
        "epochs": len(history),
        "best_epoch": learned.trained.best_epoch,
        "log_loss": [round(entry["log_loss"], 5) for entry in history],
        "train_loss": [round(entry["train_loss"], 5) for entry in history],
        "samples": len(fold.train),
        **seconds,
    }


def table(found: Iterable[dict[str, Any]]) -> str:
    """A line a group: capture of every seed, the floor that holds for it, CPU seconds of the slowest."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in found:
        groups[_row(entry).group].append(entry)
    lines = [
        "| market | model | capture by seed | least | asked | best epochs | CPU s |",
        "|---|---|---|---|---|---|---|",
    ]
    for group, entries in groups.items():
        market, model = group.split(" | ")
        captures = [entry["capture"] for entry in sorted(entries, key=lambda entry: entry["seed"])]
        row = _row(entries[0])
        floor = None if row.overrides else FLOORS.get((row.kind, row.strength, row.symbols, row.template))
        asked = "" if floor is None else f"{floor:.2f}" if floor > 0 else f"under {-floor:.2f}"
        shown = " ".join(f"{capture:.3f}" for capture in captures)
        best = " ".join(str(entry["best_epoch"]) for entry in entries)
        cpu = max(entry["cpu_seconds"] for entry in entries)
        lines.append(f"| {market} | {model} | {shown} | {min(captures):.3f} | {asked} | {best} | {cpu:.0f} |")
    return "\n".join(lines)


def _row(entry: dict[str, Any]) -> Row:
    body = {name: entry[name] for name in ("kind", "strength", "symbols", "bars", "template", "seed")}
    return Row(**body, overrides=tuple(entry["overrides"]))


def _asked(options: argparse.Namespace) -> list[Row]:
    if options.one:
        kind, strength, symbols, bars, template, seeds, *overrides = options.one
        return [
            Row(kind, float(strength), int(symbols), int(bars), template, int(seed), tuple(overrides))
            for seed in seeds.split(",")
        ]
    return [row for row in plan() if not options.rows or all(word in row.line for word in options.rows)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/capture"))
    parser.add_argument("--rows", nargs="*", default=[], help="words that a row's line contains, all of them")
    parser.add_argument(
        "--one", nargs="*", default=[], help="KIND STRENGTH SYMBOLS BARS TEMPLATE SEED[,SEED] OVERRIDE..."
    )
    parser.add_argument("--table", action="store_true", help="print what stands there")
    options = parser.parse_args()
    set_threads()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "rows.jsonl"
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    for row in [] if options.table else _asked(options):
        if row in map(_row, found):
            continue
        entry = measure(row, options.out) | {"threads": torch.get_num_threads()}
        found.append(entry)
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
