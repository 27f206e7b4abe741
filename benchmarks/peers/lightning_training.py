"""Lightning trains one of our modules: Trainer and DataLoader, bare or as they come.

    lightning_training.py MODEL LOSS PRECISION (bare|default|stock) SYMBOLS BARS SAMPLES BATCH

It takes our nn.Module, loss and, where Lightning accepts it, our optimiser from the source beside it; `stock` is bare
with PyTorch's own dropout in the module's places, as anyone would write it. A round is an
epoch; its value is samples a CPU second from the start of the training's first batch to the end of its last one, so
that the Trainer's own set-up does not count.
"""

# ruff: noqa: D102 - hooks as Lightning names them

import contextlib
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import lightning  # pyright: ignore[reportMissingImports] - lives in the environment of the peer
import numpy as np
import torch
from serve import serve
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from edgeproof.models import MODELS
from edgeproof.models.dropout import Dropout
from edgeproof.train import LOSSES
from edgeproof.train.optim import AdamWConfig

L, F = 24, 23
MODEL, LOSS, PRECISION, KIND = sys.argv[1:5]
SYMBOLS, BARS, SAMPLES, BATCH = map(int, sys.argv[5:9])


class PerItem(TorchDataset[tuple[torch.Tensor, int, torch.Tensor, torch.Tensor]]):
    """The usual way: an item is a slice of its symbol's rows, with symbol, label and weight."""

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        self.x = torch.from_numpy(draw.standard_normal((SYMBOLS, BARS, F), dtype=np.float32))
        self.y = torch.from_numpy((draw.random((SYMBOLS, BARS)) < 0.5).astype(np.float32))
        self.weight = torch.ones_like(self.y)
        rows = draw.choice(SYMBOLS * (BARS - L), SAMPLES, replace=False)
        self.index = [divmod(row, BARS - L) for row in rows.tolist()]

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int, torch.Tensor, torch.Tensor]:
        s, t = self.index[number]
        return self.x[s, t : t + L], s, self.y[s, t], self.weight[s, t]


def take_stock(module: torch.nn.Module) -> None:
    """PyTorch's dropout in place of ours."""
    for name, child in module.named_children():
        if isinstance(child, Dropout):
            setattr(module, name, torch.nn.Dropout(child.share))
        take_stock(child)


class Module(lightning.LightningModule):
    """Our module in Lightning's clothes."""

    def __init__(self) -> None:
        super().__init__()
        self.model = MODELS[MODEL]().build(F, L, SYMBOLS)  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
        if KIND == "stock":
            take_stock(self.model)
        self.loss = LOSSES[LOSS]().build(0.5)  # pyright: ignore[reportAttributeAccessIssue] - every loss config builds
        self.began = self.spent = 0.0

    def training_step(self, batch: list[torch.Tensor], number: int) -> torch.Tensor:
        del number
        x, asset, y, weight = batch
        loss = (self.loss(self.model(x, asset).float(), y) * weight).mean()
        if KIND == "default":
            self.log("train_loss", loss, prog_bar=True)
        return loss

    def on_train_epoch_start(self) -> None:
        self.began = time.process_time()

    def on_train_epoch_end(self) -> None:
        self.spent = time.process_time() - self.began

    def configure_optimizers(self) -> torch.optim.Optimizer:
        if PRECISION == "bf16-mixed":  # Lightning refuses to clip the gradients of a fused optimiser there
            return torch.optim.AdamW(self.parameters(), 1e-3, weight_decay=1e-4)
        return AdamWConfig().build(self.parameters(), 1e-3, 1e-4)


def main() -> None:
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    loader = DataLoader(PerItem(), batch_size=BATCH, shuffle=True, num_workers=0)
    module = Module()
    bare = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}

    def run() -> float:
        with (
            tempfile.TemporaryDirectory() as folder,
            Path(os.devnull).open("w") as bar,
            contextlib.redirect_stderr(bar),
        ):
            trainer = lightning.Trainer(
                accelerator="cpu",
                devices=1,
                max_epochs=1,
                precision=PRECISION,
                gradient_clip_val=1.0,
                default_root_dir=folder,
                enable_model_summary=False,
                **({} if KIND == "default" else bare),
            )
            with contextlib.redirect_stdout(bar):
                trainer.fit(module, loader)
        return SAMPLES / module.spent

    serve(run)


main()
