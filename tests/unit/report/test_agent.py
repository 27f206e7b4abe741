"""An agent's chapters: what each curve says in words, and that nothing is drawn of what was not recorded."""

import polars as pl
import pytest

from edgeproof.report.agent import account_assets, actions_section, is_agent, learning_section, part_weights
from edgeproof.report.number import MINUS
from edgeproof.report.part import Figure, Grid, Section, Table, Text
from edgeproof.report.run import run_page
from tests.unit.report import agents, runs


def figures(section: Section) -> dict[str, Figure]:
    return {
        part.title: part
        for block in section.blocks
        if isinstance(block, Grid)
        for part in block.blocks
        if isinstance(part, Figure)
    }


def table(section: Section) -> list[list[str]]:
    (found,) = [block for block in section.blocks if isinstance(block, Table)]
    return [list(found.columns), *([cell.text for cell in row] for row in found.rows)]


def test_an_agent_s_history_is_told_from_a_model_s():
    assert is_agent(agents.history())
    assert not is_agent(runs.history())


def test_the_kept_update_is_named_with_its_growth_before_and_after():
    drawn = figures(learning_section(agents.history()))["Net growth on validation"]
    assert drawn.conclusion == (
        "Update 9 of 12 was kept: 8.00 bps a bar, after 4.40 at the first validation and 7.10 at the last."
    )
    (curve,) = drawn.plot["data"]
    assert curve["x"] == [3, 6, 9, 12]
    assert drawn.plot["layout"]["shapes"][0]["x0"] == 9


def notes(section: Section) -> str:
    return " ".join(block.text for block in section.blocks if isinstance(block, Text))


def test_stages_of_a_curriculum_are_marked_in_every_curve_and_named():
    staged = agents.history().with_columns(stage=pl.Series([1] * 4 + [2] * 7 + [3]))
    section = learning_section(staged)
    curves = figures(section).values()
    assert len(curves) >= 8
    for figure in curves:
        shapes, words = (figure.plot["layout"][part] for part in ("shapes", "annotations"))
        assert [one["x0"] for one in shapes] == [0.5, 4.5, 11.5, 9.0], figure.title  # and the update that was kept
        assert [(one["x"], one["text"]) for one in words] == [(0.5, "stage 1"), (4.5, "stage 2"), (11.5, "stage 3")]
    assert "stage 1: updates 1 to 4; stage 2: updates 5 to 11; stage 3: update 12." in notes(section)
    assert "stage" not in notes(learning_section(agents.history())).lower()


def test_seconds_and_speed_say_what_they_hold():
    told = notes(learning_section(agents.history()))
    assert "12 updates of 12,000 steps in all took 6.0 s: 2,000 steps a second, learning alone." in told
    assert "also holds its start, every validation and what was kept on disk" in told


def test_one_that_never_earned_and_one_that_still_rises_are_said_to_be_so():
    history = agents.history(kept=12)
    assert "still rising" in figures(learning_section(history))["Net growth on validation"].conclusion
    poor = history.with_columns(validation_score=pl.col("validation_score") - 100)
    assert "never earned anything" in figures(learning_section(poor))["Net growth on validation"].conclusion


def test_parts_of_the_reward_are_drawn_as_they_were_paid():
    weights = part_weights(agents.WEIGHTED)
    assert weights == {"direction": 0.5, "pnl": 2.0, "exits": 0.15, "drawdown": 0.1}
    drawn = figures(learning_section(agents.history(), weights=weights))["Parts of the reward"]
    ends = {trace["name"]: trace["y"][-1] for trace in drawn.plot["data"]}
    assert ends == {"direction": pytest.approx(0.12), "pnl": pytest.approx(0.24), "drawdown": pytest.approx(-1e-5)}
    assert drawn.conclusion == "In the last update: pnl 0.240, direction 0.120. Never paid: exits."
    assert part_weights("environment: {reward: {name: log_growth}}") == part_weights(": no yaml") == {}


def test_another_reward_has_no_parts():
    plain = agents.history().drop("direction", "pnl", "exits", "drawdown")
    assert "Parts of the reward" not in figures(learning_section(plain))


def test_accounts_of_validation_are_drawn_each_and_their_mean():
    episodes = agents.episodes()
    drawn = figures(learning_section(agents.history(), episodes))["Equity of the validation episodes"]
    assert [trace["name"] for trace in drawn.plot["data"]] == ["SYN0", "SYN1", "SYN2", "mean of all accounts"]
    ends = episodes.group_by("symbol", maintain_order=True).agg(pl.col("equity").last())["equity"]
    assert drawn.plot["data"][-1]["y"][-1] == pytest.approx(ends.mean(), rel=1e-4)
    assert drawn.conclusion.startswith(f"{(ends > 1).sum()} of 3 accounts gained.")
    assert f"SYN0 {MINUS}" in drawn.conclusion


def test_many_accounts_are_a_band():
    drawn = figures(learning_section(agents.history(), agents.episodes(symbols=40)))
    names = [trace["name"] for trace in drawn["Equity of the validation episodes"].plot["data"]]
    assert names == ["10% of accounts are below", "90% of accounts are below", "mean of all accounts"]


def test_figures_of_validation_stand_beside_each_other():
    rows = table(learning_section(agents.history()))
    assert rows[0] == ["Validation", "first, update 3", "kept, update 9", "last, update 12"]
    assert rows[1] == ["Net growth, bps a bar", "4.40", "8.00", "7.10"]
    assert ["Maximum drawdown", "4.0%", "4.0%", "4.0%"] in rows


def test_an_entropy_near_nothing_is_said_to_be_the_end_of_trying():
    calm = agents.history()
    assert "stopped trying" not in figures(learning_section(calm))["Entropy"].conclusion
    dead = calm.with_columns(entropy=pl.col("entropy") * pl.when(pl.col("epoch") < 3).then(1.0).otherwise(1e-3))
    assert "stopped trying" in figures(learning_section(dead))["Entropy"].conclusion


def test_a_history_without_rows_says_so():
    section = learning_section(agents.history().clear())
    assert not figures(section)
    assert len(section.blocks) == 1


def decisions(*positions: float) -> pl.DataFrame:
    said = [0.5 + 0.25 * position for position in positions]
    return pl.DataFrame([runs.moments(0, len(said)), pl.Series("probability", said)])


def test_actions_are_counted_and_named():
    drawn = figures(actions_section(decisions(-1, -1, -1, 0, 1))[0])["Actions"]
    assert drawn.plot["layout"]["xaxis"]["ticktext"] == [f"{MINUS}1.0", "flat", "+1.0"]
    assert drawn.plot["data"][0]["y"] == [0.6, 0.2, 0.2]
    assert drawn.conclusion == f"Most often {MINUS}1.0: 60.0% of decisions."
    assert "never does anything else" in figures(actions_section(decisions(0, 0))[0])["Actions"].conclusion


def test_exposure_has_a_long_and_a_short_side_and_a_lean():
    drawn = figures(actions_section(decisions(-1, -1, -1, 0, 1))[0])["Exposure"]
    sides = {trace["name"]: trace for trace in drawn.plot["data"]}
    assert sides["long"]["y"] == [0, 0, 0, 0, 1]
    assert sides["short"]["y"] == [-1, -1, -1, 0, 0]
    assert sides["long"]["stackgroup"] != sides["short"]["stackgroup"]  # areas of one group lie upon each other
    assert drawn.conclusion == f"Mean {MINUS}0.40: a lean to the short side."


def test_a_long_time_is_drawn_as_means_of_stretches():
    drawn = figures(actions_section(decisions(*([1.0, -1.0] * 500)))[0])["Exposure"]
    long = drawn.plot["data"][0]
    assert len(long["x"]) <= 80
    assert long["y"][:-1] == pytest.approx([0.5] * (len(long["y"]) - 1), abs=0.05)
    assert "over 13 bars" in drawn.caption


def test_no_decision_is_said():
    (section,) = actions_section(decisions())
    assert "no decision" in str(section.blocks)


def test_the_page_of_an_agent_has_its_chapters_instead_of_a_model_s():
    page = run_page(agents.agent_run())
    for words in ("Actions", "Exposure", "Equity of the validation episodes", "Parts of the reward", "Regimes"):
        assert words in page
    assert "validation log loss" not in page


def test_an_account_of_several_symbols_is_one_and_its_weights_are_told_by_symbol():
    assert account_assets("environment: {assets: 3}\n") == 3
    assert account_assets("environment: {episode_bars: 3}\n") == account_assets(": no yaml") == 1
    said = pl.concat(
        decisions(*weights).with_columns(symbol=pl.lit(name))
        for name, weights in {"A": (0.25, 0.25), "B": (-0.5, 0.0), "C": (0.0, 0.125)}.items()
    )
    drawn = figures(actions_section(said, assets=3)[0])
    assert drawn["Weights"].conclusion == "Most of A: 25.0% of the account was asked for."
    long, short = drawn["Weights"].plot["data"]
    assert drawn["Weights"].plot["layout"]["showlegend"]
    assert [trace["showlegend"] for trace in drawn["Weights"].plot["data"]] == [True, True]
    assert drawn["Weights"].plot["layout"]["xaxis"]["ticktext"] == ["A", "B", "C"]
    assert (long["y"], short["y"]) == ([0.25, 0.0, 0.0625], [0.0, -0.25, 0.0])
    long, short = drawn["Exposure"].plot["data"]
    assert (long["y"], short["y"]) == ([0.25, 0.375], [-0.5, 0.0])
    assert drawn["Exposure"].conclusion == "Mean +0.06: a lean to the long side."
    one = agents.episodes(symbols=1).with_columns(symbol=pl.lit("A to C"))
    equity = figures(learning_section(agents.history(), one, assets=3))["Equity of the validation episodes"]
    assert [trace["name"] for trace in equity.plot["data"]] == ["A to C"]
    assert equity.conclusion.startswith("The account ended at ")
    assert "an account of 3 symbols" in equity.caption
