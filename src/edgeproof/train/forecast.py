"""A forecast is a model's logit at every sample that it was asked for, and a mask of where that is."""

# S symbols, T bars, F features, N samples, L window, B batch, D encoding

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn

from edgeproof.samples.windows import window_view

__all__ = ["Forecast", "as_tensor", "encodings", "logits", "predict"]

BATCH = 8192  # samples a forward pass: 18 MB of windows at 24 x 23


@dataclass(frozen=True)
class Forecast:
    """What a model says.

    Attributes:
        logit: f32[S, T], 0 where nothing was forecast.
        made: bool[S, T] where something was.
        model: hash of the model's weights.
        fold: number of the fold that the model was trained on.
    """

    logit: np.ndarray
    made: np.ndarray
    model: str
    fold: int

    @property
    def probability(self) -> np.ndarray:
        """f64[S, T] probability of a positive label; 0.5 where nothing was forecast."""
        return expit(self.logit.astype(np.float64))


def as_tensor(array: np.ndarray) -> Tensor:
    """A tensor over the array's memory; a read-only array (a memory map) is copied first."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def logits(model: nn.Module, x_STF: Tensor, index_N: Tensor, asset_N: Tensor, window: int) -> Tensor:
    """f32[N] logits in evaluation mode; the model's mode is left as it was found.

    Args:
        model: `forward(x_BLF, asset_B) -> logit_B`.
        x_STF: f32[S, T, F] scaled features.
        index_N: i64[N] flat sample indices.
        asset_N: i64[N] symbol ids as the model knows them, -1 unknown.
        window: L.
    """
    with torch.inference_mode():
        return _applied(model, x_STF, index_N, asset_N, window)


def encodings(encoder: nn.Module, x_STF: Tensor, index_N: Tensor, asset_N: Tensor, window: int) -> Tensor:
    """f32[N, D] encodings in evaluation mode, as inputs of a training; arguments as of `logits`."""
    with torch.no_grad():  # a tensor of inference mode could not be trained on
        return _applied(encoder, x_STF, index_N, asset_N, window)


def _applied(module: nn.Module, x_STF: Tensor, index_N: Tensor, asset_N: Tensor, window: int) -> Tensor:
    view, F = window_view(x_STF, window), x_STF.shape[2]
    was_training = module.training
    module.eval()
    try:
        parts = [
            module(view.index_select(0, rows - (window - 1)).view(-1, window, F), asset)
            for rows, asset in zip(index_N.split(BATCH), asset_N.split(BATCH), strict=True)
        ]
    finally:
        module.train(was_training)
    return torch.cat(parts) if parts else torch.empty(0)


def predict(
    model: nn.Module,
    x: np.ndarray,
    index: np.ndarray,
    *,
    window: int,
    assets: np.ndarray | None = None,
    sha: str = "",
    fold: int = 0,
) -> Forecast:
    """Forecast these samples.

    Args:
        model: `forward(x_BLF, asset_B) -> logit_B`.
        x: f32[S, T, F] features scaled by the model's own preprocessor.
        index: i64[N] flat sample indices whose windows are ready.
        window: L.
        assets: i64[S] id of each symbol as the model knows it, -1 unknown; default: the symbol's position.
        sha: hash of the model.
        fold: number of its fold.
    """
    S, T, _ = x.shape
    ids = np.arange(S) if assets is None else np.asarray(assets, dtype=np.int64)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    said = logits(
        model,
        as_tensor(np.ascontiguousarray(x)).to(device),
        as_tensor(np.ascontiguousarray(index)).to(device),
        torch.from_numpy(ids[index // T]).to(device),
        window,
    )
    logit, made = np.zeros(S * T, dtype=np.float32), np.zeros(S * T, dtype=bool)
    logit[index], made[index] = said.cpu().numpy(), True
    return Forecast(logit.reshape(S, T), made.reshape(S, T), sha, fold)
