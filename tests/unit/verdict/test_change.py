from edgeproof.verdict.change import hangs_on

ABLATIONS = {
    "one_bar_late": {"sharpe": 2.4},
    "costs_twice": {"sharpe": -0.31},
    "same_close": {"sharpe": 9.0},
    "without_five_best": {"sharpe": None},
}


def test_an_edge_says_what_it_hangs_on():
    (said,) = hangs_on("edge", ABLATIONS)
    assert said == (
        "The net Sharpe ratio would have been 2.40 with every decision one bar late, -0.31 with costs twice as high."
    )


def test_without_an_edge_or_an_ablation_there_is_nothing_to_say():
    assert hangs_on("no_edge", ABLATIONS) == []
    assert hangs_on("inconclusive", ABLATIONS) == []
    assert hangs_on("edge", {}) == []
