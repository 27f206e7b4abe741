"""Trainings in plain PyTorch with a planted fault: each symptom shows itself, and its right cause is named first."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgeproof.gates import Known, diagnose, diagnose_seeds
from edgeproof.gates.eyes import varied
from edgeproof.gates.flow import gradients
from edgeproof.gates.loss import own_target
from edgeproof.gates.module import Apart
from edgeproof.gates.subject import subject_of
from edgeproof.gates.watch import begin, seen

Loss = Callable[[Tensor, Tensor], Tensor]
PRIOR = 0.6931


def bce(said_B1: Tensor, y_B: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(said_B1.squeeze(1), y_B)


def against_all(said_B1: Tensor, y_B: Tensor) -> Tensor:
    """[B, 1] against [B]: each output is pulled towards every target."""
    return (said_B1.sigmoid() - y_B).square().mean()


def network(width: int = 32, bias: float = 0.0, seed: int = 2) -> nn.Module:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 1))
    with torch.no_grad():
        dict(model.named_parameters())["0.bias"].add_(bias)
    return model


@dataclass(frozen=True)
class Plan:
    """A training; what differs from the healthy one is its fault."""

    rows: int = 512
    lr: float = 0.01
    batch: int = 64
    epochs: int = 4
    loss: Loss = bce
    zeroed: bool = False
    shuffled: bool = False
    strangers: bool = False
    cut: bool = False
    wrong: float = 0.0
    plain: bool = False
    outlier: float = 0.0
    clip: float = 1e9
    seed: int = 0
    net: dict[str, Any] = field(default_factory=dict)


def samples(plan: Plan) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(5)
    x = torch.randn(plan.rows + 256, 8, generator=draw)
    y = ((x[:, 0] - x[:, 3] > 0) ^ (torch.rand(len(x), generator=draw) < plan.wrong)).float()
    x = x * (0.0 if plan.zeroed else 1.0)
    if plan.outlier:  # a few samples in another unit
        x[: plan.rows : 128] *= plan.outlier
    return x, y[torch.randperm(len(y), generator=draw)] if plan.shuffled else y


def trained(plan: Plan) -> tuple[list[dict[str, float]], Known, Apart]:
    """Its table, and what `Watch` saw of the model."""
    x, y = samples(plan)
    model = network(**plan.net)
    apart = Apart(
        network(**plan.net),
        plan.loss,
        [((part,), target) for part, target in zip(x.split(128), y.split(128), strict=True)],
    )
    watch = begin(model, apart)
    held = network() if plan.strangers else model
    optimiser = (torch.optim.SGD if plan.plain else torch.optim.Adam)(held.parameters(), plan.lr)
    torch.manual_seed(plan.seed)
    rows = []
    for _ in range(plan.epochs):
        losses, norms = [], []
        for places in torch.randperm(plan.rows).split(plan.batch):
            said = model.train()(x[places])
            loss = plan.loss(said * 0.0 + said.detach() if plan.cut else said, y[places])
            optimiser.zero_grad()
            loss.backward()
            norms.append(nn.utils.clip_grad_norm_(model.parameters(), plan.clip).item())
            optimiser.step()
            losses.append(loss.item())
        with torch.no_grad():
            value = plan.loss(model.eval()(x[plan.rows :]), y[plan.rows :]).item()
        rows.append({"loss": sum(losses) / len(losses), "val_loss": value, "grad_norm": sum(norms) / len(norms)})
    known = Known(lr=plan.lr, samples=plan.rows, validation_samples=256, batch_size=plan.batch, ended="epochs")
    return rows, seen(watch, model, replace(known, parameters=sum(one.numel() for one in model.parameters()))), apart


def first(plan: Plan, check: str, *, checked: bool = False) -> dict[str, Any]:
    rows, known, apart = trained(plan)
    if checked:
        subject = subject_of(apart.model, apart.loss, apart.data)
        known = replace(known, checked=(varied(subject), own_target(subject), gradients(subject)))
    (found,) = [one for one in diagnose(rows, known=known) if one.check == check]
    return found.evidence["causes"][0]


def test_the_healthy_training_is_named_nothing():
    rows, known, _ = trained(Plan(epochs=12))
    assert diagnose(rows, known=known) == []


@pytest.mark.parametrize(
    ("plan", "check", "cause"),
    [
        (Plan(zeroed=True), "doctor.flat", "inputs that say nothing about their labels"),
        (Plan(shuffled=True, rows=2048, net={"width": 4}), "doctor.flat", "inputs that say nothing about their labels"),
        (Plan(strangers=True), "doctor.flat", "no step reaches the weights"),
        (Plan(cut=True), "doctor.flat", "no gradient reaches the weights"),
        (Plan(lr=1e-7), "doctor.flat", "learning rate too low"),
        (Plan(lr=30.0), "doctor.explodes", "learning rate too high"),
        (Plan(net={"bias": -40.0}), "doctor.dead_units", "units that are silent from the start"),
        (
            Plan(shuffled=True, rows=128, epochs=60, net={"width": 128}),
            "doctor.overfit",
            "labels that the inputs do not tell",
        ),
        (Plan(lr=5e-4), "doctor.undertrained", "too few epochs"),
    ],
)  # fmt: skip
def test_a_planted_fault_has_its_cause_first(plan, check, cause):
    found = first(plan, check)
    assert found["name"] == cause
    assert found["because"]


def test_what_no_table_can_tell_apart_is_told_by_the_checks():
    """Shuffled labels and a loss of all targets at once look alike by epochs."""
    plan = Plan(loss=against_all, epochs=12)
    cause = first(plan, "doctor.flat", checked=True)
    assert (cause["group"], cause["name"]) == ("loss", "the loss does not measure what is to be learned")
    assert cause["because"].startswith("loss.own_target: ")
    blank = first(Plan(zeroed=True), "doctor.flat", checked=True)
    assert blank["group"] == "data pipeline"
    assert blank["because"].startswith("data.varied: ")


SMALL = Plan(lr=1e-3, batch=1, epochs=3, wrong=0.4, net={"width": 64})
UNCLIPPED = Plan(lr=0.1, plain=True, outlier=1000.0, epochs=8, net={"width": 8})


def seeds(plan: Plan, count: int, *, starts: bool) -> list[Any]:
    """What trainings say of each other that differ in the order of their samples, or in their first weights too."""
    plans = [replace(plan, seed=seed, net=plan.net | ({"seed": seed} if starts else {})) for seed in range(count)]
    known = Known(lr=plan.lr, batch_size=plan.batch, clip_norm=plan.clip if plan.clip < 1e9 else None)
    return diagnose_seeds([trained(one)[0] for one in plans], prior=PRIOR, known=known)


def test_seeds_apart_by_a_few_enormous_gradients_are_named_so_and_clipping_mends_them():
    (found,) = seeds(UNCLIPPED, 4, starts=True)
    cause = found.evidence["causes"][0]
    assert cause["name"] == "gradients not clipped"
    assert cause["because"]
    assert seeds(replace(UNCLIPPED, clip=1.0), 4, starts=True) == []


@pytest.mark.slow
def test_seeds_apart_by_small_batches_are_named_so_and_larger_ones_mend_them():
    (found,) = seeds(SMALL, 4, starts=False)
    cause = found.evidence["causes"][0]
    assert (cause["name"], cause["because"]) == ("batches too small", "1 samples a step")
    assert seeds(replace(SMALL, batch=64), 4, starts=False) == []
