"""PPO's loss and its slopes in one pass over a minibatch: each sample is read once, and no graph is built.

The formulas are those of `objective` and `distribution`; autograd of those is the witness.
"""

# P members, B samples, A action numbers

import math

import numba
import numpy as np
from numba.extending import register_jitable

__all__ = ["continuous_slopes", "discrete_slopes"]

_HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
OLD, ADVANTAGE, TARGET, BEFORE, COUNTS = range(5)  # rows of `numbers`
CLIP, VALUE, ENTROPY = range(3)  # of `own`
HELD, NORMALISED = range(2)  # of `flags`
POLICY_LOSS, VALUE_LOSS, SPREAD, LOSS, KL, CLIPPED, ERROR = range(7)  # rows of what is told
Arrays = tuple[np.ndarray, ...]
Flags = tuple[bool, bool]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def discrete_slopes(said: Arrays, taken: Arrays, own: Arrays, flags: Flags) -> Arrays:
    """Terms of the loss f64[7, P], and its slopes in logits and values.

    d loss / d z_j = d loss / d log p(a) * ([j = a] - p_j) + entropy coefficient * p_j (log p_j + entropy)

    Args:
        said: logits [P, B, A] and values [P, B] of the networks.
        taken: actions, [5, ..] numbers as in `Samples`, and i64[P, B] rows of both.
        own: f64[P] clip, value coefficient and entropy coefficient of each member.
        flags: whether values are held, and whether advantages are normalised.
    """
    output, value = said
    actions, numbers, rows = taken
    members, many, width = output.shape
    told, steep, value_slope = np.zeros((7, members)), np.empty_like(output), np.empty_like(value)
    whole, shift, work = np.empty(many), np.empty(many), np.empty((4, many))
    counts, logp, slope = work[0], work[1], work[2]
    for p in range(members):
        z, action, spread = output[p], actions[rows[p]], 0.0
        _begin(numbers, rows[p], flags, work)
        for b in range(many):
            top, parts, moment = z[b, 0], 0.0, 0.0
            for j in range(1, width):
                top = max(top, z[b, j])
            for j in range(width):
                below = float(z[b, j] - top)
                part = math.exp(below)
                steep[p, b, j] = part
                parts += part
                moment += part * below
            size, moment = math.log(parts), moment / parts
            logp[b] = z[b, action[b]] - top - size
            whole[b], shift[b] = parts, top + moment
            spread += counts[b] * (size - moment)
        rule = (own[CLIP][p], own[VALUE][p], own[ENTROPY][p], flags[HELD])
        _finish(work, (value[p], value_slope[p]), (numbers, rows[p]), rule, told[:, p])
        for b in range(many):
            bonus = rule[ENTROPY] * counts[b]
            for j in range(width):
                steep[p, b, j] *= (bonus * (z[b, j] - shift[b]) - slope[b]) / whole[b]
            steep[p, b, action[b]] += slope[b]
        _sum_up(spread, rule, told[:, p])
    return told, steep, value_slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def continuous_slopes(said: Arrays, taken: Arrays, own: Arrays, flags: Flags) -> Arrays:
    """Terms of the loss f64[7, P], and its slopes in means, values and logarithms of deviations.

    Args:
        said: means [P, B, A], values [P, B], log_std [P, 1, A].
        taken: as of `discrete_slopes`.
        own: as of `discrete_slopes`.
        flags: as of `discrete_slopes`.
    """
    output, value, log_std = said
    actions, numbers, rows = taken
    members, many, width = output.shape
    told, steep, value_slope = np.zeros((7, members)), np.empty_like(output), np.empty_like(value)
    deviation_slope, work = np.empty_like(log_std), np.empty((4, many))
    counts, logp, slope = work[0], work[1], work[2]
    for p in range(members):
        action, inverse, entropy = actions[rows[p]], np.exp(-log_std[p, 0].astype(np.float64)), 0.0
        _begin(numbers, rows[p], flags, work)
        for j in range(width):
            entropy += log_std[p, 0, j] + 0.5 + _HALF_LOG_TAU
        for b in range(many):
            squares = 0.0
            for j in range(width):
                squares += ((action[b, j] - output[p, b, j]) * inverse[j]) ** 2
            logp[b] = 0.5 * (width - squares) - entropy
        rule = (own[CLIP][p], own[VALUE][p], own[ENTROPY][p], flags[HELD])
        _finish(work, (value[p], value_slope[p]), (numbers, rows[p]), rule, told[:, p])
        share = counts.sum()
        for j in range(width):
            gathered = -rule[ENTROPY] * share
            for b in range(many):
                z = (action[b, j] - output[p, b, j]) * inverse[j]
                steep[p, b, j] = slope[b] * z * inverse[j]
                gathered += slope[b] * (z * z - 1.0)
            deviation_slope[p, 0, j] = gathered
        _sum_up(entropy * share, rule, told[:, p])
    return told, steep, value_slope, deviation_slope


@register_jitable
def _begin(numbers: np.ndarray, rows: np.ndarray, flags: Flags, work: np.ndarray) -> None:
    """Each row's share of those that count, and its advantage as the loss takes it: mean 0, deviation 1 (ddof 1)."""
    counts, advantage = work[0], work[3]
    total, mean, squares = 0.0, 0.0, 0.0
    for b in range(len(rows)):
        counts[b], advantage[b] = numbers[COUNTS, rows[b]], numbers[ADVANTAGE, rows[b]]
        total += counts[b]
        mean += counts[b] * advantage[b]
    many = max(total, 1.0)
    if flags[NORMALISED]:
        mean /= many
        for b in range(len(rows)):
            squares += counts[b] * (advantage[b] - mean) ** 2
        deviation = math.sqrt(squares / max(total - 1.0, 1.0)) + 1e-8
        for b in range(len(rows)):
            advantage[b] = (advantage[b] - mean) / deviation
    for b in range(len(rows)):
        counts[b] /= many


@register_jitable
def _finish(work: np.ndarray, critic: Arrays, taken: Arrays, rule: tuple, told: np.ndarray) -> None:
    """Slopes of a member's loss in its log-probabilities and values, and what is told of both."""
    weights, logp, slope, advantage = work[0], work[1], work[2], work[3]
    (value, value_slope), (numbers, rows) = critic, taken
    clip, coefficient, _, held = rule
    low, high, gains, misses, kl, clipped, error = 1.0 - clip, 1.0 + clip, 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(len(rows)):
        log_ratio, weight = logp[b] - numbers[OLD, rows[b]], weights[b]
        ratio = math.exp(log_ratio)
        gain, cut = ratio * advantage[b], min(max(ratio, low), high) * advantage[b]
        slope[b] = 0.0 if cut < gain else -weight * gain
        gains += weight * (cut if cut < gain else gain)
        kl += weight * (ratio - 1.0 - log_ratio)
        clipped += weight * (abs(ratio - 1.0) > clip)
        error = max(error, abs(ratio - 1.0))
        miss, moves = value[b] - numbers[TARGET, rows[b]], 1.0
        if held:
            before = numbers[BEFORE, rows[b]]
            other = before + min(max(value[b] - before, -clip), clip) - numbers[TARGET, rows[b]]
            if other * other > miss * miss:
                miss, moves = other, 1.0 * (abs(value[b] - before) <= clip)
        misses += weight * miss * miss
        value_slope[b] = coefficient * weight * 2.0 * miss * moves
    told[POLICY_LOSS], told[VALUE_LOSS], told[KL], told[CLIPPED], told[ERROR] = -gains, misses, kl, clipped, error


@register_jitable
def _sum_up(spread: float, rule: tuple, told: np.ndarray) -> None:
    told[SPREAD] = spread
    told[LOSS] = told[POLICY_LOSS] + rule[VALUE] * told[VALUE_LOSS] - rule[ENTROPY] * spread
