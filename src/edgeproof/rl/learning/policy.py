"""Actor and critic of P members as one flat tensor [P, D]: one optimiser step, one norm, one checkpoint entry."""

# P members, B samples, I inputs, A action numbers, D weights of a member

import math
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.core.device import one_thread_each, thread_count
from edgeproof.rl.eyes import Encoders
from edgeproof.rl.interface import ActionSpace, Discrete
from edgeproof.rl.keys import Keys
from edgeproof.rl.learning.tower import ALONE, Layer, Trace, backward, forward
from edgeproof.rl.learning.workers import Workers, together
from edgeproof.rl.settings import NetConfig

__all__ = ["Outputs", "Policy"]

SEEN = 512  # rows that an encoder reads at once
PART, HEAVY = 2048, 1 << 28  # least rows of a part of a minibatch, and weights that all of them read together
WORTH = 1 << 23  # weights read by all rows together from which on handing a part to another thread is worth it


@dataclass(frozen=True)
class _Piece:
    """A weight of every member: its shape, and where it lies in D."""

    shape: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        return self.start + math.prod(self.shape)

    def view(self, flat: Tensor) -> Tensor:
        return flat[:, self.start : self.stop].unflatten(1, self.shape)


@dataclass(frozen=True)
class Outputs:
    """What the networks say of observations.

    Attributes:
        action: f32[P, B, A] logits, or means.
        value: f32[P, B].
        log_std: f32[P, 1, A] of continuous actions; of discrete ones of no width.
        traces: for the backward pass.
        x: [P, B, I] what was seen, where encoders read it.
    """

    action: Tensor
    value: Tensor
    log_std: Tensor
    traces: tuple[Trace, ...]
    x: Tensor | None = None


class Policy:
    """Stacked networks: hidden layers start orthogonal at sqrt(2), the actor's last at 0.01, the critic's at 1.

    Args:
        net: widths and activation.
        inputs: I.
        actions: what the actor gives.
        members: P.
        kind: of the products; weights and outputs are float32, or float64 where this is.
        encoders: what turns the windows of inputs into encodings; their weights come first.

    Attributes:
        workers: who share the work on many rows; none: the calling thread alone.
    """

    def __init__(
        self,
        net: NetConfig,
        inputs: int,
        actions: ActionSpace,
        members: int,
        kind: torch.dtype,
        *,
        encoders: Encoders | None = None,
    ) -> None:
        self.net, self.inputs, self.actions, self.kind, self.encoders = net, inputs, actions, kind, encoders
        self.width = actions.count if isinstance(actions, Discrete) else actions.size
        seen = inputs if encoders is None else encoders.width + inputs - encoders.window * encoders.features
        self._pieces = _pieces(net, seen, actions, 0 if encoders is None else encoders.size)
        size = max(piece.stop for piece in self._pieces.values())
        whole = torch.float64 if kind == torch.float64 else torch.float32
        self.flat, self.gradient = (torch.zeros(members, size, dtype=whole) for _ in range(2))
        self._cast = self.flat if kind == whole else torch.zeros(members, size, dtype=kind)
        self._layers, self._into = self.towers(self._cast), self.towers(self.gradient)
        self._each: list[Policy] = []
        self._asides: list[Policy] = []
        self.workers: Workers | None = None
        if encoders is not None:
            encoders.bind(self.flat)

    def start(self, keys: Keys) -> "Policy":
        """Give every member its first weights, by one thread: more of them turn vectors orthogonal to other bits."""
        with one_thread_each():
            for place, member in enumerate(keys.members):
                self._start(place, keys.of(member, "weights").torch())
                if self.encoders is not None:
                    self.encoders.start(place, keys.of(member, "encoder"))
        self.refresh()
        return self

    def _start(self, place: int, source: torch.Generator) -> None:
        for name, piece in self._pieces.items():
            part = piece.view(self.flat)[place]
            if name == "log_std":
                part.fill_(self.net.log_std)
            elif name.endswith("weight"):
                fresh = torch.empty(piece.shape[::-1])
                for rows, gain in self._gains(name, piece.shape):
                    nn.init.orthogonal_(fresh[rows], gain, generator=source)
                part.copy_(fresh.T)

    def refresh(self) -> None:
        """Let the products see weights that have moved."""
        if self._cast is not self.flat:
            self._cast.copy_(self.flat)

    def member(self, place: int) -> "Policy":
        """One member alone, on the same weights."""
        encoders = None if self.encoders is None else self.encoders.alone()
        alone = Policy(self.net, self.inputs, self.actions, 1, self.kind, encoders=encoders)
        alone.load(self.flat[place : place + 1])
        return alone

    @property
    def members(self) -> int:
        """P."""
        return len(self.flat)

    def one_by_one(self, rows: int) -> bool:
        """Whether members learn from this many samples faster in turn: what one has at hand stays in the cache.

        Of bfloat16 numbers enough stays there anyway.
        """
        wide = self.kind != torch.bfloat16 and rows >= ALONE
        return wide and self.encoders is None and self.flat.device.type == "cpu"

    def each(self) -> list["Policy"]:
        """Every member alone, on the same weights and into the same gradient."""
        if not self._each:
            self._each = [self._view(place) for place in range(self.members)]
        return self._each

    def _view(self, place: int) -> "Policy":
        view, own = copy(self), slice(place, place + 1)
        view.flat, view.gradient, view._cast = self.flat[own], self.gradient[own], self._cast[own]
        view._layers, view._into, view._each = self.towers(view._cast), self.towers(view.gradient), []
        view.workers, view._asides = None, []
        return view

    def parts(self, rows: int) -> int:
        """Into how many parts a minibatch of one member goes: as its work asks, whatever threads there are."""
        if self.members > 1 or self.flat.device.type != "cpu":
            return 1
        eyes = 0 if self.encoders is None else self.encoders.size * (self.encoders.window - 1)
        return max(1, min(rows // PART, rows * (self.flat.shape[1] + eyes) // HEAVY))

    def asides(self, count: int) -> list["Policy"]:
        """As many views of the same weights, each with a gradient of its own."""
        while len(self._asides) < count:
            view = copy(self)
            view.gradient, view.workers, view._each, view._asides = torch.zeros_like(self.gradient), None, [], []
            view._into = view.towers(view.gradient)
            self._asides.append(view)
        return self._asides[:count]

    def whole(self) -> "Policy":
        """The networks with products of their weights' own precision, as a bundle has them."""
        if self.kind == self.flat.dtype:
            return self
        members, kind = len(self.flat), self.flat.dtype
        encoders = None if self.encoders is None else self.encoders.alone(members)
        exact = Policy(self.net, self.inputs, self.actions, members, kind, encoders=encoders)
        exact.load(self.flat)
        return exact

    def load(self, flat: Tensor) -> None:
        """Take over weights [P, D]."""
        self.flat.copy_(flat)
        self.refresh()

    def forward(self, x: Tensor) -> Outputs:
        """Logits or means, and values, of inputs [P, B, I] in the products' kind."""
        seen = self._seen(x)
        found: list[Any] = [None] * len(self._layers)

        def go(place: int) -> None:
            found[place] = self.ahead(place, seen)

        self._divided(go, x)
        both, traces = zip(*found, strict=True)
        action, value = both if len(both) == 2 else both[0].split((self.width, 1), dim=-1)
        return Outputs(action, value.squeeze(-1), self.log_std, traces, None if self.encoders is None else x)

    @property
    def two(self) -> bool:
        """Actor and critic share nothing, not even an encoding."""
        return len(self._layers) > 1 and self.encoders is None

    def apart(self, rows: int) -> Workers | None:
        """Who can work on actor and critic of so many rows side by side; none where it is not worth it."""
        worth = self.members * rows * self.flat.shape[1] >= WORTH
        return self.workers if self.two and worth and thread_count() > 1 else None

    def judges_later(self, rows: int) -> bool:
        """Whether the critic, which no action asks for, had better see many steps at once."""
        return self.two and self.flat.device.type == "cpu" and self.members * rows >= ALONE

    def ahead(self, place: int, seen: Tensor) -> tuple[Tensor, Trace]:
        """Output [P, B, O] of the trunk, or of the actor (0) or the critic (1), of what first layers read."""
        output, trace = forward(self._layers[place], seen, self.net.activation)
        return output.to(self.flat.dtype).contiguous(), trace

    def back(self, place: int, trace: Trace, gradient: Tensor, *, inputs: bool = False) -> Tensor | None:
        """Put the gradients of this tower's weights in their places, of that of its output."""
        end, into = gradient.to(self.kind), self._into[place]
        return backward(self._layers[place], trace, end, self.net.activation, into=into, inputs=inputs)

    def steer(self, log_std: Tensor) -> None:
        """Put the gradient of continuous actions' deviations in its place."""
        self._pieces["log_std"].view(self.gradient).copy_(log_std)

    def values(self, x: Tensor) -> Tensor:
        """Values alone, [P, B]."""
        return forward(self._layers[-1], self._seen(x), self.net.activation)[0][..., -1].to(self.flat.dtype)

    def _seen(self, x: Tensor) -> Tensor:
        """What the first layers read."""
        if self.encoders is None:
            return x
        encoders, cuts = self.encoders, x.split(SEEN, dim=1) if x.device.type == "cpu" else (x,)
        found: list[Any] = [None] * len(cuts)

        def go(place: int) -> None:
            found[place] = encoders.rows(cuts[place])

        together([partial(go, place) for place in range(len(cuts))], self.workers)
        return found[0] if len(found) == 1 else torch.cat(found, dim=1)

    @property
    def log_std(self) -> Tensor:
        """[P, 1, A] of continuous actions; of discrete ones of no width."""
        piece = self._pieces.get("log_std")
        return self.flat[:, None, :0] if piece is None else piece.view(self.flat)

    def actor_layers(self, place: int) -> list[tuple[Tensor, Tensor]]:
        """Weight [I, O] and bias [O] of each of a member's layers up to its actions; a shared trunk's last also has V.

        The first columns of the last layer are the actor's.
        """
        return [(layer.weight[place], layer.bias[place, 0]) for layer in self.towers(self.flat)[0]]

    def _divided(self, go: Callable[[int], None], x: Tensor) -> None:
        """Do a part for every tower: side by side where it is worth handing one over, else one after the other."""
        worth = x.shape[0] * x.shape[1] * self.flat.shape[1] >= WORTH
        together([partial(go, place) for place in range(len(self._layers))], self.workers if worth else None)

    def backward(self, outputs: Outputs, gradients: Mapping[str, Tensor], *, inputs: bool = False) -> Tensor | None:
        """Put the gradient of every weight into `gradient`.

        Args:
            outputs: of the forward pass.
            gradients: of `action`, `value` and, where there is one, `log_std`.
            inputs: also give the gradient of what the first layers read.
        """
        asked = inputs or self.encoders is not None
        value = gradients["value"].unsqueeze(-1)
        ends = [torch.cat((gradients["action"], value), -1)] if self.net.shared else [gradients["action"], value]
        found: list[Tensor | None] = [None] * len(ends)

        def go(place: int) -> None:
            found[place] = self.back(place, outputs.traces[place], ends[place], inputs=asked)

        self._divided(go, outputs.value)
        if "log_std" in self._pieces:
            self.steer(gradients["log_std"])
        if not asked:
            return None
        read = torch.stack([part for part in found if part is not None]).sum(0)
        if self.encoders is not None and outputs.x is not None:
            self.encoders.backward(outputs.x, read, self.gradient)
        return read if inputs else None

    def _gains(self, name: str, shape: tuple[int, ...]) -> list[tuple[slice, float]]:
        last = {"actor": 0.01, "critic": 1.0}
        tower, number, _ = name.split(".")
        depth = len(self.net.critic if tower == "critic" else self.net.actor)
        if int(number) < depth:
            return [(slice(None), math.sqrt(2))]
        if tower == "trunk":
            return [(slice(self.width), last["actor"]), (slice(self.width, shape[1]), last["critic"])]
        return [(slice(None), last[tower])]

    def towers(self, flat: Tensor) -> list[list[Layer]]:
        """Layers of the trunk, or of actor and critic, as views of weights, or of a gradient, [P, D]."""
        towers: dict[str, list[Layer]] = {}
        for name, piece in self._pieces.items():
            tower, *rest = name.split(".")
            if rest and rest[1] == "weight":
                bias = self._pieces[f"{tower}.{rest[0]}.bias"].view(flat)
                towers.setdefault(tower, []).append(Layer(piece.view(flat), bias))
        return list(towers.values())


def _pieces(net: NetConfig, inputs: int, actions: ActionSpace, start: int) -> dict[str, _Piece]:
    width = actions.count if isinstance(actions, Discrete) else actions.size
    towers = (
        {"trunk": (*net.actor, width + 1)} if net.shared else {"actor": (*net.actor, width), "critic": (*net.critic, 1)}
    )
    pieces: dict[str, _Piece] = {}
    place = start

    def add(name: str, *shape: int) -> None:
        nonlocal place
        pieces[name] = _Piece(shape, place)
        place = pieces[name].stop

    for tower, widths in towers.items():
        for number, (rows, columns) in enumerate(zip((inputs, *widths[:-1]), widths, strict=True)):
            add(f"{tower}.{number}.weight", rows, columns)
            add(f"{tower}.{number}.bias", 1, columns)
    if not isinstance(actions, Discrete):
        add("log_std", 1, width)
    return pieces
