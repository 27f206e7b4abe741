"""A multilayer perceptron on the flattened window beside a symbol embedding."""

# B batch, L window, F features, I = L * F, E embedding, D encoding

from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from edgeproof.core.config import Config, Tune
from edgeproof.models.dropout import Dropout
from edgeproof.models.embed import AssetEmbedding
from edgeproof.models.heads import BinaryHead, Classifier

__all__ = ["MlpConfig"]

_LAYERS = ((128, 64), (256, 128), (256, 128, 64), (512, 256, 128))
_ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


class MlpConfig(Config):
    """186,873 parameters at L = 24, F = 23 and 143 assets.

    Attributes:
        hidden: widths of the hidden layers.
        activation: `relu` or `tanh`.
        batch_norm: normalise each hidden layer over the batch (Ioffe & Szegedy 2015), before the activation.
        dropout: share of hidden units silenced in a training step (Srivastava et al. 2014).
        embedding: numbers a symbol.
    """

    name: Literal["mlp"] = "mlp"
    hidden: Annotated[tuple[Annotated[int, Field(ge=1, le=65536)], ...], Field(min_length=1), Tune(choices=_LAYERS)] = (
        256,
        128,
        64,
    )
    activation: Annotated[Literal["relu", "tanh"], Tune(choices=("relu", "tanh"))] = "relu"
    batch_norm: Annotated[bool, Tune(choices=(True, False))] = True
    dropout: Annotated[float, Field(ge=0, lt=1), Tune(0.2, 0.5)] = 0.3
    embedding: Annotated[int, Field(ge=1, le=4096)] = 8

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        """The module `forward(x_BLF, asset_B) -> logit_B`."""
        encoder = _MlpEncoder(self, n_features * window, n_assets)
        return Classifier(encoder, BinaryHead(self.hidden[-1]))


class _MlpEncoder(nn.Module):
    """`(x_BLF, asset_B) -> z_BD` with D the last hidden width.

    The first layer reads window and symbol side by side, in two products: one over both would also make the gradient of
    the window, a quarter of the whole step, which nobody reads.
    """

    def __init__(self, config: MlpConfig, inputs: int, n_assets: int) -> None:
        super().__init__()
        self.embedding = AssetEmbedding(n_assets, config.embedding)
        layers: list[nn.Module] = []
        width = inputs + config.embedding
        for hidden in config.hidden:
            layers.append(nn.Linear(width, hidden))
            layers.extend([nn.BatchNorm1d(hidden)] if config.batch_norm else [])
            layers.append(_ACTIVATIONS[config.activation]())
            layers.append(Dropout(config.dropout))
            width = hidden
        self.layers = nn.Sequential(*layers)

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        first: Any = self.layers[0]
        x_BI, e_BE = x_BLF.flatten(1), self.embedding(asset_B)
        of_window, of_symbol = first.weight.split((x_BI.shape[1], e_BE.shape[1]), dim=1)
        z = functional.linear(x_BI, of_window, first.bias) + functional.linear(e_BE, of_symbol)
        for layer in islice(self.layers, 1, None):
            z = layer(z)
        return z
