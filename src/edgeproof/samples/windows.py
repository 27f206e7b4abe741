"""Windows are views: the table is read through overlapping strides, and a batch is one gather of whole rows.

A window of L bars is L * F neighbouring floats of the contiguous table [S, T, F], so nothing is materialised but the
batch itself.
"""

# S symbols, T bars, F features, L window, B batch

from torch import Tensor

__all__ = ["gather", "window_view"]


def window_view(x_STF: Tensor, window: int) -> Tensor:
    """All windows as one view f32[S*T - L + 1, L*F]: row i holds flat bars i .. i + L - 1.

    Rows that straddle two symbols exist in the view; a sample whose window is ready never points at one.
    """
    S, T, F = x_STF.shape
    if not x_STF.is_contiguous():
        raise ValueError("window_view needs a contiguous table [S, T, F]")
    return x_STF.as_strided((S * T - window + 1, window * F), (F, 1))


def gather(x_STF: Tensor, index_B: Tensor, window: int) -> Tensor:
    """The windows that end at the flat bars `index_B` (symbol * T + t).

    Args:
        x_STF: f32[S, T, F], contiguous.
        index_B: i64[B], each with t >= L - 1.
        window: L.

    Returns:
        f32[B, L, F].
    """
    rows = window_view(x_STF, window).index_select(0, index_B - (window - 1))
    return rows.view(len(index_B), window, x_STF.shape[2])
