"""Ten faults that engineers really make, written before the checks were read, are judged beside their clean twins.

B = rows of a batch, F = columns, T = steps, V = words, C = classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import edgeproof
from edgeproof.core.finding import Finding
from edgeproof.gates.check import MODEL_CHECKS
from edgeproof.gates.subject import subject_of

Batches = list[tuple[Tensor, Tensor]]
Loss = Callable[[Tensor, Tensor], Tensor]
Make = Callable[[nn.Module], torch.optim.Optimizer]
Step = Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor], Tensor]


def batches(inputs: Tensor, target: Tensor, size: int = 32) -> Batches:
    """Inputs and targets cut into batches, in order."""
    return list(zip(inputs.split(size), target.split(size), strict=True))


def images() -> Batches:
    """Grey 8 x 8 images with one bright quarter, which is the class."""
    label_B = torch.randint(0, 4, (256,))
    image_BCHW = 0.5 * torch.randn(256, 1, 8, 8)
    for row, label in enumerate(label_B.tolist()):
        top, left = 4 * (label // 2), 4 * (label % 2)
        image_BCHW[row, :, top : top + 4, left : left + 4] += 1.5
    return batches(image_BCHW, label_B)


def prices() -> Batches:
    """A table of eight standardised columns; the target is a standardised number, one per row."""
    table_BF = torch.randn(256, 8)
    price_B = table_BF @ torch.linspace(-1, 1, 8) + 0.2 * torch.randn(256)
    return batches(table_BF, (price_B - price_B.mean()) / price_B.std())


def churn() -> tuple[Tensor, Tensor]:
    """A table of ten columns and a yes/no answer (f32[B, 1]) that three of them decide."""
    table_BF = torch.randn(512, 10)
    score_B = 2.0 * table_BF[:, 0] - 1.5 * table_BF[:, 3] + table_BF[:, 7]
    return table_BF, (score_B + 0.3 * torch.randn(512) > 0).float().unsqueeze(1)


def gestures() -> Batches:
    """Sequences of three sensors over twelve steps; the class is the sensor that drifts upwards."""
    label_B = torch.randint(0, 3, (256,))
    sensor_BTF = 0.5 * torch.randn(256, 12, 3)
    sensor_BTF[torch.arange(256), :, label_B] += torch.linspace(0, 2, 12)
    return batches(sensor_BTF, label_B)


def loads() -> Batches:
    """Sequences of one standardised load over sixteen steps; the target (f32[B, 1]) is the next one."""
    phase_B1 = 6.28 * torch.rand(256, 1)
    wave_BT = 1.4 * torch.sin(phase_B1 + 0.5 * torch.arange(17)) + 0.1 * torch.randn(256, 17)
    return batches(wave_BT[:, :16].unsqueeze(2), wave_BT[:, 16:])


def sentences() -> Tensor:
    """Sentences of thirteen words out of twelve: each word is mostly its forerunner plus one or two."""
    words_BT = torch.zeros(128, 13, dtype=torch.long)
    words_BT[:, 0] = torch.randint(0, 12, (128,))
    for step in range(1, 13):
        words_BT[:, step] = (words_BT[:, step - 1] + torch.randint(1, 3, (128,))) % 12
    return words_BT


def next_words() -> Batches:
    words_BT = sentences()
    return batches(words_BT[:, :-1], words_BT[:, 1:], 16)


def same_words() -> Batches:
    """The shift by one word is forgotten: the model is asked for the word that it was just given."""
    words_BT = sentences()
    return batches(words_BT[:, :-1], words_BT[:, :-1], 16)


def paired_churn() -> Batches:
    return batches(*churn(), size=64)


def unpaired_churn() -> Batches:
    """Inputs are shuffled by one permutation and the answers by another."""
    table_BF, answer_B1 = churn()
    return batches(table_BF[torch.randperm(512)], answer_B1[torch.randperm(512)], size=64)


class Cnn(nn.Module):
    """A small image classifier; `softmax` puts probabilities out where the loss wants scores."""

    def __init__(self, softmax: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, padding=1)
        self.head = nn.Linear(8 * 16, 4)
        self.softmax = softmax

    def forward(self, image_BCHW: Tensor) -> Tensor:
        map_BCHW = functional.max_pool2d(torch.relu(self.conv(image_BCHW)), 2)
        score_BC = self.head(map_BCHW.flatten(1))
        return score_BC.softmax(dim=1) if self.softmax else score_BC


class Blocks(nn.Module):
    """An image classifier of a row of blocks, kept in a ModuleList or (a fault) in a plain list."""

    def __init__(self, plain: bool) -> None:
        super().__init__()
        blocks = [nn.Sequential(nn.Conv2d(c, 8, 3, padding=1), nn.ReLU()) for c in (1, 8)]
        self.blocks: Iterable[nn.Module] = blocks if plain else nn.ModuleList(blocks)
        self.head = nn.Linear(8 * 16, 4)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        for block in self.blocks:
            x_BCHW = block(x_BCHW)
        return self.head(functional.avg_pool2d(x_BCHW, 2).flatten(1))


class Recurrent(nn.Module):
    """A GRU over sensor steps and a head on its last state; batches come first, which GRU must be told."""

    def __init__(self, columns: int, outputs: int, batch_first: bool = True) -> None:
        super().__init__()
        self.gru = nn.GRU(columns, 16, batch_first=batch_first)
        self.head = nn.Linear(16, outputs)

    def forward(self, x_BTF: Tensor) -> Tensor:
        return self.head(self.gru(x_BTF)[0][:, -1])


class Dropped(nn.Module):
    """A table classifier with functional dropout; `told` passes it whether the model trains."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        self.hidden, self.head, self.told = nn.Linear(10, 32), nn.Linear(32, 1), told

    def forward(self, x_BF: Tensor) -> Tensor:
        hidden_BF = torch.relu(self.hidden(x_BF))
        hidden_BF = (
            functional.dropout(hidden_BF, 0.2, self.training) if self.told else functional.dropout(hidden_BF, 0.2)
        )
        return self.head(hidden_BF)


class Writer(nn.Module):
    """A one-block transformer that writes the next word at every step; `masked` hides the words to come."""

    def __init__(self, masked: bool = True) -> None:
        super().__init__()
        self.word, self.place = nn.Embedding(12, 16), nn.Embedding(12, 16)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.head, self.masked = nn.Linear(16, 12), masked

    def forward(self, words_BT: Tensor) -> Tensor:
        steps = words_BT.shape[1]
        x_BTF = self.word(words_BT) + self.place(torch.arange(steps))
        mask_TT = nn.Transformer.generate_square_subsequent_mask(steps) if self.masked else None
        return self.head(self.block(x_BTF, src_mask=mask_TT))


class WordGru(nn.Module):
    """A recurrent language model: one score per word at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.word, self.gru = nn.Embedding(12, 16), nn.GRU(16, 24, batch_first=True)
        self.head = nn.Linear(24, 12)

    def forward(self, words_BT: Tensor) -> Tensor:
        return self.head(self.gru(self.word(words_BT))[0])


class Tuned(nn.Module):
    """A body that was trained elsewhere and a new head for four classes of images."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU())
        self.head = nn.Linear(32, 4)

    def forward(self, image_BCHW: Tensor) -> Tensor:
        return self.head(self.body(image_BCHW))


def table_mlp(columns: int) -> nn.Module:
    return nn.Sequential(nn.Linear(columns, 32), nn.ReLU(), nn.Linear(32, 1))


def broadcast_error(forecast_B1: Tensor, target_B: Tensor) -> Tensor:
    """f32[B, 1] less f32[B] is f32[B, B]: every forecast is compared with every target."""
    return ((forecast_B1 - target_B) ** 2).mean()


def row_error(forecast_B1: Tensor, target_B: Tensor) -> Tensor:
    return ((forecast_B1.squeeze(1) - target_B) ** 2).mean()


def word_loss(score_BTV: Tensor, target_BT: Tensor) -> Tensor:
    return functional.cross_entropy(score_BTV.flatten(0, 1), target_BT.flatten())


def adam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=0.01)


def adam_without_head(model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser was made before the head was replaced: it holds the body alone."""
    assert isinstance(model, Tuned)
    return torch.optim.Adam(model.body.parameters(), lr=0.01)


def plain_step(loss: Loss, zero: bool = True) -> Step:
    """One training step; without `zero` the gradients of all steps before are added up."""

    def step(model: nn.Module, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor) -> Tensor:
        model.train()
        if zero:
            optimiser.zero_grad()
        value = loss(model(inputs), target)
        value.backward()
        optimiser.step()
        return value.detach()

    return step


@dataclass(frozen=True)
class Case:
    """What an engineer hands over: a model, a loss, a loader, and how it is trained."""

    model: Callable[[], nn.Module]
    loss: Loss
    data: Callable[[], Batches]
    make: Make = adam
    zero: bool = True
    causal: bool = False


entropy, binary = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()

# name: (the fault, its clean twin)
CASES: dict[str, tuple[Case, Case]] = {
    "softmax_twice": (
        Case(lambda: Cnn(softmax=True), entropy, images),
        Case(Cnn, entropy, images),
    ),
    "loss_broadcasts": (
        Case(lambda: table_mlp(8), broadcast_error, prices),
        Case(lambda: table_mlp(8), row_error, prices),
    ),
    "mask_forgotten": (
        Case(lambda: Writer(masked=False), word_loss, next_words, causal=True),
        Case(Writer, word_loss, next_words, causal=True),
    ),
    "batch_first_forgotten": (
        Case(lambda: Recurrent(3, 3, batch_first=False), entropy, gestures),
        Case(lambda: Recurrent(3, 3), entropy, gestures),
    ),
    "blocks_in_plain_list": (
        Case(lambda: Blocks(plain=True), entropy, images),
        Case(lambda: Blocks(plain=False), entropy, images),
    ),
    "dropout_never_off": (
        Case(lambda: Dropped(told=False), binary, paired_churn),
        Case(lambda: Dropped(told=True), binary, paired_churn),
    ),
    "labels_shuffled_apart": (
        Case(lambda: table_mlp(10), binary, unpaired_churn),
        Case(lambda: table_mlp(10), binary, paired_churn),
    ),
    "target_not_shifted": (
        Case(WordGru, word_loss, same_words, causal=True),
        Case(WordGru, word_loss, next_words, causal=True),
    ),
    "gradients_not_zeroed": (
        Case(lambda: Recurrent(1, 1), nn.MSELoss(), loads, zero=False),
        Case(lambda: Recurrent(1, 1), nn.MSELoss(), loads),
    ),
    "optimiser_without_head": (
        Case(Tuned, entropy, images, make=adam_without_head),
        Case(Tuned, entropy, images),
    ),
}


# the check that must name each fault; what came of the first run, before any check was changed, stands beside it
NAMED = {
    "softmax_twice": "start.outputs",
    "loss_broadcasts": "loss.own_target",  # then by loss.direction, whose advice is another
    "mask_forgotten": "flow.time_order",
    "batch_first_forgotten": "flow.mixing",  # missed: only the first sample was looked at
    "blocks_in_plain_list": "flow.registered",  # missed: there was no such check
    "dropout_never_off": "flow.modes",
    "labels_shuffled_apart": "data.signal",
    "target_not_shifted": "data.target_shifted",  # missed: there was no such check
    "gradients_not_zeroed": "training.gradients_fresh",
    "optimiser_without_head": "training.parameters_move",
}
# gestures are so plain that one number tells them at an AUC of 0.9995: a warning is right
WARNED = {"batch_first_forgotten": {"data.target_in_inputs"}}


def failures(case: Case, seed: int = 0) -> list[Finding]:
    """Both checks on one case, as an engineer would run them before training."""
    torch.manual_seed(seed)
    data = case.data()
    step = plain_step(case.loss, case.zero)
    checked = edgeproof.check_model(case.model(), case.loss, data, causal=case.causal)
    trained = edgeproof.check_training(case.model(), case.loss, data, optimiser=case.make, step=step)
    return [*checked.failures, *trained.failures]


def named(name: str, case: Case) -> Finding:
    """What the one check says that is there for this fault."""
    torch.manual_seed(0)
    data, check = case.data(), NAMED[name]
    if check in MODEL_CHECKS:
        return MODEL_CHECKS[check](subject_of(case.model(), case.loss, data))
    step = plain_step(case.loss, case.zero)
    return edgeproof.check_training(case.model(), case.loss, data, optimiser=case.make, step=step)[check]


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_found_by_the_check_that_names_it_and_its_clean_twin_passes(name: str) -> None:
    fault, clean = CASES[name]
    assert named(name, fault).level != "info"
    assert named(name, clean).level == "info"


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_all_checks_together_find_the_fault_and_do_not_accuse_its_clean_twin(name: str) -> None:
    fault, clean = CASES[name]
    assert NAMED[name] in {finding.check for finding in failures(fault)}
    found = failures(clean)
    assert {finding.check for finding in found} <= WARNED.get(name, set()), found
    assert all(finding.level == "warning" for finding in found)
