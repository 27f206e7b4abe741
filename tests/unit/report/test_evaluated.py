"""The terminal's answer to `edgeproof evaluate`: what matters, readable, whatever is missing."""

from io import StringIO

from rich.console import Console

from edgeproof.report.evaluated import print_evaluation

FIGURES = {
    "span": "open",
    "start": "2020-04-10 01:00",
    "end": "2020-05-13 08:00",
    "bars": 800,
    "market": {"symbols": 4},
    "net": {"total_return": 0.43, "sharpe": 11.8, "trades": 588},
    "gross": {"total_return": 0.654, "sharpe": 16.54},
    "benchmarks": {"flat": {"sharpe": 0.0}, "buy_and_hold": {"total_return": -0.017, "sharpe": -0.15}},
    "forecast": {"count": 3192, "auc": 0.563, "auc_low": 0.543, "auc_high": 0.586, "log_loss": 0.7581},
    "oracle": None,
}


def shown(**changed) -> str:
    console = Console(width=100, record=True, file=StringIO())
    print_evaluation(FIGURES | changed, console)
    return console.export_text()


def test_money_stands_beside_the_benchmarks_and_forecasts_with_their_interval():
    lines = shown().splitlines()
    assert lines[0] == "800 open bars of 4 symbols, 2020-04-10 01:00 to 2020-05-13 08:00"
    assert next(line for line in lines if line.startswith("sharpe")).split() == [
        "sharpe",
        "11.80",
        "16.54",
        "\u22120.15",
    ]
    assert next(line for line in lines if line.startswith("trades")).split() == ["trades", "588", "\u2014", "\u2014"]
    assert "auc 0.563 (0.543 to 0.586), log loss 0.7581" in shown()
    assert "flat" not in shown()
    assert "truth" not in shown()


def test_a_known_truth_says_what_could_be_known_and_earned():
    text = shown(oracle={"auc": 0.647, "model_auc": 0.561, "trading": {"model_gain_bps": 5.9, "best_bps": 15.2}})
    assert "auc 0.561 of at most 0.647; gain 5.9 bps a bar, the best policy's 15.2 bps" in text
    assert "gain" not in shown(oracle={"auc": 0.647, "model_auc": 0.561, "trading": None})
