"""Labels: a plain catalog of tradable targets, each known at a stated bar."""

from edgeproof.core.config import Config
from edgeproof.labels.barrier import TripleBarrierConfig
from edgeproof.labels.decide import decision_bars
from edgeproof.labels.forward import ForwardReturnConfig
from edgeproof.labels.label import Bracket, Labels
from edgeproof.labels.opportunity import OpportunityConfig

__all__ = [
    "LABELS",
    "Bracket",
    "ForwardReturnConfig",
    "Labels",
    "OpportunityConfig",
    "TripleBarrierConfig",
    "decision_bars",
]

LABELS: dict[str, type[Config]] = {
    "forward_return": ForwardReturnConfig,
    "opportunity": OpportunityConfig,
    "triple_barrier": TripleBarrierConfig,
}
