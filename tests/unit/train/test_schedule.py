"""Schedules by hand and against torch's own."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.train.schedule import (
    ConstantConfig,
    CosineConfig,
    Moment,
    PlateauConfig,
    RestartsConfig,
    StepConfig,
    warm_up,
)


def test_cosine_by_hand():
    cosine = CosineConfig(floor_share=0.2)
    assert [cosine.rate(2.0, Moment(share, 9.0), {}) for share in (0.0, 0.5, 1.0)] == pytest.approx([2.0, 1.2, 0.4])


def test_cosine_is_torchs():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.1)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10, eta_min=0.01)
    for step in range(11):
        assert optimiser.param_groups[0]["lr"] == pytest.approx(
            CosineConfig(floor_share=0.1).rate(0.1, Moment(step / 10, step), {})
        )
        optimiser.step()
        torchs.step()


def test_warm_up_by_hand():
    assert [warm_up(step, 4) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    assert warm_up(0, 0) == 1.0


@given(st.lists(st.integers(0, 4), max_size=40), st.integers(0, 3))
def test_plateau_is_torchs(scores, patience):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, mode="max", factor=0.5, patience=patience, threshold=0.0, min_lr=0.1
    )
    config = PlateauConfig(patience=patience, min_lr=0.1)
    state = config.start()
    for score in scores:
        torchs.step(score)
        state = config.after_epoch(state, float(score))
        assert config.rate(1.0, Moment(0.3, 3.0), state) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_none_is_constant():
    constant = ConstantConfig()
    assert constant.rate(1.0, Moment(0.7, 7.0), constant.after_epoch(constant.start(), 0.1)) == 1.0


def test_restarts_by_hand():
    """Cosines of 2, 4 and 8 epochs: from 1 to 0.2, again and again."""
    restarts = RestartsConfig(first_epochs=2, times=2, min_lr=0.2)
    moments = (0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 10.0, 13.999999)
    expected = [1.0, 0.6, 1.0, 0.6, 0.2 + 0.4 * (1 + math.cos(0.75 * math.pi)), 1.0, 0.6, 0.2]
    assert [restarts.rate(1.0, Moment(0.5, epoch), {}) for epoch in moments] == pytest.approx(expected)


@given(st.integers(1, 12), st.integers(1, 3), st.floats(0, 200))
def test_restarts_are_torchs(first, times, epoch):
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    torchs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimiser, T_0=first, T_mult=times, eta_min=1e-6)
    optimiser.step()
    torchs.step(epoch)
    ours = RestartsConfig(first_epochs=first, times=times).rate(0.1, Moment(0.0, epoch), {})
    distance = abs(ours - optimiser.param_groups[0]["lr"])
    assert distance < 1e-6 or distance > 0.09  # at a restart, rounding decides which cosine it is


def test_steps_are_torchs():
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    torchs = torch.optim.lr_scheduler.StepLR(optimiser, step_size=3, gamma=0.5)
    for epoch in range(10):
        ours = StepConfig(every_epochs=3).rate(0.1, Moment(0.0, epoch + 0.9), {})
        assert ours == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        torchs.step()


def test_a_floor_above_the_base_rate_is_the_base_rate():
    assert PlateauConfig().rate(1e-7, Moment(0, 0), {"share": 1.0}) == 1e-7
    assert RestartsConfig().rate(1e-7, Moment(0, 3.0), {}) == 1e-7
