"""A device that is none: tensors that say they lie on `far`, computed by the processor, so that mixed devices are seen.

An operation on tensors of both places is refused as CUDA refuses it; only copies go from one to the other, and an index
of the processor is taken, as there. numpy cannot read what is far.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from edgeproof.core.rng import Rng
from edgeproof.rl.interface import ActionSpace, Layout, Observation, Step

__all__ = ["FAR", "Afar", "far"]

backend_registration._setup_privateuseone_for_python_backend("far")
FAR = torch.device("far:0")
aten = torch.ops.aten
COPY, CAST = aten.copy_.default, aten._to_copy.default
INDEXED = {aten.index.Tensor, aten.index_put_.default, aten._index_put_impl_.default}
SET_DATA: Any = vars(torch._C.TensorBase)["data"].__set__


class Far(Tensor):
    """Holds its numbers in `near`, a tensor of the processor."""

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> "Far":
        made = Tensor._make_wrapper_subclass(
            cls, near.shape, strides=near.stride(), storage_offset=near.storage_offset(), dtype=near.dtype, device=FAR
        )
        made.near = near
        return made

    def __repr__(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return f"Far({self.near})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


class Place(TorchDispatchMode):
    """New tensors lie where they are asked for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


class Made(TorchFunctionMode):
    """What no dispatch sees: `torch.tensor` makes a list here and copies it there, `tolist` does the reverse."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.tolist:
            return args[0].cpu().tolist()
        if func == SET_DATA and isinstance(args[0], Far):
            args[0].near = args[1].near
        if func is not torch.tensor or kwargs.get("device") is None:
            return func(*args, **kwargs)
        return func(*args, **kwargs | {"device": "cpu"}).to(kwargs["device"])


def _done(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The operation on what is near; what it answers is far if its tensors were, or it was asked for there."""
    tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)]
    away, asked = [x for x in tensors if isinstance(x, Far)], kwargs.get("device")
    into_far = bool(away) and isinstance(args[0], Far)
    if away and func is not COPY and func is not CAST:
        mixed = [x for x in tensors if x.dim() and not isinstance(x, Far)]
        assert not mixed or (func in INDEXED and into_far), f"{func}: tensors of far and of the processor"
    kwargs = kwargs if asked is None else kwargs | {"device": torch.device("cpu")}
    args, kwargs = tree_map(lambda x: x.near if isinstance(x, Far) else x, (args, kwargs))
    found = func(*args, **kwargs)
    if (into_far if func is COPY else bool(away)) if asked is None else asked.type == FAR.type:
        whose = {id(x.near): x for x in away}  # what was changed in place is itself
        return tree_map(lambda x: whose[id(x)] if id(x) in whose else Far(x) if isinstance(x, Tensor) else x, found)
    return found


@contextmanager
def far() -> Iterator[None]:
    """The block in which there is such a device."""
    with Made(), Place():
        yield


class Afar:
    """An environment of the processor, whose tensors are handed out as ones that are far."""

    place, device = "cuda", FAR

    def __init__(self, inner: Any) -> None:
        self.inner, self.accounts, self.rules = inner, inner.accounts, getattr(inner, "rules", None)
        self.actions: ActionSpace = inner.actions

    @property
    def layout(self) -> Layout:
        table = self.inner.layout.table
        return replace(self.inner.layout, table=None if table is None else table.to(FAR))

    def reset(self, rng: Rng) -> Observation:
        return self._seen(self.inner.reset(rng))

    def step(self, action: Tensor) -> Step:
        assert action.device == FAR
        step: Step = self.inner.step(action.cpu())
        flags = {name: getattr(step, name).to(FAR) for name in ("reward", "terminated", "truncated", "valid")}
        figures = {name: part.to(FAR) for name, part in step.figures.items()}
        return Step(self._seen(step.observation), final=self._seen(step.final), figures=figures, **flags)

    def state(self) -> dict[str, np.ndarray]:
        return self.inner.state()

    def restore(self, state: Mapping[str, np.ndarray]) -> Observation:
        return self._seen(self.inner.restore(state))

    def _seen(self, seen: Observation) -> Observation:
        return Observation(seen.dense.to(FAR), None if seen.index is None else seen.index.to(FAR))
