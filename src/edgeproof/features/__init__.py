"""Features: a plain catalog of what a model may see of the bars up to t, and the table they are written into."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from edgeproof.core.identity import sha_bytes
from edgeproof.features import cross, oscillator, price, volatility, volume
from edgeproof.features.feature import Feature, FeatureTable, Rows, from_expression

__all__ = ["FEATURES", "FEATURE_SETS", "Feature", "FeatureTable", "Rows", "from_expression"]

# the text of every module here: a table that other code wrote is never met again
_VERSION = sha_bytes(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))

_RECURSIVE = 300  # bars after which a recursion agrees with TA-Lib to 1e-6 of its scale; 200 leave 1.6e-5 in ADX


def _own(name: str, reach: int, group: str, formula: str, function: Callable[[Rows], np.ndarray]) -> Feature:
    return Feature(name, reach, group, formula, function, universe=group == "market", version=_VERSION)


def _log_return(lag: int) -> Feature:
    return _own(f"log_return_{lag}", lag, "price", f"ln(C_t / C_(t-{lag}))", partial(price.log_return, lag=lag))


# name, bars back, group, formula, function; r is log_return_1, W14 Wilder's mean, sd24 the deviation of 24 bars
_HOURLY23 = (
    *(_log_return(lag) for lag in (1, 3, 6, 12, 24, 72)),
    _own("log_volatility_24", 24, "volatility", "ln sd24(r)", volatility.log_volatility_24),
    _own(
        "log_volatility_ratio_24_168",
        168,
        "volatility",
        "ln(sd24(r) / sd168(r))",
        volatility.log_volatility_ratio_24_168,
    ),
    _own(
        "parkinson_24",
        23,
        "volatility",
        "sqrt(mean24(ln(H / L)^2) / (4 ln 2))",
        partial(volatility.parkinson, window=24),
    ),
    _own("log_range", 0, "volatility", "ln(H / L)", volatility.log_range),
    _own("body_share", 0, "price", "(C - O) / (H - L)", price.body_share),
    _own("close_location", 0, "price", "(C - L) / (H - L)", price.close_location),
    _own("rsi_14", _RECURSIVE, "oscillator", "W14(rise) / W14(|move|)", partial(oscillator.rsi, period=14)),
    _own(
        "macd_histogram_atr",
        _RECURSIVE,
        "oscillator",
        "(M - EMA9(M)) / ATR14, M = EMA12(C) - EMA26(C)",
        oscillator.macd_histogram_atr,
    ),
    _own("adx_14", _RECURSIVE, "oscillator", "W14(|P - M| / (P + M))", partial(oscillator.adx, period=14)),
    _own(
        "bollinger_position_20",
        19,
        "oscillator",
        "1/2 + (C - mean20(C)) / (4 sd20(C))",
        partial(oscillator.bollinger_position, window=20),
    ),
    _own(
        "stochastic_k_14",
        13,
        "oscillator",
        "(C - min14(L)) / (max14(H) - min14(L))",
        partial(oscillator.stochastic_k, window=14),
    ),
    _own("log_distance_sma_168", 167, "price", "ln(C / mean168(C))", partial(price.log_distance_sma, window=168)),
    _own(
        "log_volume_z_168",
        167,
        "volume",
        "(ln V - mean168(ln V)) / sd168(ln V)",
        partial(volume.log_volume_z, window=168),
    ),
    _own(
        "signed_volume_share_24",
        24,
        "volume",
        "sum24(sign(r) V) / sum24(V)",
        partial(volume.signed_volume_share, window=24),
    ),
    _own("log_amihud_24", 24, "volume", "ln mean24(|r| / (C V))", partial(volume.log_amihud, window=24)),
    _own("market_return_1", 1, "market", "mean of r over the symbols", cross.market_return),
    _own(
        "relative_strength_24",
        24,
        "market",
        "sum24(r - market's r)",
        partial(cross.relative_strength, window=24),
    ),
)

FEATURES: dict[str, Feature] = {feature.name: feature for feature in _HOURLY23}
FEATURE_SETS: dict[str, tuple[str, ...]] = {"hourly23": tuple(FEATURES)}
