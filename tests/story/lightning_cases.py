"""Lightning trainings with and without a planted fault, under `CheckModel`; run where Lightning is, answers JSON."""


# pyright: reportMissingImports=false, reportUntypedBaseClass=false

import json
import logging
import sys
import time
import warnings

import lightning.pytorch as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from edgeproof.core.errors import GateStopped
from edgeproof.gates.lightning import CheckModel


class Images(Dataset):
    """4 x 4 images of three classes; `slow_s` to prepare one."""

    def __init__(self, count: int, slow_s: float = 0.0) -> None:
        draw = torch.Generator().manual_seed(count)
        self.y = torch.arange(count) % 3
        self.x = torch.randn(count, 4, 4, generator=draw) + self.y[:, None, None] * torch.linspace(-1, 1, 4)
        self.slow_s = slow_s

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        time.sleep(self.slow_s)
        return self.x[place], self.y[place]


class Module(pl.LightningModule):
    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 3))
        self.other = nn.Linear(16, 3) if fault == "two" else nn.Identity()
        self.crit, self.fault = nn.CrossEntropyLoss(), fault

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = self.net[2](self.net[1](self.net[0](x.flatten(1))))
        return self.net[3](hidden.detach() if self.fault == "detached" else hidden)

    def training_step(self, batch: list[torch.Tensor], number: int) -> torch.Tensor:
        x, y = batch
        if self.fault == "breaks" and self.current_epoch == 2:
            raise ValueError("planted")
        said = self.net(x.flatten(1)) + self.other(x.flatten(1)) if self.fault == "two" else self(x)
        loss = 1e6 * (said - 10.0).square().mean() if self.fault == "rate" else self.crit(said, y)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: list[torch.Tensor], number: int) -> None:
        self.log("val_loss", self.crit(self(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        if self.fault == "rate":
            return torch.optim.SGD(self.parameters(), 10.0)
        return torch.optim.Adam(self.parameters(), 1e-9 if self.fault == "still" else 0.02)


def fit(fault: str, gate: str | None, *, slow_s: float = 0.0, epochs: int = 4) -> dict:
    said: list[str] = []
    watch = None if gate is None else CheckModel(gate, write=said.append)  # pyright: ignore[reportArgumentType]
    torch.manual_seed(0)
    module = Module(fault)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=epochs, callbacks=watch, enable_model_summary=False, log_every_n_steps=1, **quiet
    )
    train, held = DataLoader(Images(256, slow_s), 32, shuffle=True), DataLoader(Images(128), 64)
    body: dict = {"stopped": None, "raised": None}
    try:
        trainer.fit(module, train, held)
    except GateStopped as stop:
        body["stopped"], body["message"] = stop.check, str(stop)
    except ValueError as error:
        body["raised"] = str(error)
    body |= {"text": "".join(said), "weights": float(sum(value.double().sum() for value in module.parameters()))}
    if watch is not None:
        body["rows"] = watch.rows
        body["found"] = [[one.check, one.evidence["causes"][0]["name"]] for one in watch.findings]
    return body


def main() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    cases = {
        "clean": fit("", "stop"),
        "without": fit("", None),
        "detached": fit("detached", "stop"),
        "warned": fit("detached", "warn"),
        "two": fit("two", "stop"),
        "rate": fit("rate", "warn"),
        "still": fit("still", "stop"),
        "slow": fit("", "stop", slow_s=0.002),
        "breaks": fit("breaks", "stop"),
    }
    json.dump(cases, sys.stdout)


main()
