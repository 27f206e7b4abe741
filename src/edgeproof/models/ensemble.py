"""An ensemble is one module: its members' logits in, one logit out, so that whatever reads a model reads it too.

It stands in a catalog of its own, COMBINED, which bundles look into beside MODELS. MODELS is what can be trained, and
an ensemble cannot: its members are trained one by one and put together by `combine`.
"""

# K members, B batch, L window, F features

from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from edgeproof.core.config import Config, Part, part
from edgeproof.models import MODELS

__all__ = ["COMBINED", "Ensemble", "EnsembleConfig", "Rule", "pool", "vote"]

Rule = Literal["mean", "weighted", "vote"]


def pool(logit_KB: Tensor, weight_K: Tensor) -> Tensor:
    """Logit of the weighted mean of probabilities: log sum_k w_k s(z_k) - log sum_k w_k s(-z_k), s the sigmoid.

    The mixture of deep ensembles, p(y | x) = sum_k w_k p_k(y | x) (Lakshminarayanan, Pritzel & Blundell 2017, section
    2.4). Its log loss is never above the members' mean one (Jensen). Members that are each calibrated and differ give a
    mean that is too careful (Ranjan & Gneiting 2010); a threshold chosen on validation does not mind.
    """
    log_weight = weight_K.log().unsqueeze(1)
    yes = torch.logsumexp(functional.logsigmoid(logit_KB) + log_weight, dim=0)
    return yes - torch.logsumexp(functional.logsigmoid(-logit_KB) + log_weight, dim=0)


def vote(logit_KB: Tensor) -> Tensor:
    """Logit of the share of members above 0.5, kept half a vote away from 0 and from 1 so that it is finite.

    K members give K + 1 different forecasts: coarse, and not calibrated.
    """
    half = 0.5 / len(logit_KB)
    share = (logit_KB > 0).to(logit_KB.dtype).mean(dim=0)
    return torch.logit(share.clamp(half, 1 - half))


class EnsembleConfig(Config):
    """Members of one build under one rule; the weights themselves lie with the members' own.

    Attributes:
        of: the members' model.
        members: how many.
        rule: `mean` or `weighted` of probabilities, or `vote`.
    """

    name: Literal["ensemble"] = "ensemble"
    of: Annotated[Part, part(MODELS, "models")]
    members: Annotated[int, Field(ge=2)]
    rule: Rule = "mean"

    def build(self, n_features: int, window: int, n_assets: int) -> "Ensemble":
        """The module `forward(x_BLF, asset_B) -> logit_B`, its members fresh and of equal weight."""
        members = [self.of.build(n_features, window, n_assets) for _ in range(self.members)]  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
        return Ensemble(members, [1 / self.members] * self.members, self.rule)


class Ensemble(nn.Module):
    """Members and their weights.

    Args:
        members: modules `forward(x_BLF, asset_B) -> logit_B`.
        weights: non-negative, summing to 1; a vote counts every member once.
        rule: how their logits become one.
    """

    def __init__(self, members: Sequence[nn.Module], weights: Sequence[float], rule: Rule) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        place = next((tensor.device for tensor in self.members.state_dict().values()), None)
        self.weight = nn.Buffer(torch.tensor(weights, dtype=torch.float64, device=place))
        self.rule = rule

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        """One logit a sample, f32[B]."""
        logit_KB = torch.stack([member(x_BLF, asset_B) for member in self.members]).double()
        return (vote(logit_KB) if self.rule == "vote" else pool(logit_KB, self.weight)).float()


COMBINED: dict[str, type[Config]] = {"ensemble": EnsembleConfig}
