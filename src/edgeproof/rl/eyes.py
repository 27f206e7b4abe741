"""Encoders that learn with their policies: of P members, each on the windows of its own accounts.

Their weights are the first of a policy's flat ones, so that one optimiser step, one norm and one checkpoint hold both.
An encoder always runs as it does in evaluation: dropout, or statistics of a batch, would give other log-probabilities
in an update than those that the actions were drawn with.
"""

# P members, B samples, L window, F features, K dense numbers, I = L * F + K, E encoding, D weights of a member

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from edgeproof.core.config import Config
from edgeproof.core.errors import OptionError
from edgeproof.core.rng import Rng
from edgeproof.models.sight import Sight
from edgeproof.rl.encoders import LearnedEncoderConfig
from edgeproof.rl.interface import Layout
from edgeproof.train.seeding import seeded

__all__ = ["Encoders", "encoders_of"]


class Encoders:
    """The encoders of P members.

    Args:
        model: an entry of MODELS, whose encoder it is.
        window: L.
        features: F.
        members: P.
        kind: of weights and products.

    Raises:
        OptionError: a model without an encoder that learns.
    """

    def __init__(self, model: Config, window: int, features: int, *, members: int, kind: torch.dtype) -> None:
        self.model, self.window, self.features, self.kind = model, window, features, kind
        with seeded(Rng(0)):  # these weights are replaced
            self.modules = [self._fresh() for _ in range(members)]
        self._weights = [list(module.parameters()) for module in self.modules]
        self.size = sum(weight.numel() for weight in self._weights[0])
        with torch.no_grad():
            self.width = self._encoding(0, torch.zeros(1, window * features)).shape[1]

    def bind(self, flat: Tensor) -> None:
        """Let the first columns of weights [P, D] be those of the encoders: whatever moves the one moves the other."""
        for row, weights in zip(flat, self._weights, strict=True):
            place = 0
            for weight in weights:
                weight.data = row[place : place + weight.numel()].view(weight.shape)
                place += weight.numel()

    def start(self, place: int, rng: Rng) -> None:
        """Give a member's encoder its first weights."""
        with seeded(rng):
            fresh = self._fresh()
        with torch.no_grad():
            for weight, new in zip(self._weights[place], fresh.parameters(), strict=True):
                weight.copy_(new)

    def alone(self, members: int = 1) -> "Encoders":
        """Of the same build, for one member or so many."""
        return Encoders(self.model, self.window, self.features, members=members, kind=self.kind)

    def rows(self, x: Tensor) -> Tensor:
        """Rows [P, B, E + K], encodings in the place of windows, of rows [P, B, I]; of the same type."""
        seen, rest = x.split((self.window * self.features, x.shape[2] - self.window * self.features), dim=2)
        with torch.no_grad():
            told = [self._encoding(place, part) for place, part in enumerate(seen)]
        return torch.cat((torch.stack(told).to(x.dtype), rest), dim=2)

    def backward(self, x: Tensor, gradient: Tensor, into: Tensor) -> None:
        """Put gradients of all weights into the first columns of [P, D].

        Args:
            x: [P, B, I] as in `rows`.
            gradient: [P, B, E + K] of what `rows` gave.
            into: filled.
        """
        for place, weights in enumerate(self._weights):
            with torch.enable_grad(), _without_cudnn(x.device):
                told = self._encoding(place, x[place, :, : self.window * self.features])
                slope = gradient[place, :, : self.width].to(self.kind)
                found = torch.autograd.grad(told, weights, slope, allow_unused=True, materialize_grads=True)
            torch.cat([part.reshape(-1) for part in found], out=into[place, : self.size])

    def _encoding(self, place: int, seen: Tensor) -> Tensor:
        nobody = torch.zeros(len(seen), dtype=torch.int64, device=seen.device)
        return self.modules[place](seen.to(self.kind).unflatten(1, (self.window, self.features)), nobody)

    def _fresh(self) -> nn.Module:
        model = self.model.build(self.features, self.window, 1)  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
        encoder = getattr(model, "encoder", None)
        if encoder is None or not list(encoder.parameters()):
            name = self.model.model_dump()["name"]
            raise OptionError(
                f"agent.encoder learned: model {name} has no encoder that learns; set agent.encoder.model to a network "
                "such as gru_attention"
            )
        return Sight(encoder).to(self.kind).eval()


def _without_cudnn(device: torch.device) -> AbstractContextManager[None]:
    """Of a CUDA device: cuDNN has no backward pass of recurrent layers in evaluation mode."""
    return torch.backends.cudnn.flags(enabled=False) if device.type == "cuda" else nullcontext()


def encoders_of(config: Config, layout: Layout, *, members: int, kind: torch.dtype) -> Encoders | None:
    """The encoders that a config asks for, for observations of this layout; None where windows are seen as they are.

    Raises:
        OptionError: observations have no windows.
    """
    if not isinstance(config, LearnedEncoderConfig):
        return None
    if layout.table is None:
        raise OptionError(
            "agent.encoder learned: observations here are dense numbers alone, without a window to encode; leave it out"
        )
    whole = torch.float64 if kind == torch.float64 else torch.float32
    return Encoders(config.model, layout.window, layout.table.shape[1], members=members, kind=whole)
