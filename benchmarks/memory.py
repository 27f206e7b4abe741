"""Peak memory of whole trainings, in a process of its own, against the panel's bytes and 1 GB (interpreter included).

`mlp` is trained for an epoch on every sample of 143 symbols x 17,520 bars x 23 features, 2 million of them, and scored
on 400,000; `gru_attention` on fewer, since its steps take long: what grows with the samples is `mlp`'s to show.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("EDGEPROOF_THREADS", "1")

from edgeproof.core.device import prepare_environment, set_threads

prepare_environment()

import numpy as np

from edgeproof.core.rng import Rng
from edgeproof.models import MODELS
from edgeproof.samples.dataset import Dataset
from edgeproof.samples.split.fold import Fold
from edgeproof.train import LOSSES
from edgeproof.train.loop import fit
from edgeproof.train.settings import TrainConfig
from harness import show

L, F = 24, 23
ALLOWED_BYTES = 1 << 30
TRAINED = {"mlp": 0, "gru_attention": 20_480, "lstm_attention": 10_240, "cnn_lstm": 10_240}  # 0: all


def dataset_of(symbols: int, bars: int, trained: int) -> Dataset:
    """Noise of this shape: training samples from the first four fifths of the bars, validation from the last."""
    draw = np.random.default_rng(0)
    x = draw.standard_normal((symbols, bars, F), dtype=np.float32)
    y = (draw.random((symbols, bars), dtype=np.float32) < 0.5).astype(np.float32)
    cut = bars * 4 // 5
    first, last = (
        (np.arange(a, b)[:, None] + np.arange(symbols) * bars).reshape(-1) for a, b in ((L, cut), (cut + L, bars))
    )
    if trained:
        first, last = draw.permutation(first)[:trained], draw.permutation(last)[:trained]
    fold = Fold(np.sort(first), np.sort(last), np.zeros(0, dtype=np.int64))
    return Dataset(x, y, np.ones_like(y), L, tuple(map(str, range(symbols))), fold, "noise")


def child(model: str, symbols: int, bars: int, trained: int, precision: str) -> None:
    """Train once, and say what was the most that this process ever held."""
    set_threads()
    dataset = dataset_of(symbols, bars, trained)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    config = TrainConfig.model_validate({"epochs": 1, "precision": precision})
    with tempfile.TemporaryDirectory() as folder:
        fit(dataset, MODELS[model](), LOSSES["bce"](), config, rng=Rng(0), folder=Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"panel": dataset.x.nbytes, "before": before, "peak": peak, "samples": len(dataset.fold.train)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="+", default=["mlp", "gru_attention"], choices=list(TRAINED))
    parser.add_argument("--precisions", nargs="+", default=["fp32"])
    parser.add_argument("--symbols", type=int, default=143)
    parser.add_argument("--bars", type=int, default=17_520)
    parser.add_argument("--child", nargs=3, metavar=("MODEL", "TRAINED", "PRECISION"), help="used by this script")
    asked = parser.parse_args()
    if asked.child:
        model, trained, precision = asked.child
        child(model, asked.symbols, asked.bars, int(trained), precision)
        return
    size = ["--symbols", str(asked.symbols), "--bars", str(asked.bars)]
    for model in asked.models:
        for precision in asked.precisions:
            command = [sys.executable, __file__, *size, "--child", model, str(TRAINED[model]), precision]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = json.loads(said.splitlines()[-1])
            held = (
                f"{found['samples']:,} samples, panel {found['panel'] / 1e6:.0f} MB, before {found['before'] / 1e6:.0f}"
            )
            limit = (found["panel"] + ALLOWED_BYTES) / 1e6
            show(
                f"memory, {model} {precision}: {held}",
                found["peak"] / 1e6,
                limit,
                unit="MB, peer is the limit",
                rounds=1,
            )


if __name__ == "__main__":
    main()
