"""What does not go with an agent, each with what to do instead; everything that the config alone tells."""

from typing import TYPE_CHECKING, cast

from edgeproof.backtest.policies import FollowConfig
from edgeproof.models.logistic import LogisticConfig
from edgeproof.rl.curriculum import stages_of
from edgeproof.rl.encoders import FrozenEncoderConfig, LearnedEncoderConfig, NoEncoderConfig
from edgeproof.rl.settings import PpoConfig

if TYPE_CHECKING:
    from edgeproof.recipe.config import RunConfig

__all__ = ["refusals"]


def refusals(config: "RunConfig") -> dict[str, str | bool]:
    """Why each key is refused beside the config's agent; False of one that is not."""
    follows, agent = isinstance(config.policy, FollowConfig), cast("PpoConfig", config.agent)
    combine, split = (part.model_dump()["name"] for part in (config.combine, config.split))
    stages, environment = stages_of(agent.curriculum), config.environment
    largest = max(environment.levels if environment.actions == "discrete" else (environment.largest,))
    return {
        "policy": not follows and "an agent's positions are held as it says them; set policy=follow",
        "decide_every": config.decide_every > 1 and "an agent decides at every bar; set decide_every=1",
        "combine": combine not in ("single", "multi_start") and "agents are trained single or as multi_start",
        "split": split not in ("holdout", "walk_forward")
        and "an agent learns from one unbroken span; set split=holdout or walk_forward",
        "gates.profile": bool(config.gates.tries())
        and "what standard and full try is made for models; set gates.profile=quick",
        "augment": bool(config.augment.kinds) and "an agent learns from the bars as they are; leave it out",
        "transfer": bool(config.transfer.bundle)
        and not config.has_eyes
        and "an agent begins anew; leave it out, or set agent.encoder=frozen to see by that bundle's encoder",
        "transfer.frozen": config.transfer.frozen and "agent.encoder=frozen says so already; leave it out",
        "model": config.has_eyes and hasattr(config.model, "fit_trees") and "trees have no encoder; set another model",
        "agent.encoder frozen": _sees_nothing(config)
        and "model logistic has no encoder that learns; set agent.encoder.anchors=0 to see its forecast alone, or "
        "model=gru_attention or another network",
        "agent.encoder learned": isinstance(agent.encoder, LearnedEncoderConfig)
        and (isinstance(agent.encoder.model, LogisticConfig) or hasattr(agent.encoder.model, "fit_trees"))
        and f"model {agent.encoder.model.model_dump()['name']} has no encoder that learns; set agent.encoder.model to "
        "a network such as gru_attention",
        "agent.curriculum": config.has_eyes
        and any(stage.changes_features for stage in stages)
        and "stages with fewer features, scenarios or other timeframes need agent.encoder=none or learned: frozen "
        "encodings are made of the bars as they are",
        "agent.encoder": environment.assets > 1
        and not isinstance(agent.encoder, NoEncoderConfig)
        and "an encoder reads the window of one symbol; set agent.encoder=none, or environment.assets=1",
        "agent.curriculum.symbols": environment.assets > 1
        and any(stage.symbols for stage in stages)
        and "an account of several symbols cannot learn on fewer; use stages of your own without symbols",
        "environment.gross": environment.assets > 1
        and not 0.0 < environment.gross <= 1.0
        and "the weights of a run's account sum to 1 at most: set it to 1, or to less (`exposure` says what 1 is)",
        "policy.assets": isinstance(config.policy, FollowConfig)
        and config.policy.assets != environment.assets
        and f"an agent whose account holds {environment.assets} is followed so; leave it out",
        "environment": largest > 1.0 and "positions are at most 1 in a run; `exposure` says what a whole one is",
    }


def _sees_nothing(config: "RunConfig") -> bool:
    """Whether anchors are asked of a model that only has a forecast."""
    encoder = cast("PpoConfig", config.agent).encoder
    seeing = isinstance(encoder, FrozenEncoderConfig) and encoder.anchors > 0
    return seeing and isinstance(config.model, LogisticConfig) and not config.transfer.bundle
