"""Labels: a plain catalog of tradable targets, each known at a stated bar."""

from edgeproof.core.config import Config
from edgeproof.labels.decide import decision_bars
from edgeproof.labels.forward import ForwardReturnConfig
from edgeproof.labels.label import Bracket, Labels

__all__ = ["LABELS", "Bracket", "ForwardReturnConfig", "Labels", "decision_bars"]

LABELS: dict[str, type[Config]] = {"forward_return": ForwardReturnConfig}
