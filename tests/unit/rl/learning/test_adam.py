"""Adam and the clipping of many members are torch's own, member by member."""

import torch

from edgeproof.rl.learning.adam import Adam, clip_gradient


def test_members_step_as_torch_steps_each_alone():
    draw = torch.Generator().manual_seed(0)
    weights = torch.randn(3, 50, generator=draw, dtype=torch.float64)
    rates, limits = torch.tensor([1e-3, 1e-2, 3e-2], dtype=torch.float64), torch.tensor([0.5, 1.0, 100.0])
    alone = [row.clone().requires_grad_() for row in weights]
    theirs = [torch.optim.Adam([row], float(rate), eps=1e-5) for row, rate in zip(alone, rates, strict=True)]
    ours = Adam(weights, eps=1e-5)
    for _ in range(20):
        gradient = torch.randn(3, 50, generator=draw, dtype=torch.float64)
        for row, part, optimiser, limit in zip(alone, gradient, theirs, limits, strict=True):
            row.grad = part.clone()
            torch.nn.utils.clip_grad_norm_([row], float(limit))
            optimiser.step()
        clip_gradient(gradient, limits.double())
        ours.step(weights, gradient, rates)
    torch.testing.assert_close(weights, torch.stack(list(alone)).detach(), rtol=0, atol=1e-12)


def test_a_member_that_rests_keeps_everything():
    weights, gradient = torch.ones(2, 4), torch.ones(2, 4)
    adam = Adam(weights, eps=1e-5)
    adam.step(weights, gradient, torch.tensor([0.1, 0.1]), torch.tensor([True, False]))
    assert adam.count.tolist() == [1, 0]
    assert not weights[0].eq(1).any()
    assert weights[1].eq(1).all()
    assert adam.mean[1].eq(0).all()
