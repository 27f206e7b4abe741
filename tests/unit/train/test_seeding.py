"""A keyed block draws the same numbers wherever it stands, and leaves the global generator as it found it."""

import torch

from edgeproof.core.rng import Rng
from edgeproof.train.seeding import seeded


def test_same_key_same_numbers_and_nothing_leaks():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = torch.rand(2)
    with seeded(Rng(7).child("dropout", 5)):
        inside = torch.rand(3)
    assert torch.equal(torch.cat((first, torch.rand(2))), expected)
    with seeded(Rng(7).child("dropout", 5)):
        assert torch.equal(torch.rand(3), inside)
    with seeded(Rng(7).child("dropout", 6)):
        assert not torch.equal(torch.rand(3), inside)
