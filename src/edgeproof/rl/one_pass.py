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
CLIP, VALUE, ENTROPY, HELD = range(4)  # rows of `rule`
OLD, ADVANTAGE, TARGET, BEFORE, COUNTS = range(5)  # rows of `numbers`
POLICY_LOSS, VALUE_LOSS, SPREAD, LOSS, KL, CLIPPED, ERROR = range(7)  # rows of what is told
Arrays = tuple[np.ndarray, ...]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def discrete_slopes(said: Arrays, action: np.ndarray, numbers: np.ndarray, rule: np.ndarray) -> Arrays:
    """Terms of the loss f64[7, P], and its slopes in logits and values.

    d loss / d z_j = d loss / d log p(a) * ([j = a] - p_j) + entropy coefficient * p_j (log p_j + entropy)

    Args:
        said: logits [P, B, A] and values [P, B] of the networks.
        action: i64[P, B] that were taken.
        numbers: [5, P, B] old log-probability, advantage, target, old value, and 1 for rows that count.
        rule: f64[4, P] clip, value coefficient, entropy coefficient, and 1 where values are held.
    """
    output, value = said
    members, many, width = output.shape
    told, steep, value_slope = np.zeros((7, members)), np.empty_like(output), np.empty_like(value)
    logp, slope, whole, shift = np.empty(many), np.empty(many), np.empty(many), np.empty(many)
    for p in range(members):
        z, counts, spread = output[p], numbers[COUNTS, p], 0.0
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
            logp[b] = z[b, action[p, b]] - top - size
            whole[b], shift[b] = parts, top + moment
            spread += counts[b] * (size - moment)
        total = _finish((logp, slope), (value[p], value_slope[p]), numbers[:, p], rule[:, p], told[:, p])
        for b in range(many):
            bonus = rule[ENTROPY, p] * counts[b] / total
            for j in range(width):
                steep[p, b, j] *= (bonus * (z[b, j] - shift[b]) - slope[b]) / whole[b]
            steep[p, b, action[p, b]] += slope[b]
        _sum_up(spread / total, rule[:, p], told[:, p])
    return told, steep, value_slope


@numba.njit(cache=True, nogil=True, error_model="numpy")
def continuous_slopes(said: Arrays, action: np.ndarray, numbers: np.ndarray, rule: np.ndarray) -> Arrays:
    """Terms of the loss f64[7, P], and its slopes in means, values and logarithms of deviations.

    Args:
        said: means [P, B, A], values [P, B], log_std [P, 1, A].
        action: [P, B, A] that were taken.
        numbers: as of `discrete_slopes`.
        rule: as of `discrete_slopes`.
    """
    output, value, log_std = said
    members, many, width = output.shape
    told, steep, value_slope = np.zeros((7, members)), np.empty_like(output), np.empty_like(value)
    deviation_slope = np.empty_like(log_std)
    logp, slope = np.empty(many), np.empty(many)
    for p in range(members):
        inverse, entropy = np.exp(-log_std[p, 0].astype(np.float64)), 0.0
        for j in range(width):
            entropy += log_std[p, 0, j] + 0.5 + _HALF_LOG_TAU
        for b in range(many):
            squares = 0.0
            for j in range(width):
                squares += ((action[p, b, j] - output[p, b, j]) * inverse[j]) ** 2
            logp[b] = 0.5 * (width - squares) - entropy
        _finish((logp, slope), (value[p], value_slope[p]), numbers[:, p], rule[:, p], told[:, p])
        for j in range(width):
            gathered = -rule[ENTROPY, p]
            for b in range(many):
                z = (action[p, b, j] - output[p, b, j]) * inverse[j]
                steep[p, b, j] = slope[b] * z * inverse[j]
                gathered += slope[b] * (z * z - 1.0)
            deviation_slope[p, 0, j] = gathered
        _sum_up(entropy, rule[:, p], told[:, p])
    return told, steep, value_slope, deviation_slope


@register_jitable
def _finish(policy: Arrays, critic: Arrays, numbers: np.ndarray, rule: np.ndarray, told: np.ndarray) -> float:
    """Slopes of a member's loss in its log-probabilities and values; what is told of both; how many rows count."""
    (logp, slope), (value, value_slope) = policy, critic
    old, advantage, target, before, counts = (
        numbers[OLD],
        numbers[ADVANTAGE],
        numbers[TARGET],
        numbers[BEFORE],
        numbers[COUNTS],
    )
    low, high, clip, held = 1.0 - rule[CLIP], 1.0 + rule[CLIP], rule[CLIP], rule[HELD] > 0
    total, gains, misses, kl, clipped, error = max(counts.sum(), 1.0), 0.0, 0.0, 0.0, 0.0, 0.0
    for b in range(len(logp)):
        log_ratio, weight = logp[b] - old[b], counts[b] / total
        ratio = math.exp(log_ratio)
        gain, cut = ratio * advantage[b], min(max(ratio, low), high) * advantage[b]
        slope[b] = 0.0 if cut < gain else -weight * gain
        gains += weight * (cut if cut < gain else gain)
        kl += weight * (ratio - 1.0 - log_ratio)
        clipped += weight * (abs(ratio - 1.0) > clip)
        error = max(error, abs(ratio - 1.0))
        miss, moves = value[b] - target[b], 1.0
        if held:
            move = value[b] - before[b]
            other = before[b] + min(max(move, -clip), clip) - target[b]
            if other * other > miss * miss:
                miss, moves = other, 1.0 * (abs(move) <= clip)
        misses += weight * miss * miss
        value_slope[b] = rule[VALUE] * weight * 2.0 * miss * moves
    told[POLICY_LOSS], told[VALUE_LOSS], told[KL], told[CLIPPED], told[ERROR] = -gains, misses, kl, clipped, error
    return total


@register_jitable
def _sum_up(spread: float, rule: np.ndarray, told: np.ndarray) -> None:
    told[SPREAD] = spread
    told[LOSS] = told[POLICY_LOSS] + rule[VALUE] * told[VALUE_LOSS] - rule[ENTROPY] * spread
