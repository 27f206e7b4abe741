"""What a known-truth run is measured against: its label's oracle, the best trading, and the leak that beats it."""

# S symbols, T bars

from functools import cache
from typing import Any, cast

import numpy as np
import pytest

from edgeproof.core.clock import HOUR_NS
from edgeproof.core.config import Config
from edgeproof.data.panel import Panel
from edgeproof.data.synthetic import Generated, generate
from edgeproof.features import FeatureTable
from edgeproof.labels import LABELS
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.known import known_truth
from edgeproof.recipe.prepare import Prepared
from edgeproof.recipe.trade import Traded
from edgeproof.simulator.costs import CostsConfig
from edgeproof.simulator.engines import simulate
from edgeproof.simulator.options import Options
from edgeproof.train.forecast import Forecast
from edgeproof.truth import Stated

COSTS = CostsConfig(commission_bps=8.0, half_spread_bps=2.0)
BARS, FIRST = 7_500, 2_000
ALWAYS = Options(rebalance="always")


@cache
def market(kind: str) -> tuple[Generated, Panel, Stated]:
    made = generate(kind, 8, BARS, 6)
    present = np.ones(made.p_up.shape, dtype=bool)
    panel = Panel(made.ohlcv, present, made.open_time, made.close_time, made.symbols, HOUR_NS, "continuous", kind)
    return made, panel, Stated(made.p_up, made.mean, made.volatility, present)


def judged(
    kind: str, positions: np.ndarray, label: dict[str, Any] | None = None, costs: CostsConfig = COSTS
) -> dict[str, Any]:
    """A run's figures where the forecast is the truth itself and the account holds these positions, each 1/S."""
    made, panel, stated = market(kind)
    rule = LABELS[(label or {}).get("name", "forward_return")].model_validate(label or {})
    labels = cast("Any", rule).label(panel)
    config = RunConfig(label=cast("Config", rule), costs=costs, account=Options(start=1e6))
    logit = np.log(made.p_up / (1 - made.p_up)).astype(np.float32)
    every, bars = np.ones(BARS, dtype=bool), slice(FIRST, BARS)
    prepared = Prepared(panel, cast("FeatureTable", None), labels, every, stated)
    cut = panel.prices[:, bars], panel.present[:, bars], positions[:, bars] / 8, every[bars]
    track = simulate(*cut, costs, options=ALWAYS)
    traded = Traded(track, np.zeros(BARS - FIRST))
    scored = labels.known & (np.arange(BARS) >= FIRST)
    truth = made.parameters
    both = (Forecast(logit, np.ones_like(scored), "m", 0), traded)
    found = known_truth(truth, config, prepared, both, scored=scored, bars=bars, volatility=np.log(made.volatility))
    assert found is not None
    return found


def band(made: Generated, width: float = 0.038) -> np.ndarray:
    """Hold until the signal is far enough on the other side."""
    signal = made.mean / made.volatility
    hit = np.where(np.abs(signal) > width, np.sign(signal), 0.0)
    last = np.maximum.accumulate(np.where(hit != 0.0, np.arange(BARS), 0), axis=1)
    return np.take_along_axis(hit, last, axis=1)


def test_an_honest_policy_is_beside_the_best_and_below_it() -> None:
    found = judged("costly", band(market("costly")[0]))
    trading = found["trading"]
    assert found["model_share"] == pytest.approx(1.0, abs=1e-6)
    assert found["auc_share"] == found["model_share"]
    assert trading["cost_bps"] == pytest.approx(10.0)
    assert 0.8 * trading["best_here_bps"] < trading["model_gain_bps"] < trading["best_here_bps"]
    assert trading["best_here_bps"] == pytest.approx(trading["best_bps"], rel=0.1)
    assert trading["leak"]["level"] == "info"
    assert trading["short"]
    long_only = judged("costly", np.maximum(band(market("costly")[0]), 0.0))["trading"]
    assert not long_only["short"]
    assert long_only["best_bps"] == pytest.approx(trading["best_bps"] / 2, rel=0.02)
    assert long_only["leak"]["level"] == "info"


def test_an_account_that_saw_the_next_return_is_a_leak() -> None:
    made = market("costly")[0]
    opened = made.ohlcv[:, :, 0]
    ahead = np.zeros_like(opened)
    ahead[:, :-2] = opened[:, 2:] / opened[:, 1:-1] - 1.0
    trading = judged("costly", np.sign(ahead))["trading"]
    assert trading["model_growth_bps"] > 3 * trading["best_bps"]  # as it happened: far beyond what can be earned
    assert trading["leak"]["level"] == "error"


def test_an_honest_account_that_holds_one_symbol_at_a_time_is_no_leak() -> None:
    """The best policy of a symbol is that of 1/S; whoever may choose the best of eight earns more, without a leak."""
    made = market("linear")[0]
    chosen = np.zeros(made.mean.shape)
    chosen[np.abs(made.mean).argmax(axis=0), np.arange(BARS)] = 8.0
    cheap = CostsConfig(commission_bps=0.2, half_spread_bps=0.0)
    trading = judged("linear", chosen * np.sign(made.mean), costs=cheap)["trading"]
    assert trading["model_gain_bps"] > 1.5 * trading["best_bps"], "a bound for 1/S would be beaten"
    assert trading["leak"]["level"] == "info"
    assert trading["share"] == pytest.approx(8.0, rel=0.3)
    assert trading["bound_bps"] == pytest.approx(trading["share"] * trading["best_bps"])
    ahead = np.zeros_like(chosen)
    opened = made.ohlcv[:, :, 0]
    ahead[:, :-2] = opened[:, 2:] / opened[:, 1:-1] - 1.0
    early = np.zeros_like(chosen)
    early[np.abs(ahead).argmax(axis=0), np.arange(BARS)] = 8.0
    assert judged("linear", early * np.sign(ahead), costs=cheap)["trading"]["leak"]["level"] == "error"


@pytest.mark.parametrize(
    ("charge", "words"),
    [
        ({"impact": 1.0}, "impact"),
        ({"commission_per_unit": 0.001, "commission_minimum": 1.0}, "a fee per unit and a smallest commission"),
        ({"borrow_bps_per_bar": 0.1}, "borrow"),
    ],
)
def test_costs_that_the_best_policy_is_not_solved_for_leave_it_out(charge: dict[str, float], words: str) -> None:
    trading = judged("costly", band(market("costly")[0]), costs=CostsConfig(**charge))["trading"]  # pyright: ignore
    assert f"this run also pays {words}," in trading["unknown"]
    assert not {"best_bps", "best_here_bps", "bound_bps"} & set(trading)
    assert trading["leak"]["level"] == "info", "more costs leave less: without them the bound still holds"


def test_following_every_sign_loses_where_the_market_is_costly() -> None:
    found = judged("costly", np.sign(market("costly")[0].mean))
    assert found["trading"]["model_gain_bps"] < 0.0 < found["trading"]["best_bps"]
    dead = judged("dead", np.sign(market("dead")[0].mean))
    assert dead["trading"]["best_bps"] == pytest.approx(0.0, abs=0.02)
    assert dead["trading"]["model_gain_bps"] < -5.0


def test_any_label_has_an_oracle_and_other_kinds_say_what_is_not_known() -> None:
    found = judged("regime", np.zeros((8, BARS)), {"name": "forward_return", "horizon_bars": 4})
    assert found["method"] == "simulated"
    assert found["auc"] > 0.52
    assert found["kind"] == "regime"
    assert "no symbol has a small state" in found["trading"]["unknown"]
    assert "best_bps" not in found["trading"]


def test_a_real_market_has_none() -> None:
    _, panel, _ = market("costly")
    config = RunConfig(costs=COSTS)
    labels = cast("Any", config.label).label(panel)
    prepared = Prepared(panel, cast("FeatureTable", None), labels, np.ones(BARS, dtype=bool), None)
    nothing = cast("tuple[Forecast, Traded]", (None, None))
    assert known_truth({}, config, prepared, nothing, scored=labels.known, bars=slice(0, 9), volatility=None) is None
