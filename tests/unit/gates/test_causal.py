"""A model that is asked for the next step is held to it without being told: targets that are the inputs' next steps."""

import pytest
import torch
from torch import nn

from edgeproof.gates import check_model

STEPS, WORDS = 8, 6


class Next(nn.Module):
    """The next word by this word's embedding, and (a fault) by the mean of all of them."""

    def __init__(self, ahead: bool) -> None:
        super().__init__()
        self.embed, self.last, self.ahead = nn.Embedding(WORDS, 16), nn.Linear(16, WORDS), ahead

    def forward(self, words_BL: torch.Tensor) -> torch.Tensor:
        seen_BLD = self.embed(words_BL)
        return self.last(seen_BLD + seen_BLD.mean(1, keepdim=True) if self.ahead else seen_BLD)


def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(output.reshape(-1, WORDS), target.reshape(-1))


@pytest.mark.parametrize("ahead", [True, False])
def test_reading_ahead_is_named_where_targets_are_the_next_inputs(ahead):
    torch.manual_seed(0)
    words = (torch.randint(WORDS, (128, 1)) + torch.randint(1, 3, (128, STEPS)).cumsum(1)) % WORDS
    checked = check_model(Next(ahead), loss, (words[:, :-1], words[:, 1:]))
    assert (checked["flow.time_order"].level == "error") is ahead
    assert "flow.time_order" not in {one.check for one in check_model(Next(ahead), loss, (words, words.flip(1)))}
