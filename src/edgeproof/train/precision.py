"""Precision of the training steps: float32, or mixed with bfloat16 or float16 (Micikevicius et al. 2018).

`auto` is bfloat16 on a processor that multiplies it and float32 everywhere else: three seeds of MLP and GRU learn
known-truth markets as well in both (`docs/how/train_a_model.md`), and a step takes a third to a half less time.

Weights, optimiser and loss stay in float32; so does every forecast, on validation as after loading a bundle.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from edgeproof.core.errors import ConfigError

__all__ = ["Mixed", "Precision", "Resolved", "resolved"]

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Resolved = Literal["fp32", "bf16", "fp16"]
_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def resolved(precision: Precision, device: torch.device) -> Resolved:
    """What the setting stands for on this machine: part of what must be equal for equal bits."""
    if precision != "auto":
        return precision
    can = torch.cpu.get_capabilities()
    return "bf16" if device.type == "cpu" and (can.get("avx512_bf16") or can.get("amx_bf16")) else "fp32"


class Mixed:
    """Forward passes in a precision, and for float16 a loss scaled so that small gradients survive.

    Raises:
        ConfigError: float16 without CUDA.
    """

    def __init__(self, precision: Precision, device: torch.device) -> None:
        if precision == "fp16" and device.type != "cuda":
            raise ConfigError(
                f"train.precision=fp16 needs a CUDA device, and train.device is {device.type}; use bf16 or fp32"
            )
        self.kind, self.device = _TYPES.get(resolved(precision, device)), device.type
        self.scaler = torch.amp.GradScaler(device.type) if precision == "fp16" else None

    def forward(self) -> AbstractContextManager[Any]:
        """The block in which the model runs."""
        return nullcontext() if self.kind is None else torch.autocast(self.device, self.kind)

    def backward(self, loss: Tensor) -> None:
        """Gradients of a loss, added to those that are there."""
        (loss if self.scaler is None else self.scaler.scale(loss)).backward()

    def step(self, optimiser: torch.optim.Optimizer, model: nn.Module, limit: float | None) -> Tensor:
        """Clip the gradient's norm at `limit` and step; returns the norm before clipping.

        In float16 a step whose gradient overflowed is left out, at a norm of 0, and the next loss is scaled less.
        """
        if self.scaler is not None:
            self.scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(model.parameters(), float("inf") if limit is None else limit)
        if self.scaler is None:
            optimiser.step()
            return norm
        self.scaler.step(optimiser)
        self.scaler.update()
        return torch.where(norm.isfinite(), norm, torch.zeros_like(norm))

    def arrays(self) -> dict[str, np.ndarray]:
        """What a resumed training needs."""
        state = {} if self.scaler is None else self.scaler.state_dict()
        return {name: np.atleast_1d(np.float64(value)) for name, value in state.items()}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Go on from saved arrays."""
        if self.scaler is not None and arrays:
            counts = ("growth_interval", "_growth_tracker")
            state = {name: float(array[0]) for name, array in arrays.items()}
            self.scaler.load_state_dict(state | {name: int(state[name]) for name in counts})
