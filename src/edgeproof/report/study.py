"""A search as a page: the best trial beside what luck would show, every trial, every parameter, and what it cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.report.luck import luck_sections, margin_of, margin_words, seeds_of, small, spread_of
from edgeproof.report.number import clip, get, is_number, show
from edgeproof.report.page import render
from edgeproof.report.part import Banner, Block, Cell, Code, Grid, Section, Stat, Table
from edgeproof.report.trials import (
    Objective,
    Trial,
    curves_figure,
    finished,
    history_figure,
    importance_figure,
    objective_of,
    parameter_figures,
    ranked,
    short_names,
    trials_of,
)

__all__ = ["study_page", "study_sections"]

MOST_ROWS = 20
MOST_FAILURES = 8
FIGURES: dict[str, tuple[str, str]] = {
    "log_loss": ("log loss", "loss"),
    "auc": ("AUC", "score"),
    "f1_plus": ("F1+", "score"),
    "net_growth": ("net growth in bps a bar", "score"),
    "sharpe": ("net Sharpe", "ratio"),
}


def _sentence(data: Mapping[str, Any], order: Sequence[Trial], count: int, objective: Objective) -> str:
    best, luck = order[0], get(data, "deflated", "by_luck")
    head = (
        f"Of {count} trials number {best.number} has the best {objective.name} on validation, "
        f"{show(best.value, objective.unit)}."
    )
    beside = (
        f" The best of so many without any edge would show {show(luck, objective.unit)}." if is_number(luck) else ""
    )
    words = margin_words(data, order)
    return head + beside + (f" {words}" if words else "")


def _counts(trials: Sequence[Trial]) -> str:
    found = Counter(trial.state for trial in trials)
    return ", ".join(f"{count} {state}" for state, count in found.items())


def _stats(data: Mapping[str, Any], order: Sequence[Trial], trials: Sequence[Trial], goal: Objective) -> list[Stat]:
    luck, spread, margin = get(data, "deflated", "by_luck"), spread_of(data), margin_of(order)
    sharpe, chance = get(data, "deflated", "sharpe"), get(data, "deflated", "expected_maximum_sharpe")
    items = [Stat(f"Best {goal.name}", show(order[0].value, goal.unit), f"trial {order[0].number}, validation")]
    if is_number(luck):
        items.append(
            Stat(
                "By luck alone",
                show(luck, goal.unit),
                f"best of {show(get(data, 'deflated', 'trials') or len(trials), 'count')} without any edge",
            )
        )
    if is_number(sharpe) and is_number(chance):
        items.append(Stat("Net Sharpe", show(sharpe, "ratio"), f"best by luck alone: {show(chance, 'ratio')}"))
    if margin is not None:
        items.append(Stat("Lead over the next", small(margin), f"trial {order[1].number} is the runner-up"))
    if spread is not None:
        items.append(Stat("Spread over seeds", small(spread), f"standard deviation of {len(seeds_of(data))}"))
    items.append(Stat("Trials", show(len(trials), "count"), _counts(trials)))
    return items


def _reading(data: Mapping[str, Any]) -> list[str]:
    said = [
        "The best of many is flattered: every trial was scored on the same validation bars. Only the verdict decides."
    ]
    if get(data, "deflated", "dsr") is not None:
        said.append("DSR and its kin are conventions that correct for the number of trials; none of them decides.")
    return said


def _header(data: Mapping[str, Any], trials: Sequence[Trial], goal: Objective) -> Section:
    order = ranked(trials, goal)
    if not order:
        text = f"No trial was finished: {_counts(trials) or 'none was begun'}."
        return Section("Best trial", "", (Banner("neutral", "No result", text),))
    title = f"Trial {order[0].number} is the best of {len(trials)}" if len(trials) > 1 else "One trial"
    sentence = _sentence(data, order, len(trials), goal)
    return Section(
        "Best trial", "", (Banner("neutral", title, sentence, _stats(data, order, trials, goal), _reading(data)),)
    )


def _every(data: Mapping[str, Any], trials: Sequence[Trial], goal: Objective) -> list[Section]:
    drawn = [history_figure(data, trials, goal), curves_figure(trials, goal, str(data.get("step") or "epoch"))]
    blocks = [figure for figure in drawn if figure is not None]
    lead = f"{len(trials)} trials: {_counts(trials)}. Pruned and failed ones count, too."
    return [Section("Trials", lead, [*blocks, *_best_table(trials, goal), *_failures(trials)])] if trials else []


def _best_table(trials: Sequence[Trial], goal: Objective) -> list[Block]:
    rows = ranked(trials, goal)[:MOST_ROWS]
    if not rows:
        return []
    names = list(dict.fromkeys(name for trial in rows for name in trial.params))
    shown = [key for key in FIGURES if FIGURES[key][0] != goal.name and any(key in row.figures for row in rows)]
    words = short_names(names)
    heads = ("Trial", goal.name, *(FIGURES[key][0] for key in shown), *(words[name] for name in names), "time")
    body = [
        (
            Cell(str(trial.number)),
            Cell(show(trial.value, goal.unit)),
            *(Cell(show(trial.figures.get(key), FIGURES[key][1])) for key in shown),
            *(Cell(_value(trial.params.get(name))) for name in names),
            Cell(show(trial.seconds, "seconds")),
        )
        for trial in rows
    ]
    return [Table(heads, body, caption=f"The best {len(rows)}, the first first." if len(rows) > 1 else "")]


def _value(value: Any) -> str:
    return "-".join(str(item) for item in value) if isinstance(value, list | tuple) else clip(show(value), 30)


def _failures(trials: Sequence[Trial]) -> list[Block]:
    failed = [trial for trial in trials if trial.state == "failed"]
    if not failed:
        return []
    rows = [
        (Cell(str(trial.number)), Cell(clip(trial.why or "no reason was kept", 200)))
        for trial in failed[:MOST_FAILURES]
    ]
    caption = f"{len(failed)} failed; {'it counts' if len(failed) == 1 else 'they count'}, too."
    return [Table(("Trial", "why"), rows, caption=caption, numeric=False)]


def _parameters(data: Mapping[str, Any], trials: Sequence[Trial], goal: Objective) -> list[Section]:
    panels = parameter_figures(data, trials, goal)
    weights = importance_figure(data.get("importance") or {}, len(finished(trials)))
    blocks: list[Block] = [] if weights is None else [weights]
    blocks += [Grid(panels[start : start + 3]) for start in range(0, len(panels), 3)]
    lead = f"{goal.name[:1].upper()}{goal.name[1:]} against each setting, the most important first; the best is ringed."
    return [Section("Parameters", lead, blocks)] if blocks else []


def _range(body: Mapping[str, Any]) -> str:
    if body.get("choices"):
        return ", ".join(_value(item) for item in body["choices"])
    ends = f"{show(body.get('low'))} to {show(body.get('high'))}"
    return ends + (", logarithmic" if body.get("log") else "")


def _setup(data: Mapping[str, Any]) -> Section:
    known = {"sampler": "Sampler", "pruner": "Pruner", "seed": "Seed", "storage": "Storage", "model": "Model"}
    rows = [(Cell(label), Cell(show(data[key]))) for key, label in known.items() if data.get(key) is not None]
    if is_number(data.get("seconds")):
        rows.append((Cell("Time, all trials"), Cell(show(data["seconds"], "seconds"))))
    space = [(Cell(clip(name, 60)), Cell(_range(body))) for name, body in (data.get("space") or {}).items()]
    tables: list[Block] = [Table(("Search", ""), rows, numeric=False)] if rows else []
    tables += [Table(("Setting", "searched over"), space, numeric=False)] if space else []
    code = [Code("Config", clip(data["config"], 40_000))] if data.get("config") else []
    return Section("Setup", "What it takes to repeat this search.", [*([Grid(tables)] if tables else []), *code])


def study_sections(data: Mapping[str, Any]) -> list[Section]:
    """The chapters of a study's page."""
    trials, goal = trials_of(data), objective_of(data)
    return [
        _header(data, trials, goal),
        *luck_sections(data, trials, goal),
        *_every(data, trials, goal),
        *_parameters(data, trials, goal),
        _setup(data),
    ]


def study_page(data: Mapping[str, Any]) -> str:
    """One search as a page.

    Args:
        data: the content of study.json: `name`, `objective` (a key of `trials.OBJECTIVES`), `direction` (`minimize` or
            `maximize`), `sampler`, `pruner`, `seed`, `space` (name: `low`, `high`, `log`, or `choices`), `trials`
            (each `number`, `state`, `params`, `value`, `intermediate` by `step` (`epoch`, or an agent's `validation`),
            `seconds`, `figures`, `trial`, and `why` where it failed), `importance` by name, `deflated` (any of
            `luck.DEFLATED`), `seeds` (`values` of the objective, one a seed), `seconds`, `config` (YAML). All but
            `name`, `objective` and `trials` may be absent.

    Raises:
        DataError: the page would be larger than 2 MB.
    """
    goal = objective_of(data)
    said = [data.get("model"), f"for the best {goal.name} on validation", data.get("sampler")]
    subtitle = " · ".join(clip(item, 60) for item in said if item)
    footer = "Every figure of this page is in study.json beside it."
    return render(clip(_name(data), 120), study_sections(data), subtitle=subtitle, footer=footer)


def _name(data: Mapping[str, Any]) -> str:
    name = str(data.get("name") or "")
    if name.lower() in ("", "search"):
        return "A search"
    return f"Search {name}" if " " not in name else name
