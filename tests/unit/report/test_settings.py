"""What a run was told stands on its page as it was told: the threshold kept, and the line of settings."""

from dataclasses import replace

from edgeproof.report.forecast import threshold_figure
from edgeproof.report.run import run_page
from edgeproof.report.settings import kept_rule, settings_line
from tests.unit.report import runs

CONFIG = """
label: {name: opportunity, horizon_bars: 24}
split: {name: holdout}
policy: {name: bracket}
keep: median
costs: {commission_bps: 4.0, half_spread_bps: 1.0, slippage_bps: 0.0, impact: 0.0}
seed: 0
"""
TRIED = [
    {"theta": theta, "net_growth": growth, "chosen": theta == 0.538}
    for theta, growth in ((0.51, -0.4), (0.538, -0.175), (0.56, 0.021))
]


def test_the_middle_threshold_is_never_called_the_best():
    drawn = threshold_figure(TRIED, "median")
    assert drawn is not None
    assert drawn.conclusion == (
        "1 of 3 thresholds gains after costs. The middle one, 0.538, was kept (keep: median) and gained \u221217.5%; "
        "the best, 0.560, gained 2.1%."
    )
    alone = threshold_figure([TRIED[1]], "median")
    assert alone is not None
    assert alone.conclusion.endswith("gained \u221217.5%; none gained more.")


def test_a_page_reads_from_its_config_which_threshold_was_kept():
    run = replace(runs.run(bars=400), thresholds=TRIED, config_yaml=CONFIG)
    page = run_page(run, ("forecasts",))
    assert "The best, 0.538" not in page
    assert page.count("The middle one, 0.538, was kept (keep: median)") == 2  # under the plot and in its label
    assert kept_rule("market: m\n") == kept_rule("{") == "best"


def test_the_head_of_a_page_says_what_was_run():
    line = "opportunity 24 bars · bracket · holdout · seed 0 · 4 + 1 bps a side"
    assert settings_line(CONFIG) == line
    page = run_page(replace(runs.run(bars=400), config_yaml=CONFIG), ("verdict",))
    assert page.index(" symbols · ") < page.index(line) < page.index("<main>")


def test_settings_that_a_config_does_not_say_are_left_out():
    assert settings_line("") == settings_line("[1, 2]") == settings_line("a: [") == ""
    assert settings_line("label: forward_return\ncosts: {impact: 0.1}\n") == "forward return · impact 0.1"
    assert settings_line("costs: {commission_bps: 0.0}\n") == "no costs"
    assert settings_line("label: [{name: opportunity, horizon_bars: 1}, {name: touch}]") == "opportunity 1 bar, touch"
