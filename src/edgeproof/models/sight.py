"""What an agent sees in the place of a window: an encoding of it, and perhaps what the encoder's model says of it.

Encoders of equal build that were trained apart turn the same window into numbers that do not compare: each has axes of
its own. So encodings are told by their inner products with those of some windows that all of them are shown, the
anchors (Moschella et al. 2023, Relative representations enable zero-shot latent space communication; they divide by
lengths, which are kept here). These numbers are the same for encoders that differ by a rotation and a scale.
"""

# B batch, L window, F features, D encoding, M anchors, N samples, E numbers that are seen

from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn

from edgeproof.core.config import Config, Part, part
from edgeproof.models import MODELS
from edgeproof.models.gru_attention import GruAttentionConfig

__all__ = ["LIMIT", "Anchored", "Sight", "SightConfig"]

LIMIT = 10.0  # of a number that is seen


class SightConfig(Config):
    """What builds the module `forward(x_BLF, asset_B) -> e_BE`.

    Attributes:
        model: whose encoder it is.
        width: E.
        anchors: M; 0: the encoding is seen as it is and no forecast, unless `forecast`.
        symbols: the encoder knows which symbol it looks at.
        forecast: without anchors, the model's forecast is seen in the place of its encoding.
    """

    model: Annotated[Part, part(MODELS, "models")] = GruAttentionConfig()
    width: Annotated[int, Field(ge=1)] = 1
    anchors: Annotated[int, Field(ge=0)] = 0
    symbols: bool = False
    forecast: bool = False

    def build(self, n_features: int, window: int, n_assets: int) -> "Sight | Anchored":
        """The module, its weights from chance."""
        known = n_assets if self.symbols else 1
        model = self.model.build(n_features, window, known)  # pyright: ignore[reportAttributeAccessIssue] - every model config builds
        if not (self.anchors or self.forecast):
            return Sight(model.encoder)
        with torch.no_grad():
            width = Sight(model.encoder).eval()(torch.zeros(1, window, n_features), torch.zeros(1).long()).shape[1]
        return Anchored(model, torch.zeros(self.anchors, width), torch.zeros(width), torch.ones(self.anchors + 1))


class Sight(nn.Module):
    """An encoder's encodings as they are; it is told of no symbol."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        """Encodings f32[B, E]."""
        return self.encoder(x_BLF, torch.zeros_like(asset_B))


class Anchored(nn.Module):
    """A trained model's encodings by their anchors, and its forecast: e = ((z - centre) . anchors, logit) / spread.

    Args:
        model: a `Classifier`.
        anchors: f32[M, D] encodings of the anchors less the centre; none of them: the forecast alone is seen.
        centre: f32[D].
        spread: f32[M + 1] of each number.
    """

    anchors: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, model: Any, anchors: Tensor, centre: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.encoder, self.head = model.encoder, model.head
        for name, tensor in (("anchors", anchors), ("centre", centre), ("spread", spread)):
            self.register_buffer(name, tensor)

    @classmethod
    def measured(cls, model: Any, z_MD: Tensor, z_ND: Tensor) -> "Anchored":
        """Centre and spreads as they are over some windows, so that what is seen has deviation 1 there.

        Args:
            model: a trained `Classifier`.
            z_MD: its encodings of the anchors.
            z_ND: its encodings of windows that it was trained on.
        """
        with torch.no_grad():
            centre = z_ND.mean(dim=0)
            anchors = z_MD - centre
            spread = torch.cat(((z_ND - centre) @ anchors.T, model.head(z_ND).unsqueeze(1)), dim=1).std(dim=0)
        return cls(model, anchors, centre, spread.clamp(min=1e-6))

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        """Numbers f32[B, M + 1], each within 10."""
        z_BD = self.encoder(x_BLF, asset_B)
        told = torch.cat(((z_BD - self.centre) @ self.anchors.T, self.head(z_BD).unsqueeze(1)), dim=1)
        return (told / self.spread).clamp(-LIMIT, LIMIT)
