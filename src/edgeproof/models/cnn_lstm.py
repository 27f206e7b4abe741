"""Two convolutions over time, then an LSTM whose last state is read; it does not know which symbol it sees."""

# B batch, L window, F features, C channels

from typing import Annotated, ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from edgeproof.core.config import Config, Tune
from edgeproof.models.heads import BinaryHead, Classifier
from edgeproof.models.recurrent import TUNES, recurrent

__all__ = ["CnnLstmConfig"]


class CnnLstmConfig(Config):
    """248,641 parameters at L = 24, F = 23. The number of assets is accepted and ignored.

    Attributes:
        channels: filters of each convolution.
        kernel: bars that a filter reads: its own and those before it.
        layers: of the LSTM, one above the other.
        hidden: numbers of its state.
        dropout: between the LSTM's layers and before the head (Srivastava et al. 2014).
    """

    tunes: ClassVar[dict[str, Tune]] = TUNES
    search_trials: ClassVar[int] = 150
    name: Literal["cnn_lstm"] = "cnn_lstm"
    channels: Annotated[int, Field(ge=1, le=65536)] = 64
    kernel: Annotated[int, Field(ge=1, le=4096)] = 3
    layers: Annotated[int, Field(ge=1, le=16), Tune(choices=(1, 2, 3))] = 2
    hidden: Annotated[int, Field(ge=1, le=65536), Tune(choices=(64, 128, 256))] = 128
    dropout: Annotated[float, Field(ge=0, lt=1), Tune(0.2, 0.5)] = 0.3

    def build(self, n_features: int, window: int, n_assets: int) -> Classifier:
        """The module `forward(x_BLF, asset_B) -> logit_B`; it runs over windows of any length."""
        del window, n_assets
        return Classifier(_CnnLstmEncoder(self, n_features), BinaryHead(self.hidden))


class _CnnLstmEncoder(nn.Module):
    """`(x_BLF, asset_B) -> z_BD` with D the state's size."""

    def __init__(self, config: CnnLstmConfig, n_features: int) -> None:
        super().__init__()
        self.before = config.kernel - 1  # zeros before the window: no filter of the last bar reads beyond it
        self.first = nn.Conv1d(n_features, config.channels, config.kernel)
        self.first_norm = nn.BatchNorm1d(config.channels)
        self.second = nn.Conv1d(config.channels, config.channels, config.kernel)
        self.second_norm = nn.BatchNorm1d(config.channels)
        self.states = recurrent("lstm", config.channels, config.hidden, layers=config.layers, dropout=config.dropout)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BLF: Tensor, asset_B: Tensor) -> Tensor:
        del asset_B
        c_BCL = x_BLF.transpose(1, 2)
        for convolution, norm in ((self.first, self.first_norm), (self.second, self.second_norm)):
            c_BCL = functional.relu(norm(convolution(functional.pad(c_BCL, (self.before, 0)))))
        return self.dropout(self.states(c_BCL.transpose(1, 2))[0][:, -1])
