"""PPO's loss and its slopes in one pass over a minibatch: each sample is read once, and no graph is built.

The formulas are those of `objective` and `distribution`; autograd of those is the witness.
"""

# P members, B samples, A action numbers

import math

import numba
import numpy as np
from numba.extending import register_jitable

from edgeproof.rl.learning.exponential import exp_

__all__ = ["continuous_slopes", "discrete_slopes", "value_slopes"]

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
OLD, ADVANTAGE, TARGET, BEFORE, COUNTS = range(5)  # rows of `numbers`
POLICY_LOSS, SPREAD, KL, CLIPPED, ERROR = range(5)  # rows of what is told of the policy
Arrays = tuple[np.ndarray, ...]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def discrete_slopes(output: np.ndarray, taken: Arrays, own: Arrays, normalised: bool) -> Arrays:
    """Policy's loss, entropy, KL, share clipped and largest |ratio - 1|, f64[5, P], and the loss's slopes in logits.

    d loss / d z_j = d loss / d log p(a) * ([j = a] - p_j) + entropy coefficient * p_j (log p_j + entropy)

    Args:
        output: logits [P, B, A].
        taken: actions, [5, ..] numbers as in `Samples`, and i64[P, B] rows of both.
        own: f64[P] clip and entropy coefficient of each member.
        normalised: whether advantages are.
    """
    actions, numbers, rows = taken
    members, many, width = output.shape
    told, steep = np.zeros((5, members)), np.empty_like(output)
    work, below, part = np.empty((7, many)), np.empty((width, many)), np.empty((width, many))
    counts, logp, slope, top, whole, shift = work[0], work[1], work[2], work[4], work[5], work[6]
    for p in range(members):
        z, action, spread = output[p], actions[rows[p]], 0.0
        _begin(numbers, rows[p], normalised, work)
        for b in range(many):
            top[b] = z[b, 0]
            for j in range(1, width):
                top[b] = max(top[b], z[b, j])
            for j in range(width):
                below[j, b] = part[j, b] = z[b, j] - top[b]
        exp_(part.reshape(width * many))
        whole[:], shift[:] = 0.0, 0.0
        for j in range(width):
            for b in range(many):
                whole[b] += part[j, b]
                shift[b] += part[j, b] * below[j, b]
        for b in range(many):
            size, moment = math.log(whole[b]), shift[b] / whole[b]
            logp[b] = below[action[b], b] - size
            shift[b] = moment
            spread += counts[b] * (size - moment)
        _finish(work, numbers, rows[p], own[0][p], told[:, p])
        for b in range(many):
            bonus = own[1][p] * counts[b]
            for j in range(width):
                steep[p, b, j] = part[j, b] * (bonus * (below[j, b] - shift[b]) - slope[b]) / whole[b]
            steep[p, b, action[b]] += slope[b]
        told[SPREAD, p] = spread
    return told, steep


@numba.njit(cache=True, nogil=True, error_model="numpy")
def continuous_slopes(output: np.ndarray, log_std: np.ndarray, taken: Arrays, own: Arrays, normalised: bool) -> Arrays:
    """What `discrete_slopes` tells, and the loss's slopes in means and logarithms of deviations.

    Args:
        output: means [P, B, A].
        log_std: [P, 1, A].
        taken: as of `discrete_slopes`, and so on.
        own: numbers of each member.
        normalised: whether advantages are.
    """
    actions, numbers, rows = taken
    members, many, width = output.shape
    told, steep = np.zeros((5, members)), np.empty_like(output)
    deviation_slope, work = np.empty_like(log_std), np.empty((4, many))
    counts, logp, slope = work[0], work[1], work[2]
    for p in range(members):
        action, inverse, entropy = actions[rows[p]], np.exp(-log_std[p, 0].astype(np.float64)), 0.0
        _begin(numbers, rows[p], normalised, work)
        for j in range(width):
            entropy += log_std[p, 0, j] + 0.5 + _HALF_LOG_TAU
        for b in range(many):
            squares = 0.0
            for j in range(width):
                squares += ((action[b, j] - output[p, b, j]) * inverse[j]) ** 2
            logp[b] = 0.5 * (width - squares) - entropy
        _finish(work, numbers, rows[p], own[0][p], told[:, p])
        share = counts.sum()
        for j in range(width):
            gathered = -own[1][p] * share
            for b in range(many):
                z = (action[b, j] - output[p, b, j]) * inverse[j]
                steep[p, b, j] = slope[b] * z * inverse[j]
                gathered += slope[b] * (z * z - 1.0)
            deviation_slope[p, 0, j] = gathered
        told[SPREAD, p] = entropy * share
    return told, steep, deviation_slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def value_slopes(value: np.ndarray, numbers: np.ndarray, rows: np.ndarray, own: Arrays, held: bool) -> Arrays:
    """The value loss f64[P], and the whole loss's slopes in values.

    Args:
        value: [P, B].
        numbers: [5, ..] as in `Samples`.
        rows: i64[P, B] of them.
        own: f64[P] clip and value coefficient of each member.
        held: whether new values are, within the clip of the old ones.
    """
    members, many = value.shape
    told, slope = np.zeros(members), np.empty_like(value)
    for p in range(members):
        clip, total = own[0][p], 0.0
        for b in range(many):
            total += numbers[COUNTS, rows[p, b]]
        total = max(total, 1.0)
        for b in range(many):
            row = rows[p, b]
            weight, miss, moves = numbers[COUNTS, row] / total, value[p, b] - numbers[TARGET, row], 1.0
            if held:
                before = numbers[BEFORE, row]
                other = before + min(max(value[p, b] - before, -clip), clip) - numbers[TARGET, row]
                if other * other > miss * miss:
                    miss, moves = other, 1.0 * (abs(value[p, b] - before) <= clip)
            told[p] += weight * miss * miss
            slope[p, b] = own[1][p] * weight * 2.0 * miss * moves
    return told, slope


@register_jitable
def _begin(numbers: np.ndarray, rows: np.ndarray, normalised: bool, work: np.ndarray) -> None:
    """Each row's share of those that count, and its advantage as the loss takes it: mean 0, deviation 1 (ddof 1)."""
    counts, advantage = work[0], work[3]
    total, mean, squares = 0.0, 0.0, 0.0
    for b in range(len(rows)):
        counts[b], advantage[b] = numbers[COUNTS, rows[b]], numbers[ADVANTAGE, rows[b]]
        total += counts[b]
        mean += counts[b] * advantage[b]
    many = max(total, 1.0)
    if normalised:
        mean /= many
        for b in range(len(rows)):
            squares += counts[b] * (advantage[b] - mean) ** 2
        deviation = math.sqrt(squares / max(total - 1.0, 1.0)) + 1e-8
        for b in range(len(rows)):
            advantage[b] = (advantage[b] - mean) / deviation
    for b in range(len(rows)):
        counts[b] /= many


@register_jitable
def _finish(work: np.ndarray, numbers: np.ndarray, rows: np.ndarray, clip: float, told: np.ndarray) -> None:
    """Slopes of a member's loss in its log-probabilities, and what is told of them."""
    weights, logp, slope, advantage = work[0], work[1], work[2], work[3]
    low, high, gains, kl, clipped, error = 1.0 - clip, 1.0 + clip, 0.0, 0.0, 0.0, 0.0
    for b in range(len(rows)):
        logp[b] -= numbers[OLD, rows[b]]
        slope[b] = logp[b]
    exp_(slope)
    for b in range(len(rows)):
        log_ratio, ratio, weight = logp[b], slope[b], weights[b]
        gain, cut = ratio * advantage[b], min(max(ratio, low), high) * advantage[b]
        slope[b] = 0.0 if cut < gain else -weight * gain
        gains += weight * (cut if cut < gain else gain)
        kl += weight * (ratio - 1.0 - log_ratio)
        clipped += weight * (abs(ratio - 1.0) > clip)
        error = max(error, abs(ratio - 1.0))
    told[POLICY_LOSS], told[KL], told[CLIPPED], told[ERROR] = -gains, kl, clipped, error
