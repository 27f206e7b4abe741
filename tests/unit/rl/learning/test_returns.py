"""Advantages equal other programs' figures and a plain loop, and never look across the end of an episode."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.rl.learning.returns import gae, next_values, vtrace

REWARD = [1.0, 0.5, -0.2, 0.3, 2.0, -1.0]
VALUE = [0.5, 0.4, 0.1, -0.3, 0.8, 0.2]
NEXT = [0.4, 0.1, -0.3, 0.8, 0.2, 0.6]
CUT = [0.4, 0.1, 0.7, 0.8, 0.2, 0.6]  # the final observation of step 2 is worth 0.7
AT_2, AT_END, NEVER = [0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1], [0] * 6

# torchrl 0.14.1 generalized_advantage_estimate (float64) = stable-baselines3 2.9.2 RolloutBuffer (float32), gamma 0.9
GAE = {
    "no_end": (NEXT, NEVER, NEVER, 0.8, [1.43715406, 0.80160285, 0.84944837, 1.97145598, 0.90479997, -0.66]),
    "terminated": (NEXT, AT_2, NEVER, 0.8, [0.84127998, -0.02600001, -0.3, 1.97145598, 0.90479997, -0.66]),
    "truncated": (CUT, NEVER, AT_2, 0.8, [1.16787200, 0.42760000, 0.32999998, 1.97145598, 0.90479997, -0.66]),
    "terminated_last": (NEXT, AT_END, NEVER, 0.8, [1.33266849, 0.65648401, 0.64789443, 1.69151997, 0.51599996, -1.2]),
    "truncated_last": (NEXT, NEVER, AT_END, 0.8, [1.43715406, 0.80160285, 0.84944837, 1.97145598, 0.90479997, -0.66]),
    "lambda_0": (NEXT, AT_2, NEVER, 0.0, [0.85999999, 0.19000000, -0.3, 1.31999998, 1.38000000, -0.66]),
    "lambda_1": (NEXT, AT_2, NEVER, 1.0, [0.78800000, -0.08000000, -0.3, 2.02739996, 0.78600000, -0.66]),
}
LOG_PI = [-1.2039728043259361, -0.6931471805599453, -1.6094379124341003, -0.5108256237659907, -0.916290731874155]
LOG_MU = [-0.6931471805599453, -1.3862943611198906, -0.916290731874155, -1.2039728043259361, -0.916290731874155]
LOG_RATIO = [pi - mu for pi, mu in zip([*LOG_PI, -0.6931471805599453], [*LOG_MU, -2.3025850929940455], strict=True)]
# numpy recursion of Espeholt et al. (2018) eq. 1, equal to torchrl 0.14.1 vtrace_advantage_estimate to 2e-7
VTRACE = {
    "no_end": (NEXT, NEVER, NEVER, 1.0, [1.42348238, 1.154597, 0.72733, 1.7274, 1.586, -0.46]),
    "rho_2": (NEXT, NEVER, NEVER, 2.0, [1.69784936, 1.662684, 1.08076, 2.5128, 0.992, -1.12]),
    "terminated": (NEXT, AT_2, NEVER, 1.0, [1.0457, 0.455, -0.05, 1.7274, 1.586, -0.46]),
    "truncated": (CUT, NEVER, AT_2, 1.0, [1.19879, 0.7385, 0.265, 1.7274, 1.586, -0.46]),
    "truncated_rho_2": (CUT, NEVER, AT_2, 2.0, [1.30139, 0.9285, 0.265, 2.5128, 0.992, -1.12]),
}
VTRACE_PG = {
    "no_end": [0.92348238, 0.754597, 0.62733, 2.0274, 0.786, -0.66],
    "rho_2": [1.19784936, 2.145368, 0.98076, 2.9856, 0.192, -1.32],
    "terminated": [0.5457, 0.055, -0.15, 2.0274, 0.786, -0.66],
    "truncated": [0.69879, 0.3385, 0.165, 2.0274, 0.786, -0.66],
    "truncated_rho_2": [0.80139, 0.677, 0.165, 2.9856, 0.192, -1.32],
}


def column(numbers, kind=torch.float64):
    return torch.tensor(numbers, dtype=kind).unsqueeze(1)


def loop(reward, value, after, terminated, truncated, gamma, lam):
    """The recursion, one account and one step at a time."""
    advantage = np.zeros_like(reward)
    for n in range(reward.shape[1]):
        following = 0.0
        for t in reversed(range(len(reward))):
            alive, goes_on = 1.0 - terminated[t, n], 1.0 - max(terminated[t, n], truncated[t, n])
            delta = reward[t, n] + gamma[n] * after[t, n] * alive - value[t, n]
            following = delta + gamma[n] * lam[n] * goes_on * following
            advantage[t, n] = following
    return advantage


@pytest.mark.parametrize("name", GAE)
def test_advantages_equal_torchrl_and_stable_baselines(name):
    after, terminated, truncated, lam, expected = GAE[name]
    ends = [column(mark, torch.bool) for mark in (terminated, truncated)]
    found = gae(column(REWARD), column(VALUE), column(after), *ends, gamma=0.9, lam=lam)
    assert found[:, 0].tolist() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("name", VTRACE)
def test_vtrace_equals_its_paper_and_torchrl(name):
    after, terminated, truncated, rho, expected = VTRACE[name]
    ends = [column(mark, torch.bool) for mark in (terminated, truncated)]
    target, advantage = vtrace(
        column(REWARD), column(VALUE), column(after), *ends, log_ratio=column(LOG_RATIO), gamma=0.9, rho_bar=rho
    )
    assert target[:, 0].tolist() == pytest.approx(expected, abs=1e-7)
    assert advantage[:, 0].tolist() == pytest.approx(VTRACE_PG[name], abs=5e-8)


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(1, 5))
def test_advantages_equal_a_plain_loop_with_one_discount_an_account(seed, steps, accounts):
    draw = np.random.default_rng(seed)
    reward, value, after = draw.standard_normal((3, steps, accounts))
    terminated = draw.random((steps, accounts)) < 0.2
    truncated = (draw.random((steps, accounts)) < 0.2) & ~terminated
    gamma, lam = draw.random((2, accounts))
    found = gae(
        *map(torch.from_numpy, (reward, value, after, terminated, truncated)),
        gamma=torch.from_numpy(gamma),
        lam=torch.from_numpy(lam),
    )
    np.testing.assert_allclose(found.numpy(), loop(reward, value, after, terminated, truncated, gamma, lam), atol=1e-12)


@given(st.integers(0, 2**32))
def test_with_lambda_one_an_advantage_is_the_return_minus_the_value(seed):
    draw = np.random.default_rng(seed)
    reward, value = draw.standard_normal((2, 12, 1))
    terminated = draw.random((12, 1)) < 0.2
    last, final = draw.standard_normal((2, 12, 1))
    truncated = (draw.random((12, 1)) < 0.2) & ~terminated
    ended = torch.from_numpy(terminated | truncated)
    after = next_values(torch.from_numpy(value), torch.from_numpy(last[0]), ended, torch.from_numpy(final))
    found = gae(
        torch.from_numpy(reward),
        torch.from_numpy(value),
        after,
        torch.from_numpy(terminated),
        torch.from_numpy(truncated),
        gamma=0.9,
        lam=1.0,
    )
    total = np.empty(12)
    following = last[0, 0]
    for t in reversed(range(12)):
        following = 0.0 if terminated[t, 0] else final[t, 0] if truncated[t, 0] else following
        following = total[t] = reward[t, 0] + 0.9 * following
    np.testing.assert_allclose(found.numpy()[:, 0] + value[:, 0], total, atol=1e-12)


def test_on_policy_vtrace_with_lambda_one_is_the_same_target():
    ends = column(AT_2, torch.bool), column(AT_END, torch.bool)
    parts = column(REWARD), column(VALUE), column(NEXT), *ends
    target, _ = vtrace(*parts, log_ratio=torch.zeros(6, 1, dtype=torch.float64), gamma=0.9)
    torch.testing.assert_close(target, gae(*parts, gamma=0.9, lam=1.0) + column(VALUE))


def test_what_follows_an_end_moves_nothing_before_it():
    terminated, truncated = column(AT_2, torch.bool), column(NEVER, torch.bool)
    before = gae(column(REWARD), column(VALUE), column(NEXT), terminated, truncated, gamma=0.9, lam=0.8)
    later = [*REWARD[:3], 9.0, -9.0, 9.0]
    after = gae(column(later), column(VALUE), column(NEXT), terminated, truncated, gamma=0.9, lam=0.8)
    assert torch.equal(before[:3], after[:3])


def test_the_next_value_of_an_ended_step_is_that_of_its_final_observation():
    value, ended = column([1.0, 2.0, 3.0]), column([0, 1, 0], torch.bool)
    found = next_values(value, torch.tensor([4.0], dtype=torch.float64), ended, column([0.0, 7.0, 0.0]))
    assert found[:, 0].tolist() == [2.0, 7.0, 4.0]
