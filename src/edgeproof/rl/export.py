"""One member of a trained agent as a plain module, which bundles carry and which needs nothing of this package's rl."""

from copy import deepcopy

import torch
from torch import nn

from edgeproof.models.actor import Actor, ActorConfig
from edgeproof.models.sight import SightConfig
from edgeproof.rl.agent import Agent
from edgeproof.rl.interface import Discrete

__all__ = ["actor_of"]

_EPS = 1e-8


def actor_of(agent: Agent, place: int = 0, assets: int = 1) -> tuple[ActorConfig, Actor]:
    """The actor of a member, in evaluation mode and float32, and what builds it.

    Args:
        agent: trained.
        place: of the member.
        assets: A, of its account.
    """
    policy, inputs, encoders = agent.policy, agent.inputs, agent.policy.encoders
    net, actions, moments = policy.net, policy.actions, agent.moments
    config = ActorConfig(
        hidden=net.actor,
        activation=net.activation,
        account=inputs.dense,
        outputs=policy.width,
        assets=assets,
        discrete=isinstance(actions, Discrete),
        standardised=moments is not None,
        sight=None if encoders is None else SightConfig(model=encoders.model, width=encoders.width),
    )
    sight = None if encoders is None else deepcopy(encoders.modules[place]).float()
    actor = Actor(config, inputs.size - inputs.dense if encoders is None else encoders.width, sight)
    linear = [layer for layer in actor.layers if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for layer, (weight, bias) in zip(linear, policy.actor_layers(place), strict=True):
            layer.weight.copy_(weight.T[: layer.out_features])
            layer.bias.copy_(bias[: layer.out_features])
        if moments is not None:
            actor.mean.copy_(moments.mean[place, 0])
            actor.deviation.copy_((moments.variance[place, 0] + _EPS).sqrt())
    return config, actor.eval()
