"""A search's page: the best trial, what luck would show beside it, and every trial counted."""

import json
import re
from html import unescape
from typing import Any

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeproof.report.luck import luck_sections, margin_of, margin_words, spread_of
from edgeproof.report.page import MAX_BYTES
from edgeproof.report.part import Figure, Grid, Table
from edgeproof.report.study import study_page, study_sections
from edgeproof.report.sweep import sweep_page
from edgeproof.report.trials import importance_figure, objective_of, ranked, short_names, trials_of

from .campaigns import swept
from .studies import study


def drawn(sections) -> list[Figure]:
    blocks = [block for section in sections for block in section.blocks]
    inner = [part for block in blocks if isinstance(block, Grid) for part in block.blocks]
    return [block for block in (*blocks, *inner) if isinstance(block, Figure)]


def test_the_best_stands_beside_what_luck_would_show():
    text = unescape(study_page(study()))
    best = min(row["value"] for row in study()["trials"] if row["state"] == "complete")
    assert f"{best:.4f}" in text
    assert "By luck alone" in text
    assert "without any edge would show" in text
    assert "23 complete, 6 pruned, 1 failed" in text
    assert "loss is not finite in epoch 1" in text
    assert "another seed could have chosen another winner" in text
    assert len(text.encode()) <= MAX_BYTES


def test_plotly_accepts_every_figure():
    figures = drawn(study_sections(study()))
    assert len(figures) >= 11
    for figure in figures:
        go.Figure(json.loads(re.sub(r'"@[\w-]+"', '"#123456"', json.dumps(figure.plot))))


def test_the_best_is_the_largest_where_more_is_better():
    body: dict[str, Any] = study() | {"objective": "auc", "direction": "maximize"}
    goal = objective_of(body)
    values = [trial.value or 0.0 for trial in ranked(trials_of(body), goal)]
    assert values == sorted(values, reverse=True)
    assert margin_of(ranked(trials_of(body), goal)) == pytest.approx(values[0] - values[1])


def test_a_search_of_an_agent_speaks_of_growth_and_validations_and_says_its_figure_once():
    body: dict[str, Any] = study() | {"objective": "net_growth", "direction": "maximize", "step": "validation"}
    for row in body["trials"]:
        if row["state"] == "complete":
            row["figures"] = {"net_growth": row["value"], "sharpe": 1.0}
    tables = [block for section in study_sections(body) for block in section.blocks if isinstance(block, Table)]
    (heads,) = [table.columns for table in tables if "Trial" in table.columns and "lr" in table.columns]
    assert tuple(heads[:3]) == ("Trial", "net growth in bps a bar", "net Sharpe")
    curves = next(figure for figure in drawn(study_sections(body)) if figure.title == "Learning curves")
    assert curves.caption == "The objective at each validation, one line a trial."


def test_a_sweep_of_an_agent_names_its_rate_its_steps_and_what_staying_out_is():
    body = {name: value for name, value in swept().items() if name != "epochs"}
    text = unescape(sweep_page(body | {"key": "agent.lr", "metric": "net_growth", "steps": 32768, "nothing": 0.0}))
    assert "agent.lr" in text
    assert "train.lr" not in text.replace(str(body["config"]), "")
    assert "after 32,768 steps at each rate, no schedule; the dashed line is staying out" in text


def test_the_lead_is_called_firm_only_above_the_spread():
    order = ranked(trials_of(study()), objective_of(study()))
    lead = margin_of(order) or 0.0
    narrow = {"seeds": {"values": [0.0, lead / 10]}}
    wide = {"seeds": {"values": [0.0, lead * 10]}}
    assert "is more than" in margin_words(narrow, order)
    assert "another seed" in margin_words(wide, order)
    assert spread_of({"seeds": {"values": [1.0, 2.0, 3.0]}}) == 1.0
    assert spread_of({"seeds": {"values": [1.0]}}) is None


def test_few_trials_cannot_tell_what_mattered():
    weights = {"train.lr": 0.7, "model.dropout": 0.3}
    few, many = importance_figure(weights, 19), importance_figure(weights, 20)
    assert few is not None
    assert many is not None
    assert "19 finished trials are too few" in few.conclusion
    assert "too few" not in many.conclusion


def test_a_search_called_search_is_called_so_once():
    text = study_page(study() | {"name": "search"})
    assert "Search search" not in text
    assert "A search" in text


def test_a_search_without_any_result_says_so():
    body: dict[str, Any] = study() | {
        "trials": [row | {"state": "failed", "value": None, "why": "no"} for row in study()["trials"][:3]]
    }
    text = study_page({key: body[key] for key in ("name", "objective", "trials")})
    assert "No trial was finished: 3 failed." in text
    assert study_page({"name": "x", "objective": "log_loss", "trials": []})


@given(st.integers(1, 12), st.integers(0, 50))
def test_any_number_of_trials_makes_sections(count, seed):
    body = study(count, epochs=3, seed=seed)
    if any(row["state"] == "complete" for row in body["trials"]):
        assert luck_sections(body, trials_of(body), objective_of(body))
    assert study_sections(body)[0].anchor == "best-trial"


def test_names_are_short_only_where_nothing_is_confused():
    assert short_names(["train.lr", "model.dropout"]) == {"train.lr": "lr", "model.dropout": "dropout"}
    assert short_names(["a.size", "b.size"]) == {"a.size": "a.size", "b.size": "b.size"}


def test_markup_in_a_search_is_inert():
    evil = "<script>alert(1)</script>"
    body: dict[str, Any] = study() | {"name": evil, "sampler": evil, "config": evil}
    body["trials"][7] |= {"why": evil}
    body["trials"][0]["params"] = {evil: evil}
    assert study_page(body).count("<script") == 3  # plots, library, drawing


def test_a_huge_search_stays_under_the_limit():
    assert len(study_page(study(2500, epochs=50)).encode()) <= MAX_BYTES
