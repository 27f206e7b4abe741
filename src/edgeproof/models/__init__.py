"""Models: one file and one line each; a config's `build` gives a module `forward(x_BLF, asset_B) -> logit_B`."""

from edgeproof.core.config import Config
from edgeproof.models.cnn_lstm import CnnLstmConfig
from edgeproof.models.gbm import GbmConfig
from edgeproof.models.gru_attention import GruAttentionConfig
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.lstm_attention import LstmAttentionConfig
from edgeproof.models.mlp import MlpConfig

__all__ = ["MODELS"]

MODELS: dict[str, type[Config]] = {
    "logistic": LogisticConfig,
    "mlp": MlpConfig,
    "lstm_attention": LstmAttentionConfig,
    "gru_attention": GruAttentionConfig,
    "cnn_lstm": CnnLstmConfig,
    "gbm": GbmConfig,
}
