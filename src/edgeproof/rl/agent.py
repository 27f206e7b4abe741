"""An agent: networks of P members with all that turns an observation into an action; on disk, one container."""

# P members, N = P * n accounts, A action numbers

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgeproof.core.config import from_mapping
from edgeproof.core.container import read_container, write_container
from edgeproof.core.errors import BundleError
from edgeproof.rl.encoders import LearnedEncoderConfig
from edgeproof.rl.eyes import encoders_of
from edgeproof.rl.inputs import Inputs
from edgeproof.rl.interface import ActionSpace, Continuous, Discrete, Layout, Observation
from edgeproof.rl.learning.collect import seen
from edgeproof.rl.learning.distribution import draw, greedy
from edgeproof.rl.learning.normalise import Moments
from edgeproof.rl.learning.policy import Policy
from edgeproof.rl.settings import NetConfig

__all__ = ["Agent", "read_agent"]


@dataclass(frozen=True)
class Agent:
    """What acts. Of P members the first n accounts are the first one's.

    Attributes:
        policy: the networks.
        inputs: how observations become rows.
        moments: by which observations are normalised; none: not.
    """

    policy: Policy
    inputs: Inputs
    moments: Moments | None = None

    @property
    def members(self) -> int:
        """P."""
        return len(self.policy.flat)

    def act(self, observation: Observation, noise: Tensor | None = None) -> Tensor:
        """Actions i64[N] or f32[N, A]: the most likely ones, or drawn by noise f32[P, n, A]."""
        with torch.no_grad():
            outputs = self.policy.forward(seen(self.inputs, self.members, observation, self.moments))
        actions = self.policy.actions
        if noise is None:
            return greedy(actions, outputs.action).flatten(0, 1)
        return draw(actions, outputs.action, outputs.log_std, noise).flatten(0, 1)

    def chances(self, observation: Observation) -> Tensor:
        """Probabilities of all actions f32[N, A]; of continuous actions their mean."""
        with torch.no_grad():
            output = self.policy.forward(seen(self.inputs, self.members, observation, self.moments)).action
        return (output.softmax(-1) if isinstance(self.policy.actions, Discrete) else output).flatten(0, 1)

    def value(self, observation: Observation) -> Tensor:
        """What the critic expects, [N]."""
        with torch.no_grad():
            return self.policy.values(seen(self.inputs, self.members, observation, self.moments)).flatten()

    def member(self, place: int) -> "Agent":
        """One member alone."""
        moments = None if self.moments is None else self.moments.member(place)
        return Agent(self.policy.member(place), self.inputs, moments)

    def write(self, path: Path) -> str:
        """Write the agent; returns the content hash."""
        arrays = {"weights": self.policy.flat}
        if self.moments is not None:
            arrays |= {f"moments.{name}": tensor for name, tensor in self.moments.arrays().items()}
        return write_container(path, {name: tensor.numpy() for name, tensor in arrays.items()}, self._header())

    def _header(self) -> dict[str, Any]:
        actions, encoders = self.policy.actions, self.policy.encoders
        kind = {"count": actions.count} if isinstance(actions, Discrete) else dict(vars(actions))
        return {
            "net": self.policy.net.model_dump(mode="json"),
            "actions": kind,
            "inputs": self.inputs.size,
            "members": self.members,
            "kind": str(self.policy.kind).removeprefix("torch."),
            "encoder": None if encoders is None else LearnedEncoderConfig(model=encoders.model).model_dump(mode="json"),
        }


def read_agent(path: Path, layout: Layout) -> Agent:
    """The agent in a file, for observations of this layout.

    Raises:
        BundleError: the file is truncated or altered, or its agent reads other observations.
    """
    arrays, header, _ = read_container(path)
    if header["inputs"] != layout.size:
        raise BundleError(
            f"{path}: the agent reads {header['inputs']} numbers, the observations here have {layout.size}"
        )
    kind, members = getattr(torch, header["kind"]), header["members"]
    body = header["actions"]
    actions: ActionSpace = Discrete(**body) if "count" in body else Continuous(**body)
    net, encoders = from_mapping(NetConfig, header["net"], str(path)), None
    if header.get("encoder") is not None:
        learned = from_mapping(LearnedEncoderConfig, header["encoder"], str(path))
        encoders = encoders_of(learned, layout, members=members, kind=kind)
    policy = Policy(net, layout.size, actions, members, kind, encoders=encoders)
    policy.load(torch.from_numpy(arrays["weights"]))
    moments = None
    if "moments.mean" in arrays:
        moments = Moments(members, layout.dense)
        moments.load({name: torch.from_numpy(arrays[f"moments.{name}"]) for name in moments.arrays()})
    return Agent(policy, Inputs(layout, kind), moments)
