"""An actor: what is left of an agent once it has learned, a perceptron on what it sees and the account's own numbers.

It sees the window, or an encoding of it (`models.sight`). It is built from a finished training (`rl.export`), not
trained as a model.
"""

# B accounts, L window, F features of all its assets, E numbers that are seen, K numbers of an account, A action numbers

from itertools import pairwise
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from edgeproof.core.config import Config
from edgeproof.models.sight import LIMIT, SightConfig

__all__ = ["ACTORS", "Actor", "ActorConfig"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "silu": nn.SiLU}


class ActorConfig(Config):
    """What builds an actor's module.

    Attributes:
        hidden: widths of the hidden layers.
        activation: between them.
        account: K, numbers of the account's own state.
        outputs: A, logits of discrete actions or means of continuous ones.
        discrete: the action is the place of the largest output.
        assets: that an account holds; their features lie side by side, in the order of the symbols that it learned on.
        standardised: the account's numbers are standardised by what training saw.
        sight: what turns a window into what is seen; none: its numbers are seen as they are.
    """

    name: Literal["actor"] = "actor"
    hidden: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (256, 128)
    activation: Literal["tanh", "relu", "silu"] = "tanh"
    account: Annotated[int, Field(ge=1)] = 6
    outputs: Annotated[int, Field(ge=1)] = 3
    discrete: bool = True
    assets: Annotated[int, Field(ge=1)] = 1
    standardised: bool = False
    sight: SightConfig | None = None

    def build(self, n_features: int, window: int, n_assets: int) -> "Actor":
        """The module `forward(x_BLF, account_BK, asset_B) -> output_BA`."""
        if self.sight is None:
            return Actor(self, n_features * self.assets * window)
        return Actor(self, self.sight.width, self.sight.build(n_features, window, n_assets))


class Actor(nn.Module):
    """`forward(x_BLF, account_BK, asset_B) -> output_BA`: `look`, then `decide`."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: ActorConfig, seen: int, sight: nn.Module | None = None) -> None:
        super().__init__()
        self.config, self.sight = config, sight
        self.register_buffer("mean", torch.zeros(config.account))
        self.register_buffer("deviation", torch.ones(config.account))
        widths = (seen + config.account, *config.hidden)
        layers = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), _ACTIVATIONS[config.activation]())]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], config.outputs))

    def forward(self, x_BLF: Tensor, account_BK: Tensor, asset_B: Tensor | None = None) -> Tensor:
        """Logits or means f32[B, A]; symbols i64[B] as the sight knows them, where it does, -1 unknown."""
        return self._told(self.look(x_BLF, asset_B), account_BK)

    def look(self, x_BLF: Tensor, asset_B: Tensor | None = None) -> Tensor:
        """What is seen of windows, f32[B, E]."""
        if self.sight is None:
            return x_BLF.flatten(1)
        return self.sight(x_BLF, torch.full((len(x_BLF),), -1) if asset_B is None else asset_B)

    def decide(self, seen_BE: Tensor, account_BK: Tensor) -> Tensor:
        """The most likely actions, i64[B] or f32[B, A]."""
        output = self._told(seen_BE, account_BK)
        return output.argmax(dim=1) if self.config.discrete else output

    def act(self, x_BLF: Tensor, account_BK: Tensor, asset_B: Tensor | None = None) -> Tensor:
        """The most likely actions for windows."""
        return self.decide(self.look(x_BLF, asset_B), account_BK)

    def _told(self, seen_BE: Tensor, account_BK: Tensor) -> Tensor:
        if self.config.standardised:
            account_BK = ((account_BK - self.mean) / self.deviation).clamp(-LIMIT, LIMIT)
        return self.layers(torch.cat((seen_BE, account_BK), dim=1))


ACTORS: dict[str, type[Config]] = {"actor": ActorConfig}
