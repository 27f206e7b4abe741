"""What squeezing more out of a model gives on known truth, and what it costs: techniques beside the plain training.

Run: make bench NAME=combine ARGS="--out FOLDER"        (--rows mlp swa: words of a row's line; --table prints)
A row that stands in FOLDER/rows.jsonl is not computed again.

Of three markets, one a seed: capture = (soft AUC of the model - 0.5) / (that of the true probabilities - 0.5), and
information = (L(base rate) - L(model)) / (L(base rate) - L(truth)), L the mean of -p log q - (1 - p) log(1 - q) over
the true probabilities p of the validation samples. The difference of information to the plain training is paired bar
by bar; its interval is a stationary bootstrap over the bars of all three markets. It knows nothing of the training's
own luck, which the differences of the three seeds show.
"""

# S symbols, T bars, N samples

import argparse
import json
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.device import prepare_environment

prepare_environment()

from edgeproof.core.device import set_threads
from edgeproof.core.progress import silent
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market, open_market
from edgeproof.data.synthetic import make_market
from edgeproof.evaluate.difference import paired_difference
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.truth.figures import oracle_figures

__all__ = ["TECHNIQUES", "Row", "measure", "plan", "table"]

SEEDS = (1, 2, 3)
MARKETS = {"mlp": ("nonlinear", 0.17), "logistic": ("linear", 0.15)}
PLAIN = "plain"
TECHNIQUES: dict[str, tuple[str, ...]] = {
    PLAIN: (),
    "three times the epochs": ("train.epochs={three}",),
    "multi_start of 3": ("combine=multi_start",),
    "ensemble of 3, mean": ("combine=ensemble",),
    "ensemble of 3, weighted": ("combine=ensemble", "combine.rule=weighted"),
    "ensemble of 3, vote": ("combine=ensemble", "combine.rule=vote"),
    "distilled": ("combine=distilled",),
    "continued": ("combine=continued",),
    "train.average=swa": ("train.average=swa",),
    "train.average=ema": ("train.average=ema",),
    "augment price_jitter": ("augment.kinds=[price_jitter]", "augment.copies=2"),
    "augment volume": ("augment.kinds=[volume]", "augment.copies=2"),
    "augment time_shift": ("augment.kinds=[time_shift]", "augment.copies=2"),
    "augment regime_mixing": ("augment.kinds=[regime_mixing]", "augment.copies=2"),
    "at the forecast: 4 jittered copies": ("augment.kinds=[price_jitter]", "augment.at_forecast=4"),
}
LOSSES = ("model", "truth", "base")
ENOUGH = 0.01  # of the information: a technique whose interval ends below it does not help
SHARED = ("combine=ensemble", "combine=multi_start")  # the same starts: trained once


@dataclass(frozen=True)
class Row:
    """One technique on one market: the seed is that of the market and of the training."""

    model: str
    technique: str
    seed: int
    symbols: int
    bars: int

    @property
    def line(self) -> str:
        """The row in words, unique."""
        return f"{self.model} {self.symbols}x{self.bars} | {self.technique} | seed {self.seed}"


def plan(symbols: int, bars: int) -> list[Row]:
    """Every row of the table, cheap ones first; augmentations of mlp have a study of their own (augment.py)."""
    return [
        Row(model, technique, seed, symbols, bars)
        for model in ("logistic", "mlp")
        for seed in SEEDS
        for technique, overrides in TECHNIQUES.items()
        if model == "logistic" or not any(word.startswith("augment.") for word in overrides)
    ]


def market_of(row: Row, folder: Path) -> Market:
    """The row's market, made on first use."""
    kind, strength = MARKETS[row.model]
    place = folder / f"{kind}-{strength:g}-{row.symbols}x{row.bars}-{row.seed}"
    if place.exists():
        return open_market(place)
    return make_market(kind, place, symbols=row.symbols, bars=row.bars, seed=row.seed, strength=strength)


def measure(row: Row, folder: Path) -> dict[str, Any]:
    """Train as a run would, and set the forecasts of validation beside the truth; the losses a bar lie in a file.

    Args:
        row: what is trained, on what.
        folder: markets and feature tables are kept there, and the starts that several techniques share.
    """
    body = template_body(f"{row.model}_baseline")
    overrides = [word.format(three=3 * body["train"]["epochs"]) for word in TECHNIQUES[row.technique]]
    config = load_run_config(body, [*overrides, f"seed={row.seed}"])
    name = "".join(letter if letter.isalnum() else "-" for letter in row.line)
    market, ledger = market_of(row, folder / "markets"), Ledger(folder / "ledgers" / name)
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span, cache=folder / "cache")
    (fold,) = proven_folds(config, prepared)
    shared = bool(set(SHARED) & set(overrides))
    place = folder / "checkpoints" / (f"{row.model}-{row.seed}-starts" if shared else name)
    cpu = time.process_time()
    learned = learn(config, prepared, ledger, fold, market=span.market, folder=place, write=silent)
    seconds = time.process_time() - cpu
    if not shared:
        shutil.rmtree(place)
    assert prepared.stated is not None
    p, q = (
        values.reshape(-1)[fold.validation].astype(np.float64)
        for values in (prepared.stated.p_up, learned.forecast.probability)
    )
    base = float(prepared.labels.y.reshape(-1)[fold.train].mean())
    bars = fold.validation % prepared.panel.present.shape[1]
    losses = {"model": _loss(p, q), "truth": _loss(p, p), "base": _loss(p, np.full_like(p, base))}
    np.save(_file(folder, row), np.stack([_by_bar(losses[key], bars) for key in LOSSES]))
    trainings = [entry for entry in ledger.rows() if entry.kind == "training"]
    return {
        **asdict(row),
        "capture": oracle_figures(p, q).auc_share,
        "information": _information(*(values.mean() for values in losses.values())),
        "trainings": max(1, len(trainings) - 1),  # the run's own row stands for what several became
        "epochs": len(learned.trained.history),
        "best_epoch": learned.trained.best_epoch,
        "made_of": learned.combined.facts,
        "cpu_seconds": round(seconds, 1),
    }


def _loss(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return -p * np.log(q) - (1 - p) * np.log1p(-q)


def _by_bar(values: np.ndarray, bars: np.ndarray) -> np.ndarray:
    """Mean over the symbols of each bar, in the order of time."""
    _, place = np.unique(bars, return_inverse=True)
    return np.bincount(place, values) / np.bincount(place)


def _information(model: float, truth: float, base: float) -> float:
    return (base - model) / (base - truth)


def _file(folder: Path, row: Row) -> Path:
    place = folder / "losses"
    place.mkdir(parents=True, exist_ok=True)
    return place / ("".join(letter if letter.isalnum() else "-" for letter in row.line) + ".npy")


def _difference(rows: Sequence[Row], plain: Sequence[Row], folder: Path) -> tuple[float, float, float]:
    """Mean difference of information to the plain training and its 95% interval, over the bars of all markets."""
    better, worse = [], []
    for row, other in zip(rows, plain, strict=True):
        mine, theirs = (dict(zip(LOSSES, np.load(_file(folder, one)), strict=True)) for one in (row, other))
        scale = mine["base"].mean() - mine["truth"].mean()
        better.append(-mine["model"] / scale)
        worse.append(-theirs["model"] / scale)
    made = paired_difference(np.concatenate(better), np.concatenate(worse), Rng(0).child("combine").numpy())
    low, high = (made.mean if end is None else end for end in (made.low, made.high))
    return made.mean, low, high


def table(found: Iterable[dict[str, Any]], folder: Path) -> str:
    """A line a technique, those of one model together."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for entry in found:
        groups[entry["model"], entry["technique"]].append(entry)
    lines = [
        "| model | technique | capture | by seed | information | against plain, 95% | trainings | helps? |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (model, technique), entries in sorted(groups.items(), key=lambda item: _order(*item[0])):
        plain = {entry["seed"]: entry for entry in groups[model, PLAIN]}
        both = sorted((entry for entry in entries if entry["seed"] in plain), key=lambda entry: entry["seed"])
        lines.append(_line(model, technique, both, [plain[entry["seed"]] for entry in both], folder))
    return "\n".join(lines)


def _line(model: str, technique: str, entries: list[dict[str, Any]], plain: list[dict[str, Any]], folder: Path) -> str:
    captures = [entry["capture"] for entry in entries]
    gains = [entry["capture"] - other["capture"] for entry, other in zip(entries, plain, strict=True)]
    information = np.mean([entry["information"] for entry in entries])
    trainings = "-".join(sorted({f"{entry['trainings']}" for entry in entries}))
    start = f"| {model} | {technique} | {np.mean(captures):.3f} |"
    if technique == PLAIN:
        seeds = " ".join(f"{capture:.3f}" for capture in captures)
        return f"{start} {seeds} | {information:.3f} | | {trainings} | |"
    mean, low, high = _difference(_rows(entries), _rows(plain), folder)
    seeds = " ".join(f"{gain:+.3f}" for gain in gains)
    return (
        f"{start} {seeds} | {information:.3f} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) | {trainings} | "
        f"{helps(gains, low, high)} |"
    )


def helps(gains: Sequence[float], low: float, high: float) -> str:
    """`yes`: more information beyond chance, and more capture with every seed; `no`: hardly any, or less.

    Nothing of fewer than all seeds.
    """
    if len(gains) < len(SEEDS):
        return "-"
    if high < ENOUGH:
        return "no"
    return "yes" if low > 0 and min(gains) > 0 else "unclear"


def _order(model: str, technique: str) -> tuple[int, int]:
    return list(MARKETS).index(model), list(TECHNIQUES).index(technique)


def _rows(entries: Iterable[dict[str, Any]]) -> list[Row]:
    return [Row(**{name: entry[name] for name in Row.__dataclass_fields__}) for entry in entries]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/combine"))
    parser.add_argument("--rows", nargs="*", default=[], help="words that a row's line contains, all of them")
    parser.add_argument("--symbols", type=int, default=8)
    parser.add_argument("--bars", type=int, default=20_000)
    parser.add_argument("--table", action="store_true", help="print what stands there")
    options = parser.parse_args()
    set_threads()
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "rows.jsonl"
    found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
    for row in [] if options.table else plan(options.symbols, options.bars):
        if row in _rows(found) or not all(word in row.line for word in options.rows):
            continue
        found.append(measure(row, options.out))
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(found[-1]) + "\n")
        print(row.line, round(found[-1]["capture"], 4), found[-1]["cpu_seconds"], flush=True)
    print(table(found, options.out))


if __name__ == "__main__":
    main()
