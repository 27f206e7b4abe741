"""Members of a population know nothing of each other: each ends up as it would have alone."""

# P members, D weights

import torch

from edgeproof.core.finding import Finding, failed, passed
from edgeproof.core.rng import Rng
from edgeproof.rl.chain import ENDS, GOES_ON, Chain, ChainEnvironment
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.learner import Learner
from edgeproof.rl.settings import NetConfig, PpoConfig

__all__ = ["members_apart"]

LOOKS = ((0.0, 1.0), (3.0, -1.0), (-8.0, 0.5))
TO, ENDINGS = ((1, 2), (1, 1), (2, 2)), ((GOES_ON, GOES_ON), (ENDS, ENDS), (ENDS, ENDS))
# rewards of very different size: what is pooled between members shows
REWARDS = (((0.0, 0.1), (1.0, 0.5), (-0.5, 0.0)), ((-5.0, 5.0), (0.0, 60.0), (40.0, 0.0)))
CLOSE = 1e-6
UPDATES = 3


def members_apart(rng: Rng) -> Finding:
    """Two members with rewards and settings of their own, together and each alone, in double precision."""
    config = PpoConfig(
        net=NetConfig(actor=(8,), critic=(8,)), steps=12, accounts=8, minibatch=32, epochs=2, total_steps=960,
        precision="fp64", normalise_observations=True, normalise_rewards=True, schedule="none", lr=0.003, entropy=0.05,
    )  # fmt: skip
    configs = [config, config.model_copy(update={"lr": 0.01, "gamma": 0.8, "clip": 0.1, "entropy": 0.001})]
    together = _weights(REWARDS, configs, (0, 1), rng)
    alone = [_weights(REWARDS[m : m + 1], configs[m : m + 1], (m,), rng) for m in range(2)]
    apart = [float((together[m] - alone[m][0]).abs().max()) for m in range(2)]
    plot = {
        "kind": "bars", "title": "members together and alone", "x": [0, 1], "y": apart, "threshold": CLOSE,
        "names": ["member 0", "member 1"], "x_label": "", "y_label": "largest difference of a weight",
    }  # fmt: skip
    check, told = "rl.members_apart", {"measured": max(apart), "threshold": CLOSE, "plot": plot}
    if not max(apart) <= CLOSE:
        claim = f"after {UPDATES} updates a member's weights are {max(apart):.2g} from those that it gets alone"
        fix = "look for a mean, norm, random number or setting that is taken over all members instead of each"
        return failed(check, "error", claim, fix, **told)
    return passed(check, f"each member ends as it does alone, within {max(apart):.1g}", **told)


def _weights(rewards: tuple, configs: list[PpoConfig], members: tuple[int, ...], rng: Rng) -> torch.Tensor:
    chain = Chain(LOOKS, rewards, TO, ENDINGS, (1, 0, 0))
    learner = Learner(ChainEnvironment(chain, 8 * len(configs)), configs, Keys(rng, members))
    learner.begin()
    for number in range(UPDATES):
        learner.update(number)
    return learner.policy.flat.clone()
