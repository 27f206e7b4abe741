"""Advantages and targets of a rollout: what was earned beyond what was expected, episodes kept apart.

Terminated steps have no future; truncated ones have the value of the final observation, and no trace passes either.
"""

# H steps, N accounts

import torch
from torch import Tensor

__all__ = ["gae", "next_values", "vtrace"]

Number = Tensor | float


def next_values(value: Tensor, last_value: Tensor, ended: Tensor, final_value: Tensor) -> Tensor:
    """V of what each step really led to, [H, N].

    Args:
        value: [H, N] of the observations acted on.
        last_value: [N] of the observation after the last step.
        ended: bool[H, N] terminated or truncated: the next row is another episode's.
        final_value: [H, N] of the final observations; read where an episode has ended.
    """
    return torch.where(ended, final_value, torch.cat((value[1:], last_value.unsqueeze(0))))


def gae(
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    gamma: Number,
    lam: Number,
) -> Tensor:
    """Generalised advantages (Schulman et al. 2016, eq. 16), [H, N].

        d_t = r_t + gamma * V(s'_t) * (1 - terminated_t) - V(s_t)
        A_t = d_t + gamma * lam * (1 - (terminated or truncated)_t) * A_{t+1}

    Args:
        reward: [H, N].
        value: [H, N] of the observations acted on.
        next_value: [H, N] of the true next observation, see `next_values`.
        terminated: bool[H, N].
        truncated: bool[H, N].
        gamma: a number, or one an account.
        lam: the same.
    """
    delta = reward + gamma * next_value * (~terminated) - value
    carry = (gamma * lam) * (~(terminated | truncated)).to(delta.dtype)
    advantage = torch.empty_like(delta)
    following = torch.zeros_like(delta[0])
    for t in range(len(delta) - 1, -1, -1):
        following = torch.addcmul(delta[t], carry[t], following, out=advantage[t])
    return advantage


def vtrace(  # noqa: PLR0913 - the terms of the recursion
    reward: Tensor,
    value: Tensor,
    next_value: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    *,
    log_ratio: Tensor,
    gamma: Number,
    rho_bar: float = 1.0,
    c_bar: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """V-trace targets and policy-gradient advantages (Espeholt et al. 2018, eq. 1), both [H, N].

        d_t = min(rho_bar, ratio_t) * (r_t + gamma * V(s'_t) * (1 - terminated_t) - V(s_t))
        v_t - V(s_t) = d_t + gamma * min(c_bar, ratio_t) * (1 - ended_t) * (v_{t+1} - V(s_{t+1}))
        A_t = min(rho_bar, ratio_t) * (r_t + gamma * v(s'_t) * (1 - terminated_t) - V(s_t))

    where v(s'_t) is v_{t+1} within an episode and V of the final observation at its end.

    Args:
        reward: [H, N], and so on to `truncated` as for `gae`.
        value: of the observations acted on.
        next_value: of the true next ones.
        terminated: nothing follows.
        truncated: cut off.
        log_ratio: [H, N] log-probability under the policy learned minus that under the one that acted.
        gamma: a number, or one an account.
        rho_bar: where the ratio of the step itself is cut.
        c_bar: where that of the trace is.
    """
    ratio, ended = log_ratio.exp(), terminated | truncated
    rho, alive = ratio.clamp(max=rho_bar), (~terminated).to(value.dtype)
    delta = rho * (reward + gamma * next_value * alive - value)
    carry = gamma * ratio.clamp(max=c_bar) * (~ended).to(value.dtype)
    gain = torch.empty_like(delta)
    following = torch.zeros_like(delta[0])
    for t in range(len(delta) - 1, -1, -1):
        following = torch.addcmul(delta[t], carry[t], following, out=gain[t])
    target = value + gain
    beyond = torch.cat((gain[1:], torch.zeros_like(gain[:1])))
    ahead = next_value + torch.where(ended, torch.zeros_like(beyond), beyond)
    return target, rho * (reward + gamma * ahead * alive - value)
