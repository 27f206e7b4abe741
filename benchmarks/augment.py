"""Augmentation and test-time augmentation on known truth: what each gives over one plain training, in capture.

Run: make bench NAME=augment ARGS="--out FOLDER"       (what is finished there is not trained again)

The `mlp` template on `nonlinear` markets of strength 0.17 (--market names others), 8 symbols x 20,000 bars, seeds 1 2 3
(of market and training), validation span of the hold-out, seal closed. capture = (soft AUC - 0.5) / (soft AUC of the
truth - 0.5). Differences are paired: same market, same training seed, same samples. Their 95% interval resamples blocks
of bars, all symbols together and both models alike, in each market on its own, and is of the mean over the three. It
does not hold what another training seed would change: the row `another seed` shows how much that is, and a mean
difference below its largest entry is `unclear`, whatever the interval says.
"""

# S symbols, T bars, N samples, Z resamples

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

from edgeproof.core.device import prepare_environment

prepare_environment()

import numpy as np

from capture import Row, market_of
from edgeproof.core.device import set_threads
from edgeproof.core.progress import silent
from edgeproof.core.rng import Rng
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import load_run_config
from edgeproof.recipe.learn import learn, proven_folds
from edgeproof.recipe.prepare import open_bars, prepare
from edgeproof.recipe.templates import template_body
from edgeproof.stats.bootstrap import draw_blocks
from edgeproof.stats.classify import soft_auc

SEEDS = (1, 2, 3)
BLOCK_BARS, REPETITIONS = 24, 1000
BOTH = "kinds=[price_jitter,volume]"
TECHNIQUES: dict[str, tuple[str, ...]] = {
    "plain": (),
    "another seed": (),
    "price_jitter 0.1%": ("kinds=[price_jitter]", "copies=4"),
    "volume 10%": ("kinds=[volume]", "copies=4"),
    "time_shift 1 bar": ("kinds=[time_shift]", "copies=4"),
    "regime_mixing": ("kinds=[regime_mixing]", "copies=4"),
    "price_jitter, volume": (BOTH, "copies=4"),
    "time_shift 3 bars": ("kinds=[{name: time_shift, bars: 3}]", "copies=4"),
    "time_shift 12 bars": ("kinds=[{name: time_shift, bars: 12}]", "copies=4"),
    "time_shift 3 bars, volume": ("kinds=[{name: time_shift, bars: 3},volume]", "copies=4"),
    "plain, forecast over 8 copies": (BOTH, "at_forecast=8"),
    "price_jitter, volume, and forecast over 8 copies": (BOTH, "copies=4", "at_forecast=8"),
}


@dataclass(frozen=True)
class Scored:
    """Validation samples of a market: decision bar i64[N], true probability f64[N], score f64[N]."""

    bar: np.ndarray
    truth: np.ndarray
    score: np.ndarray

    @property
    def capture(self) -> float:
        """Share of what could be known."""
        model, oracle = soft_auc(self.score, self.truth), soft_auc(self.truth, self.truth)
        assert model is not None
        assert oracle is not None
        return (model - 0.5) / (oracle - 0.5)


def scored(name: str, seed: int, kind: str, strength: float, folder: Path) -> Scored:
    """The technique's forecasts of validation; a training that was finished is read back, not repeated."""
    words = TECHNIQUES[name]
    kept = folder / f"{'_'.join([name.replace(', ', '_').replace(' ', '_'), str(seed)])}.npz"
    if kept.exists():
        return Scored(**np.load(kept))
    market, ledger = market_of(Row(kind, strength, 8, 20_000, "mlp", seed), folder / "markets"), Ledger(folder)
    own = seed + 100 if name == "another seed" else seed
    config = load_run_config(template_body("mlp_baseline"), [f"seed={own}", *(f"augment.{word}" for word in words)])
    span = open_bars(config, market, ledger)
    prepared = prepare(config, market, span, cache=folder / "cache")
    (fold,) = proven_folds(config, prepared)
    place = folder / "checkpoints" / f"{own}-{words[0] if 'copies=4' in words else 'none'}"
    began = time.process_time()
    learned = learn(config, prepared, ledger, fold, market=span.market, folder=place, write=silent)
    assert prepared.stated is not None
    truth, said = (array.reshape(-1)[fold.validation] for array in (prepared.stated.p_up, learned.forecast.probability))
    found = Scored(fold.validation % prepared.panel.present.shape[1], truth, said)
    line = {"technique": name, "seed": seed, "capture": round(found.capture, 4)}
    print(json.dumps(line | {"cpu_seconds": round(time.process_time() - began, 1)}), flush=True)
    np.savez(kept, bar=found.bar, truth=found.truth, score=found.score)
    return found


def resampled(found: Scored, times: np.ndarray) -> np.ndarray:
    """f64[Z] capture of resamples in which bar t of validation is drawn times[z, t] times; ties count as lower."""
    areas = []
    for score in (found.score, found.truth):
        order = np.argsort(score, kind="stable")
        bar, p = found.bar[order] - found.bar.min(), found.truth[order]
        weight = times[:, bar]
        negative = np.cumsum(weight * (1 - p), axis=1)
        positive = weight * p
        areas.append((positive * negative).sum(axis=1) / (positive.sum(axis=1) * negative[:, -1]))
    return (areas[0] - 0.5) / (areas[1] - 0.5)


def difference(a: list[Scored], b: list[Scored]) -> tuple[float, float, float]:
    """Mean difference of capture over the markets, and its 95% interval."""
    mean = float(np.mean([one.capture - other.capture for one, other in zip(a, b, strict=True)]))
    drawn = []
    for number, (one, other) in enumerate(zip(a, b, strict=True)):
        bars, generator = int(np.ptp(one.bar)) + 1, Rng(0).child("augment", number).numpy()
        parts = []
        for _ in range(REPETITIONS // 50):
            start, length = draw_blocks(generator, bars, block_bars=BLOCK_BARS, repetitions=50)
            times = np.stack([_times(s, n, bars) for s, n in zip(start, length, strict=True)])
            parts.append(resampled(one, times) - resampled(other, times))
        drawn.append(np.concatenate(parts))
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    return mean, float(low), float(high)


def _times(start: np.ndarray, length: np.ndarray, bars: int) -> np.ndarray:
    """i64[T] how often blocks that wrap around draw each bar."""
    steps = np.arange(int(length.sum())) - np.repeat(np.cumsum(length) - length, length)
    return np.bincount((np.repeat(start, length) + steps) % bars, minlength=bars)


def table(found: dict[str, list[Scored]]) -> str:
    """A line a technique; it helps, or harms, where interval and seeds say so, by more than a seed alone did."""
    lines = [
        "| technique | capture, mean of 3 seeds | by seed | difference to one plain training, 95% interval | helps? |",
        "|---|---|---|---|---|",
    ]
    pairs = zip(found["another seed"], found["plain"], strict=True)
    control = max(abs(other.capture - plain.capture) for other, plain in pairs)
    for name, rows in found.items():
        capture = np.mean([row.capture for row in rows])
        if name == "plain":
            lines.append(f"| plain | {capture:.3f} | {' '.join(f'{row.capture:.3f}' for row in rows)} | | |")
            continue
        gains = [row.capture - plain.capture for row, plain in zip(rows, found["plain"], strict=True)]
        mean, low, high = difference(rows, found["plain"])
        sure = (low > 0 and min(gains) > 0) or (high < 0 and max(gains) < 0)
        helps = "unclear" if not sure or abs(mean) <= control else "yes" if mean > 0 else "no, it harms"
        seeds = " ".join(f"{gain:+.3f}" for gain in gains)
        lines.append(
            f"| {name} | {capture:.3f} | {seeds} | {mean:+.3f} ({low:+.3f} to {high:+.3f}) | "
            f"{'' if name == 'another seed' else helps} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("build/augment"))
    parser.add_argument("--market", nargs=2, default=("nonlinear", "0.17"), metavar=("KIND", "STRENGTH"))
    parser.add_argument("--only", nargs="*", default=list(TECHNIQUES), help="techniques beside plain and another seed")
    options = parser.parse_args()
    set_threads()
    kind, strength = options.market
    folder = options.out / f"{kind}-{strength}"
    folder.mkdir(parents=True, exist_ok=True)
    asked = [name for name in TECHNIQUES if name in ("plain", "another seed", *options.only)]
    found = {name: [scored(name, seed, kind, float(strength), folder) for seed in SEEDS] for name in asked}
    print(table(found))


if __name__ == "__main__":
    main()
