"""An actor: what is left of an agent once it has learned, a perceptron on the window and the account's own numbers.

It is built from a finished training (`rl.export`), not trained as a model: nothing in it looks at labels.
"""

# B accounts, L window, F features, K numbers of an account, A action numbers

from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from edgeproof.core.config import Config

__all__ = ["ACTORS", "Actor", "ActorConfig"]

LIMIT = 10.0  # of a standardised number
_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}


class ActorConfig(Config):
    """What builds an actor's module.

    Attributes:
        hidden: widths of the hidden layers.
        activation: between them.
        account: K, numbers of the account's own state.
        outputs: A, logits of discrete actions or means of continuous ones.
        discrete: the action is the place of the largest output.
        standardised: the account's numbers are standardised by what training saw.
    """

    name: Literal["actor"] = "actor"
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (256, 128)
    activation: Literal["tanh", "relu", "silu"] = "tanh"
    account: Annotated[int, Field(ge=1)] = 6
    outputs: Annotated[int, Field(ge=1)] = 3
    discrete: bool = True
    standardised: bool = False

    def build(self, n_features: int, window: int, n_assets: int) -> "Actor":
        """The module `forward(x_BLF, account_BK) -> output_BA`; the number of symbols has no part."""
        del n_assets
        return Actor(self, n_features * window)


class Actor(nn.Module):
    """`forward(x_BLF, account_BK) -> output_BA`."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ActorConfig, seen: int) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.zeros(config.account))
        self.register_buffer("deviation", torch.ones(config.account))
        widths = (seen + config.account, *config.hidden)
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), _ACTIVATIONS[config.activation]())]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], config.outputs))

    def forward(self, x_BLF: Tensor, account_BK: Tensor) -> Tensor:
        """Logits or means f32[B, A]."""
        if self.config.standardised:
            account_BK = ((account_BK - self.mean) / self.deviation).clamp(-LIMIT, LIMIT)
        return self.layers(torch.cat((x_BLF.flatten(1), account_BK), dim=1))

    def act(self, x_BLF: Tensor, account_BK: Tensor) -> Tensor:
        """The most likely actions, i64[B] or f32[B, A]."""
        output = self(x_BLF, account_BK)
        return output.argmax(dim=1) if self.config.discrete else output


ACTORS: dict[str, type[Config]] = {"actor": ActorConfig}
