"""Schedules by hand and against torch's own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.train.schedule import ConstantConfig, CosineConfig, PlateauConfig, warm_up


def test_cosine_by_hand():
    cosine = CosineConfig(floor_share=0.2)
    assert [cosine.share(progress, {}) for progress in (0.0, 0.5, 1.0)] == pytest.approx([1.0, 0.6, 0.2])


def test_cosine_is_torchs():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=0.1)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10, eta_min=0.01)
    for step in range(11):
        assert optimiser.param_groups[0]["lr"] == pytest.approx(
            0.1 * CosineConfig(floor_share=0.1).share(step / 10, {})
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
    config = PlateauConfig(patience=patience, min_share=0.1)
    state = config.start()
    for score in scores:
        torchs.step(score)
        state = config.after_epoch(state, float(score))
        assert config.share(0.3, state) == pytest.approx(optimiser.param_groups[0]["lr"])


def test_none_is_constant():
    constant = ConstantConfig()
    assert constant.share(0.7, constant.after_epoch(constant.start(), 0.1)) == 1.0
