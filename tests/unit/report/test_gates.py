"""The recipe's chapter: what failed first and open, measured beside threshold, and the same on a terminal."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from edgeproof.report.gates import gates_page, gates_sections, stopped_check
from edgeproof.report.gates_console import print_gates, spark
from edgeproof.report.page import MAX_BYTES, render
from edgeproof.report.run import PAGES, run_page

from . import recipes, runs
from .test_page import EVIL, seen


def main_of(page: str) -> str:
    return page[page.index("<main>") : page.index("</main>")]


def printed(gates: dict, width: int = 100, **options) -> str:
    stream = io.StringIO()
    print_gates(gates, Console(file=stream, width=width, color_system=None), **options)
    return stream.getvalue()


def test_a_failed_check_comes_first_and_open_the_passed_ones_are_folded():
    page = main_of(gates_page(recipes.gates(stopped=True), "mlp on market"))
    skeleton = page[page.index(">Skeleton") :]
    assert skeleton.index("capacity.one_batch") < skeleton.index("<details") < skeleton.index("flow.gradients")
    assert "<details open" not in page
    assert page.index("Stopped at step 2, Skeleton") < page.index(">Data")


def test_each_check_has_its_mark_measured_value_threshold_fix_and_plot():
    page = main_of(gates_page(recipes.gates(stopped=True), "mlp on market"))
    words = " ".join("".join(seen(page).words).split())
    assert "STOP capacity.one_batch" in words
    assert "measured 0.501threshold 0.010steps 1,000" in words
    assert "Fix mend what other checks name first" in words
    assert "edgeproof doctor runs/first --market market" in words
    assert "look quality.gaps SYN3" in words
    assert "threshold 0.001 to 1,000" in words
    assert "data.target_shifted one label a sample" in words
    assert page.count("<svg") == 5
    assert "Not walked: Overfit, Regularise, Tune, Squeeze; the run was stopped before them." in words


def test_the_page_of_a_stopped_run_says_how_to_go_on_and_one_that_was_warned_that_it_did():
    stopped = main_of(gates_page(recipes.gates(stopped=True), "mlp on market"))
    assert "With --gate warn the same command goes on past it" in stopped
    assert "required: they stop a run" in stopped
    warned = recipes.gates(stopped=True) | {"gate": "warn", "stopped": None}
    page = main_of(gates_page(warned, "mlp on market"))
    assert "Stopped at step" not in page
    assert "required; --gate warn went on past them" in page


def test_trials_are_a_table_and_each_step_has_its_share_of_the_run():
    run = replace(runs.run(bars=400), gates=recipes.gates(full=True))
    words = " ".join("".join(seen(main_of(run_page(run, PAGES["gates"]))).words).split())
    assert "dropout 0.2 0.6862 0.18 1.48 ✓ lowest log loss" in words
    assert "weight decay 0.01 — — — failed: the loss became infinite 1 training behind these, each counted" in words
    total = 34.2 + 1.2 + 9.8  # the gates, and what the verdict says of the rest
    assert f"31 s, {31 / total:.1%} of the run" in words
    assert "Not walked: Overfit, Tune, Squeeze; the profile is standard." in words
    assert " 4 Regularise" in words  # its number among the six, not among those walked


def test_a_run_without_gates_says_so():
    page = main_of(run_page(runs.run(bars=400), PAGES["gates"]))
    assert "made without gates" in page
    assert gates_sections({"steps": []})[0].blocks == gates_sections(None)[0].blocks


def test_the_recipe_is_a_chapter_of_the_whole_report_and_all_of_a_stopped_run_s():
    whole = run_page(replace(runs.run(bars=400), gates=recipes.gates()))
    assert whole.index('<section id="recipe">') < whole.index('<section id="training">')
    alone = gates_page(recipes.gates(stopped=True), "t")
    assert alone.count("<section") == 1
    assert "<script" not in alone


def test_a_report_with_every_check_drawn_in_full_stays_under_the_limit():
    gates = recipes.gates(full=True)
    busy = recipes.plot.bars({f"layers.{k}.weight": 1.0 + k for k in range(64)}, title="t", y_label="norm")
    gates["steps"][1]["checks"] = [
        finding | {"evidence": finding["evidence"] | {"plot": None, "plots": [busy] * 4}}
        for finding in gates["steps"][1]["checks"] * 15
    ]
    page = run_page(replace(runs.run(bars=100_000), gates=gates))
    assert len(page.encode()) <= MAX_BYTES
    failed = main_of(gates_page(recipes.gates(stopped=True) | {"steps": gates["steps"][1:]}, "t"))
    assert 8 < failed.count("<svg") < 4 * 45  # as many as there is room for


def test_markup_in_what_checks_say_is_inert():
    text = json.dumps(recipes.gates(stopped=True, full=True))
    gates = json.loads(text)
    for step in gates["steps"]:
        step |= {"title": EVIL, "said": EVIL, "skipped": [{"check": EVIL, "why": EVIL}]}
        for finding in step["checks"]:
            finding |= {"claim": EVIL, "remedy": EVIL, "where": EVIL}
            finding["evidence"] |= {"measured": {EVIL: EVIL}, "threshold": [EVIL], "command": EVIL, "more": EVIL}
            finding["evidence"]["plot"] = {"kind": "line", "title": EVIL, "x": [1, 2], "y": [1, 2], "x_label": EVIL}
        for trial in step["trials"]:
            trial |= {"label": EVIL, "why": EVIL}
    reader = seen(render("t", gates_sections(gates)))
    assert "script" not in reader.tags
    assert reader.handlers == []
    assert EVIL in "".join(reader.words)
    assert EVIL[:40] in printed(gates, 300)


def test_the_terminal_says_what_stopped_a_run_and_how_to_go_on():
    text = printed(recipes.gates(stopped=True), run="runs/first")
    for said in (
        "Stopped at step 2, Skeleton: capacity.one_batch",
        "64 samples are not learned by heart: loss 0.5012 after 1000 steps",
        "measured   0.501",
        "threshold  0.010",
        "fix        mend what other checks name first",
        "test       edgeproof doctor runs/first --market market",
        "see        edgeproof report runs/first",
        "--gate warn",
        "look  quality.gaps  SYN3: 14 bars are missing",
    ):
        assert said in text
    assert "1  Data" in text
    assert "1  Data" not in printed(recipes.gates(stopped=True), steps=False)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_terminal_s_width_is_kept(width):
    text = printed(recipes.gates(stopped=True), width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width


def test_a_finished_run_tells_its_steps_and_where_the_evidence_is():
    text = printed(recipes.gates(full=True), run="runs/first")
    assert "4  Regularise" in text
    assert "Stopped" not in text
    assert "edgeproof report runs/first --page gates" in text
    assert stopped_check(recipes.gates()) is None


def test_a_curve_in_blocks_falls_where_the_curve_does():
    falling = spark({"kind": "line", "title": "loss", "y": [1.0, 0.5, 0.0]})
    assert falling.startswith("█")
    assert falling[2] == "▁"
    assert falling.endswith("loss: 1 to 0")
    far = spark({"kind": "line", "title": "loss", "y": [0.7, 0.69], "threshold": 0.01})
    assert far.startswith("██")  # hardly a step of the way to what is enough
    assert spark({"kind": "bars", "y": [1, 2]}) == ""
