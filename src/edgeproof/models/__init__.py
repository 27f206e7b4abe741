"""Models: one file and one line each; a config's `build` gives a module `forward(x_BLF, asset_B) -> logit_B`."""

from edgeproof.core.config import Config
from edgeproof.models.logistic import LogisticConfig
from edgeproof.models.mlp import MlpConfig

__all__ = ["MODELS"]

MODELS: dict[str, type[Config]] = {"logistic": LogisticConfig, "mlp": MlpConfig}
