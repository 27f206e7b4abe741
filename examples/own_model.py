"""A torch model of your own, checked, trained and judged as any other: python examples/own_model.py [FOLDER]."""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

import edgeproof as ep
from edgeproof.core.config import Config
from edgeproof.models import MODELS
from edgeproof.testing import MODEL_CHECKS


class ConvNet(nn.Module):
    """x_BLF (samples, bars of the window, features) and the symbol's number -> one logit a sample."""

    def __init__(self, n_features: int, channels: int) -> None:
        super().__init__()
        self.convolve = nn.Conv1d(n_features, channels, kernel_size=5)
        self.head = nn.Linear(channels, 1)

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        """A window never holds a bar after the decision, so that every bar of it may be looked at."""
        z_BCL = self.convolve(x_BLF.transpose(1, 2)).relu()
        return self.head(z_BCL.amax(dim=2)).squeeze(-1)


class ConvConfig(Config):
    """Its settings: they are checked, stored with the run, and can be overridden as `model.channels=32`."""

    name: Literal["conv"] = "conv"
    channels: int = 8

    def build(self, n_features: int, window: int, n_assets: int) -> ConvNet:
        """The module."""
        return ConvNet(n_features, self.channels)


# a package of yours declares the config under the entry point `edgeproof.models` instead
MODELS["conv"] = ConvConfig


def main(folder: Path) -> ep.Run:
    """Ask the checks first, then run; the last fifth of the bars stays sealed."""
    for name in ("shapes", "no_mixing", "gradients"):
        MODEL_CHECKS[name](ConvConfig(), folder / name)
    market = ep.make_market("linear", folder / "market", symbols=3, bars=2500, seed=3, strength=0.3)
    costs = {"commission_bps": 4.0, "half_spread_bps": 1.0}
    settings = {"costs": costs, "model": {"name": "conv", "channels": 16}, "train": {"epochs": 2}}
    run = ep.run(settings, market, out=folder / "run")
    print(run, f"page: {run.report()}", sep="\n")
    return run


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp()))
