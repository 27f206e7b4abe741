"""What a model is made of: a table for people, and its modules with sizes and the order in which they ran."""

# B batch, L window, F features

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.models.actor import Actor

__all__ = ["architecture", "architecture_text"]


def architecture(model: nn.Module, *, window: int, features: int) -> dict[str, Any]:
    """Modules of a model, those that take part in a forecast with the sizes of what they read and gave.

    Args:
        model: `forward(x_BLF, asset_B) -> logit_B`, or an actor, which reads an account's numbers beside the window.
        window: L.
        features: F.

    Returns:
        `{modules, edges, parameters, trained}`: a module has name, kind, parent, parameters (its own), and, if it
        ran, order, input and output sizes; an edge says that a module read exactly what another one gave.
    """
    seen: list[tuple[str, list[Any], list[Any]]] = []
    account, assets = (model.config.account, model.config.assets) if isinstance(model, Actor) else (None, 1)
    x_BLF = torch.zeros(2, window, features * assets)
    beside = torch.zeros(2, dtype=torch.int64) if account is None else torch.zeros(2, account)
    with _listening(model, seen), torch.inference_mode():
        model(x_BLF, beside)
    sizes = {name: (order, _sizes(read), _sizes(gave)) for order, (name, read, gave) in enumerate(seen)}
    modules = []
    for name, module in model.named_modules():
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        entry = {"name": name, "kind": type(module).__name__, "parent": _parent(name), "parameters": own}
        if name in sizes:
            entry |= dict(zip(("order", "input", "output"), sizes[name], strict=True))
        modules.append(entry)
    return {
        "modules": modules,
        "edges": _edges(seen),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "trained": sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad),
    }


def architecture_text(body: dict[str, Any]) -> str:
    """The modules as a table, a line each, and the sum of the parameters."""
    rows = [("module", "kind", "output", "parameters")]
    for entry in body["modules"]:
        name = entry["name"] or "(model)"
        output = " ".join("x".join(map(str, size)) for size in entry.get("output", []))
        rows.append((name, entry["kind"], output, f"{entry['parameters']:,}" if entry["parameters"] else ""))
    wide = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        f"{row[0]:<{wide[0]}}  {row[1]:<{wide[1]}}  {row[2]:<{wide[2]}}  {row[3]:>{wide[3]}}".rstrip() for row in rows
    ]
    total = f"{body['parameters']:,} parameters, {body['trained']:,} of them trained; sizes for a batch of 2"
    return "\n".join([*lines, "", total, ""])


@contextmanager
def _listening(model: nn.Module, seen: list[tuple[str, list[Any], list[Any]]]) -> Iterator[None]:
    names = {module: name for name, module in model.named_modules() if name}
    mode = model.training

    def heard(module: nn.Module, read: Any, gave: Any) -> None:
        seen.append((names[module], _tensors(read), _tensors(gave)))

    hooks = [module.register_forward_hook(heard) for module in names]
    try:
        yield model.eval() and None
    finally:
        model.train(mode)
        for hook in hooks:
            hook.remove()


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [tensor for part in value for tensor in _tensors(part)] if isinstance(value, tuple | list) else []


def _sizes(tensors: list[Any]) -> list[list[int]]:
    return [list(tensor.shape) for tensor in tensors]


def _parent(name: str) -> str | None:
    return name.rpartition(".")[0] if name else None


def _edges(seen: list[tuple[str, list[Any], list[Any]]]) -> list[list[str]]:
    """Pairs (giver, reader) by identity of the tensors, which `seen` keeps alive."""
    giver: dict[int, str] = {}
    edges = []
    for name, read, gave in seen:
        edges += [[giver[id(tensor)], name] for tensor in read if id(tensor) in giver]
        giver |= {id(tensor): name for tensor in gave}
    return [list(pair) for pair in dict.fromkeys(map(tuple, edges))]
