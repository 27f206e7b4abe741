"""Training, samples a CPU second on one thread: our epoch against Lightning's Trainer with a DataLoader.

Both train the same nn.Module with the same loss, batches of 512, fused AdamW (bf16: Lightning takes the plain one), the
gradient clipped at 1, on windows of 24 x 23 from 143 symbols x 17,520 bars; rounds alternate. The peer has no logger,
no checkpoints and no progress bar (`bare`), or comes as it is (`default`); in our precision, or in fp32, which is what
it comes with. Our epoch is timed as `train.loop.fit` runs it, memory kept; the peer's is left as a user has it.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import kept_memory, prepare_environment, set_threads

prepare_environment()

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.models import MODELS
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.split.fold import Fold
from edgeproof.train import LOSSES
from edgeproof.train.descent import Descent, make_task
from edgeproof.train.epoch import train_epoch
from edgeproof.train.settings import TrainConfig
from harness import Peer, round_of, show

__all__ = ["descent_of", "panel"]

L, F = 24, 23
SAMPLES = {"mlp": 51_200, "logistic": 51_200}
PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}


def panel(symbols: int, bars: int, samples: int) -> Dataset:
    """Noise of the reference shape; a sample's window stays within its symbol."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((symbols, bars, F), dtype=np.float32)
    y = (draw.random((symbols, bars)) < 0.5).astype(np.float32)
    rows = draw.choice(symbols * (bars - L), samples + 512, replace=False)
    index = rows // (bars - L) * bars + rows % (bars - L) + L
    fold = Fold(index[:samples], index[samples:], np.zeros(0, dtype=np.int64))
    return Dataset(x, y, np.ones_like(y), L, tuple(map(str, range(symbols))), fold, "noise")


def descent_of(dataset: Dataset, model: str, *, loss: str = "bce", **settings: Any) -> Descent:
    """One of our trainings of this model, at its start."""
    config = TrainConfig.model_validate({"epochs": 1000, "lr": 1e-3, "batch_size": 512} | settings)
    parts = (MODELS[model](), LOSSES[loss]())
    return Descent(make_task(dataset, parts, config, rng=Rng(0), device=config.device), 0)


def rate_of(descent: Descent) -> Callable[[], float]:
    """One epoch, as samples a CPU second."""
    epochs = iter(range(1000))

    def run() -> float:
        began = time.process_time()
        train_epoch(descent.session, next(epochs), {})
        return len(descent.session.train.index) / (time.process_time() - began)

    return run


def compare(asked: argparse.Namespace, model: str, precision: str) -> None:
    """Our epoch and every peer, in turn; a line of figures for each peer."""
    samples = asked.samples or SAMPLES.get(model, 4096)
    size = (asked.symbols, asked.bars, samples, 512)
    ours = rate_of(descent_of(panel(*size[:3]), model, loss=asked.loss, precision=precision))
    kinds = [(PRECISIONS[precision], kind) for kind in ("bare", "default", "stock")]
    kinds += [("32-true", kind) for kind in ("bare", "default", "stock") if precision != "fp32"]
    peers = [Peer("lightning", "training", model, asked.loss, *kind, *size) for kind in kinds]
    sides = [lambda: round_of(ours), *(peer.round for peer in peers)]
    figures: list[list[float]] = [[] for _ in sides]
    with kept_memory():
        ours()
        for number in range(asked.rounds):
            for side in range(len(sides))[:: 1 if number % 2 == 0 else -1]:
                figures[side].append(float(sides[side]()["value"]))
    for peer in peers:
        peer.__exit__(None, None, None)
    for (theirs, kind), found in zip(kinds, figures[1:], strict=True):
        spans = "; ".join(f"{min(f):.0f} to {max(f):.0f}" for f in (figures[0], found))
        name = (
            f"training, {model} {precision} against Lightning {kind} {theirs} ({spans}; load {os.getloadavg()[0]:.1f})"
        )
        medians = map(statistics.median, (figures[0], found))
        show(name, *medians, unit="samples / CPU s", rounds=asked.rounds, higher_is_better=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["mlp", "lstm_attention", "gru_attention", "cnn_lstm"])
    parser.add_argument("--precisions", nargs="+", default=list(PRECISIONS), choices=list(PRECISIONS))
    parser.add_argument("--loss", default="bce", choices=sorted(LOSSES))
    parser.add_argument("--symbols", type=int, default=143)
    parser.add_argument("--bars", type=int, default=17_520)
    parser.add_argument("--samples", type=int, default=0, help="an epoch's; default: 51,200, of recurrent models 4,096")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    set_threads(1)
    for model in asked.models:
        for precision in asked.precisions:
            print(f"{model} {precision}", file=sys.stderr)
            compare(asked, model, precision)


if __name__ == "__main__":
    main()
