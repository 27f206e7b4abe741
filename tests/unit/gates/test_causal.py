"""A model that is asked for the next step is held to it without being told; padding (-100) is no class.

B rows, L steps, D width.
"""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from edgeproof.gates import check_model
from edgeproof.gates.capacity import inputs_matter
from edgeproof.gates.eyes import labels, target_shifted
from edgeproof.gates.flow import time_order
from edgeproof.gates.loss import direction
from edgeproof.gates.start import loss_at_start
from edgeproof.gates.subject import Batch, prior_entropy, shifted_input, subject_of

STEPS, WORDS = 8, 6


class Next(nn.Module):
    """The next word by this word's embedding, and (a fault) by the mean of all of them."""

    def __init__(self, ahead: bool) -> None:
        super().__init__()
        self.embed, self.last, self.ahead = nn.Embedding(WORDS, 16), nn.Linear(16, WORDS), ahead

    def forward(self, words_BL: Tensor) -> Tensor:
        seen_BLD = self.embed(words_BL)
        return self.last(seen_BLD + seen_BLD.mean(1, keepdim=True) if self.ahead else seen_BLD)


class Translator(nn.Module):
    """The next word of a translation, by the whole source and by the words before (or, a fault, all words)."""

    def __init__(self, ahead: bool) -> None:
        super().__init__()
        self.source, self.said = nn.Embedding(WORDS, 16), Next(ahead)

    def forward(self, source_BL: Tensor, words_BL: Tensor) -> Tensor:
        return self.said(words_BL) + self.said.last(self.source(source_BL).mean(1, keepdim=True))


def loss(output: Tensor, target: Tensor) -> Tensor:
    return nn.functional.cross_entropy(output.reshape(-1, WORDS), target.reshape(-1))


def sentences() -> Tensor:
    torch.manual_seed(0)
    return (torch.randint(WORDS, (128, 1)) + torch.randint(1, 3, (128, STEPS)).cumsum(1)) % WORDS


def padded() -> tuple[Tensor, Tensor]:
    """(words, next words) of unlike length: words are filled up with 0, next words with -100."""
    words = sentences()
    late = torch.arange(STEPS - 1) >= torch.randint(3, STEPS, (128, 1))
    return words[:, :-1].masked_fill(late, 0), words[:, 1:].masked_fill(late, -100)


@pytest.mark.parametrize("ahead", [True, False])
def test_reading_ahead_is_named_where_targets_are_the_next_inputs(ahead):
    words = sentences()
    checked = check_model(Next(ahead), loss, (words[:, :-1], words[:, 1:]))
    assert (checked["flow.time_order"].level == "error") is ahead


def test_targets_that_are_no_next_steps_ask_for_no_order(monkeypatch):
    monkeypatch.setattr("edgeproof.gates.check.MODEL_CHECKS", {"flow.time_order": time_order})
    words = sentences()
    assert len(list(check_model(Next(ahead=True), loss, (words, words.flip(1))))) == 0
    assert len(list(check_model(Next(ahead=True), loss, (words, words.flip(1)), causal=True))) == 1
    assert len(list(check_model(Next(ahead=True), loss, (words[:, :-1], words[:, 1:]), causal=False))) == 0


@pytest.mark.parametrize("ahead", [True, False])
def test_what_an_encoder_reads_may_lie_ahead_and_what_the_decoder_reads_may_not(ahead):
    words = sentences()
    subject = subject_of(Translator(ahead), loss, (((words[:, :-1] + 1) % WORDS, words[:, :-1]), words[:, 1:]))
    assert shifted_input(subject.batches) == 1
    assert (time_order(subject).level == "error") is ahead


def test_padding_is_left_out_by_every_check_that_counts_classes():
    subject = subject_of(Next(ahead=False), loss, padded())
    assert shifted_input(subject.batches) == 0
    for check in (labels, target_shifted, loss_at_start, direction, inputs_matter, time_order):
        assert check(subject).level == "info", check(subject)
    assert time_order(subject_of(Next(ahead=True), loss, padded())).level == "error"
    words, unshifted = padded()[0], padded()[0].masked_fill(padded()[1] == -100, -100)
    assert target_shifted(subject_of(Next(ahead=False), loss, (words, unshifted))).level == "error"
    assert direction(subject_of(Next(ahead=False), lambda o, t: -loss(o, t), padded())).level == "error"


@given(st.lists(st.integers(0, WORDS - 1), min_size=1, max_size=30), st.integers(0, 20))
def test_the_prior_is_that_of_the_targets_that_count(classes, padding):
    alone = torch.tensor(classes)
    both = torch.cat((alone, torch.full((padding,), -100)))
    assert prior_entropy(both, "classes", WORDS) == prior_entropy(alone, "classes", WORDS)


def test_steps_that_happen_to_follow_in_one_batch_are_no_rule():
    words = sentences()
    right, other = Batch((words[:, :-1],), words[:, 1:]), Batch((words[:, :-1],), words[:, 1:].flip(0))
    assert shifted_input([right]) == 0
    assert shifted_input([right, other]) is None
    still = torch.zeros(4, STEPS, dtype=torch.long)
    assert shifted_input([Batch((still,), still)]) is None
    assert shifted_input([Batch((still,), torch.full_like(still, -100))]) is None
