"""How often something happens: an interval for a share, and how many cases chance alone explains."""

from scipy.special import bdtrc, betaincinv

__all__ = ["most_by_chance", "share_interval"]


def share_interval(cases: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share: at least `level` coverage at any true share (Clopper & Pearson 1934, Biometrika 26).

    Args:
        cases: how many of `total` had it.
        total: at least 1.
        level: coverage.
    """
    if not 0 <= cases <= total or total < 1:
        raise ValueError(f"{cases} cases of {total}: give 0 <= cases <= total, total at least 1")
    tail = (1.0 - level) / 2.0
    low = 0.0 if cases == 0 else float(betaincinv(cases, total - cases + 1, tail))
    high = 1.0 if cases == total else float(betaincinv(cases + 1, total - cases, 1.0 - tail))
    return low, high


def most_by_chance(total: int, *, share: float = 0.05, level: float = 0.05) -> int:
    """The largest count that a true `share` still explains: more happen with probability at most `level`.

    The smallest c with P(Binomial(total, share) > c) <= level: 9 of 100 (2.8%), 4 of 40 (4.8%), 3 of 20 (1.6%).
    """
    return next(count for count in range(total + 1) if bdtrc(count, total, share) <= level)
