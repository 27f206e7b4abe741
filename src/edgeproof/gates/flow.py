"""How signals flow: a gradient to every parameter, no dead units, no sample reads another, no time reads ahead.

Batch norm in training mode lets samples read each other, by design; in evaluation mode nothing may.
"""

# B batch, L time

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from edgeproof.core.finding import Finding
from edgeproof.gates import plot
from edgeproof.gates.report import failed, passed
from edgeproof.gates.subject import Batch, Subject, shifted_input
from edgeproof.train.seeding import seeded

__all__ = ["dead_units", "gradients", "inputs_used", "mixing", "modes", "registered", "time_order"]

DEAD_SHARE = 0.5  # of a layer's units; some silent ones are usual with ReLU
MOST_SAMPLES = 64
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.ELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Hardtanh)
ZERO = "gets a gradient of zero"
STIR = 0.05
MOVED = 1e-4  # of an output's size; float32 sums in another order move by 1e-6
STEEP = 1e3  # norm of the whole gradient at the start; usual ones lie between 0.01 and 10


def gradients(subject: Subject) -> Finding:
    """After one backward pass every parameter has a finite gradient that is not zero, and none is enormous."""
    check, threshold = "flow.gradients", "every parameter has a gradient, finite and not all zero"
    model = _backward(subject, stir=0.0)
    found = {name: _gradient_of(parameter) for name, parameter in model.named_parameters()}
    if ZERO in found.values():  # a last layer that starts at zero lets nothing through in the first step
        stirred = dict(_backward(subject, stir=STIR).named_parameters())
        found |= {name: _gradient_of(stirred[name]) for name, what in found.items() if what == ZERO}
    wrong = {name: what for name, what in found.items() if what}
    norms = {name: 0.0 if part.grad is None else float(part.grad.norm()) for name, part in model.named_parameters()}
    drawn = plot.bars(norms, title="Gradient norm of each parameter", y_label="norm, log scale", log=True)
    if wrong:
        name, what = next(iter(wrong.items()))
        others = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return failed(
            check,
            "error",
            f"{name}{others}: {what}",
            "look for detach(), no_grad, requires_grad=False, argmax or rounding between it and the loss; or remove it",
            measured=len(wrong),
            threshold=threshold,
            where=name,
            parameters=wrong,
            plot=drawn,
        )
    norm = math.hypot(*norms.values())
    if norm > STEEP * len(subject.batches):
        return failed(
            check,
            "warning",
            f"the gradient's norm at the start is {norm:.3g}",
            "initialise by fan-in, scale the inputs, or clip the gradient's norm at 1",
            measured=norm,
            threshold=STEEP,
            plot=drawn,
        )
    claim = f"a gradient reaches all {len(found)} parameters; norm {norm:.3g}"
    return passed(check, claim, measured=0, threshold=threshold, plot=drawn)


def _backward(subject: Subject, *, stir: float) -> nn.Module:
    """A copy with the gradients of all batches, its parameters moved at random by `stir`."""
    model = subject.fresh().train()
    with seeded(subject.rng.child("gradients")):
        with torch.no_grad():
            for parameter in model.parameters() if stir else ():
                parameter.add_(stir * torch.randn_like(parameter))
        for batch in subject.batches:
            cost = subject.cost(model(*batch.inputs), batch.target)
            if cost.requires_grad:
                cost.backward()
    return model


def _gradient_of(parameter: nn.Parameter) -> str:
    if not parameter.requires_grad:
        return "is frozen (requires_grad is False)"
    if parameter.grad is None:
        return "gets no gradient"
    if not bool(parameter.grad.isfinite().all()):
        return "gets a gradient that is not finite"
    return "" if bool((parameter.grad != 0).any()) else ZERO


@contextmanager
def _watched(model: nn.Module, seen: dict[str, list[Tensor]]) -> Iterator[None]:
    """Outputs of every activation layer while the block runs."""

    def keep(name: str) -> object:
        def hook(_: nn.Module, __: object, output: Tensor) -> None:
            units = output.shape[1:2] if output.ndim == 4 else output.shape[-1:]
            own = f"{name} of {units[0]} units" if units else name  # one activation may serve several layers
            seen.setdefault(own, []).append(output.detach())

        return hook

    layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, ACTIVATIONS)]
    hooks = [layer.register_forward_hook(keep(name)) for name, layer in layers]  # pyright: ignore[reportArgumentType] - a hook
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def dead_units(subject: Subject) -> Finding:
    """No activation layer has most of its units at one value for every sample."""
    model, seen = subject.fresh().eval(), {}
    with torch.no_grad(), _watched(model, seen):
        for batch in subject.batches:
            model(*batch.inputs)
    check, threshold = "flow.dead_units", f"at most {DEAD_SHARE:.0%} of a layer's units"
    shares = {name: _dead_share(torch.cat([_flat(part) for part in parts])) for name, parts in seen.items()}
    if not shares:
        return passed(
            check, "no activation layers to look at (functional ones are not seen)", measured=None, threshold=threshold
        )
    name, share = max(shares.items(), key=lambda entry: entry[1])
    drawn = plot.bars(
        {layer or "the activation": part for layer, part in shares.items()},
        title="Share of silent units of each layer",
        y_label="share",
        threshold=DEAD_SHARE,
        threshold_name="at most",
        wrong="above",
    )
    if share <= DEAD_SHARE:
        claim = f"at most {share:.0%} of a layer's units are silent"
        return passed(check, claim, measured=share, threshold=threshold, plot=drawn)
    return failed(
        check,
        "error",
        f"{share:.0%} of the units of {name} say the same for every sample",
        "lower the bias before it, initialise by fan-in, scale the inputs, or use a leaky activation",
        measured=share,
        threshold=threshold,
        where=name,
        shares=shares,
        plot=drawn,
    )


def _flat(output: Tensor) -> Tensor:
    """Samples by units: channels of images are units, other axes are samples."""
    if output.ndim == 4:
        return output.movedim(1, -1).reshape(-1, output.shape[1])
    return output.reshape(-1, output.shape[-1])


def _dead_share(values: Tensor) -> float:
    return float((values.amax(0) - values.amin(0) <= 1e-6 * values.abs().max().clamp_min(1e-12)).float().mean())


def mixing(subject: Subject) -> Finding:
    """In evaluation mode a sample's output does not change with the others of its batch."""
    model, batch = subject.fresh().eval(), subject.samples(MOST_SAMPLES)
    check, threshold = "flow.mixing", "an output depends on its own sample only"
    if len(batch) < 2:
        return passed(check, "one sample alone: nothing to mix", measured=None, threshold=threshold)
    with torch.no_grad():
        forward, turned = _moved_by_others(model, batch), _moved_by_others(model, batch.rows(_backwards(batch)))
    by_change = {name: max(forward[name], turned[name]) for name in forward}
    moved = max(by_change.values())
    if moved <= MOVED:
        return passed(check, "no output depends on the other samples of its batch", measured=moved, threshold=threshold)
    return failed(
        check,
        "error",
        f"a sample's output moves by {moved:.3g} (of its size) when the rest of the batch changes",
        "look for a mean, softmax, norm, reshape or attention over the batch's axis, and for a recurrent or attention "
        "layer without batch_first=True; batch norm belongs in eval mode",
        measured=moved,
        threshold=threshold,
        plot=_moves(by_change, "How far one sample's output moves", MOVED),
    )


def _moves(moved: Mapping[str, float], title: str, limit: float | None = None) -> dict[str, Any]:
    """How far outputs move, by what was changed."""
    mark = "" if limit is None else "at most"
    return plot.bars(moved, title=title, y_label="share of its size", threshold=limit, threshold_name=mark, log=True)


def _backwards(batch: Batch) -> Tensor:
    return torch.arange(len(batch) - 1, -1, -1)


def _moved_by_others(model: nn.Module, batch: Batch) -> dict[str, float]:
    """How far the outputs of the first and of the last sample move when all others are changed.

    Of both: a recurrent layer that takes the batch for time reads only the samples before.
    """
    whole = model(*batch.inputs)
    others = batch.rows(torch.cat((torch.zeros(1, dtype=torch.long), _backwards(batch)[:-1])))
    half = batch.rows(torch.arange(len(batch) // 2 or 1))
    swapped = batch.rows(torch.cat((_backwards(batch)[1:], torch.tensor([len(batch) - 1]))))
    return {
        "first, others turned": _apart(whole[0], model(*others.inputs)[0]),
        "first, others replaced": _apart(whole[0], model(*_loud(half).inputs)[0]),
        "last, others turned": _apart(whole[-1], model(*swapped.inputs)[-1]),
    }


def _loud(batch: Batch) -> Batch:
    """The same first sample, the others changed beyond recognition."""
    parts = []
    for part in batch.inputs:
        changed = part.clone()
        changed[1:] = 100 * part[1:] + 7 if part.is_floating_point() else part[1:].flip(0)
        parts.append(changed)
    return Batch(tuple(parts), batch.target)


def _apart(a: Tensor, b: Tensor) -> float:
    """Largest difference, as a share of the values' size."""
    return float((a - b).abs().max() / a.abs().max().clamp_min(1e-6))


def modes(subject: Subject) -> Finding:
    """In evaluation mode the same inputs give the same output twice, and nothing in the model changes."""
    model, batch = subject.fresh().eval(), subject.batches[0]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    check, threshold = "flow.modes", "equal outputs, no buffer moved"
    with torch.no_grad(), seeded(subject.rng.child("modes")):
        apart = _apart(model(*batch.inputs), model(*batch.inputs))
    changed = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    still_training = [name for name, layer in model.named_modules() if layer.training]
    if apart <= 1e-5 and not changed and not still_training:
        return passed(
            check, "evaluation mode is the same twice and changes nothing", measured=apart, threshold=threshold
        )
    what = changed[0] if changed else still_training[0] if still_training else "a layer"
    return failed(
        check,
        "error",
        f"in evaluation mode {what} still behaves as in training (outputs differ by {apart:.3g} of their size)",
        "call functional dropout and batch norm with training=self.training, and do not override train() or eval()",
        measured=apart,
        threshold=threshold,
        where=str(what),
    )


def registered(subject: Subject) -> Finding:
    """Every tensor that the outputs could train is a parameter of the model.

    Read from the graph of the outputs: its leaves are what a backward pass would give gradients to.
    """
    check, threshold = "flow.registered", "every tensor that gets a gradient is in model.parameters()"
    model = subject.fresh().train()
    with seeded(subject.rng.child("registered")):
        output = model(*(part.detach() for part in subject.batches[0].inputs))
    known = {id(parameter) for parameter in model.parameters()}
    strangers = [leaf for leaf in _leaves(output) if id(leaf) not in known]
    if not strangers:
        return passed(check, "the model knows all that it trains", measured=0, threshold=threshold)
    return failed(
        check,
        "error",
        f"{len(strangers)} tensors in use are no parameters of the model, such as one of shape "
        f"{list(strangers[0].shape)}: no optimiser, checkpoint or .to(device) reaches them",
        "keep layers in nn.ModuleList or nn.ModuleDict, not in a list or dict, and tensors in nn.Parameter",
        measured=len(strangers),
        threshold=threshold,
        shapes=[list(stranger.shape) for stranger in strangers],
    )


def _leaves(output: Tensor) -> list[Tensor]:
    """Tensors at the beginning of an output's graph."""
    found, seen, waiting = [], set(), [output.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)  # pyright: ignore[reportAttributeAccessIssue] - of a leaf's node
        waiting += [before for before, _ in node.next_functions]
    return found


def inputs_used(subject: Subject) -> Finding:
    """The output changes with every input, and with the last step of every sequence, where the newest values stand."""
    check, threshold = "flow.inputs_used", "the output changes with every input and with its last step"
    model, batch = subject.fresh().eval(), subject.samples(MOST_SAMPLES)
    moved: dict[str, float] = {}
    with torch.no_grad():
        before = model(*batch.inputs)
        for number, part in enumerate(batch.inputs):
            shuffled = part[torch.arange(len(part)).roll(1)]
            if len(part) > 1 and len(part.unique(dim=0)) > 1:
                moved[f"input {number + 1}"] = _apart(before, _with(model, batch, number, shuffled))
            if part.ndim == 3 and part.is_floating_point() and moved.get(f"input {number + 1}") != 0.0:
                changed = part.clone()
                changed[:, -1] = 10 * part[:, -1] + 1
                moved[f"the last step of input {number + 1}"] = _apart(before, _with(model, batch, number, changed))
    idle = [name for name, far in moved.items() if far == 0.0]
    drawn = _moves(moved, "How far outputs move when it changes") if moved else None
    if not idle:
        return passed(check, "every input matters", measured=0, threshold=threshold, plot=drawn)
    return failed(
        check,
        "error",
        f"the output does not depend on {' and '.join(idle)}",
        "look for an input that is dropped, overwritten or padded on the wrong side",
        measured=len(idle),
        threshold=threshold,
        where=idle[0],
        plot=drawn,
    )


def _with(model: nn.Module, batch: Batch, number: int, part: Tensor) -> Tensor:
    inputs = list(batch.inputs)
    inputs[number] = part
    return model(*inputs)


def time_order(subject: Subject) -> Finding:
    """Where there is one output a step, `[B, L, ...]`, no output depends on later steps.

    Only for models that are meant to be causal: a label for each step of its own sequence. Of several inputs that one
    is changed whose next steps are the targets (what an encoder reads may lie ahead), else the first.
    """
    check, threshold = "flow.time_order", "an output depends on its own and earlier steps only"
    model, batch = subject.fresh().eval(), subject.samples(MOST_SAMPLES)
    number = shifted_input(subject.batches) or 0
    first = batch.inputs[number]
    with torch.no_grad():
        before = model(*batch.inputs)
        if first.ndim < 2 or before.ndim < 2 or before.shape[1] != first.shape[1] or first.shape[1] < 2:
            return passed(check, "one output a sequence: nothing to order", measured=None, threshold=threshold)
        half = first.shape[1] // 2
        changed = first.clone()
        # of whole numbers, those of another sample: a sum over time would not see them turned around
        changed[:, half:] = (
            10 * first[:, half:] + 1 if first.is_floating_point() else first.roll(1, 0)[:, half:].flip(1)
        )
        after = _with(model, batch, number, changed)
    moved = _apart(before[:, :half], after[:, :half])
    by_step = (before - after)[:, :half].abs().transpose(0, 1).flatten(1).amax(1)
    by_step = by_step / before[:, :half].abs().max().clamp_min(1e-6)
    title = f"How far each output moves, steps from {half + 1} on changed"
    drawn = plot.strip(by_step.numpy(), title=title, x_label="step", threshold=MOVED)
    if moved <= MOVED:
        return passed(check, "no output reads a later step", measured=moved, threshold=threshold, plot=drawn)
    return failed(
        check,
        "error",
        f"outputs of the first {half} steps move by {moved:.3g} (of their size) when later steps change",
        "mask the attention (mask=nn.Transformer.generate_square_subsequent_mask(steps)), pad convolutions on the left "
        "only, use no bidirectional layer and no norm over time",
        measured=moved,
        threshold=threshold,
        plot=drawn,
    )
