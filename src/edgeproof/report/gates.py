"""The recipe's steps as a chapter: what each check measured against its threshold, what failed first and open.

Drawn from `gates.json` alone (written by `recipe.steps`); the small plots are drawn by `core.sketch`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.core.sketch import plots_of, sketch
from edgeproof.report.number import DASH, clip, get, humanise, is_number, show
from edgeproof.report.page import render
from edgeproof.report.part import Banner, Block, Cell, Gates, Section, Stat, Stats, Table, Text

__all__ = [
    "MARKS",
    "STEPS",
    "gates_page",
    "gates_sections",
    "measured_words",
    "number_of",
    "stopped_check",
    "title_of",
    "worst_mark",
]

MARKS = {"info": "ok", "warning": "look", "error": "STOP"}
STEPS = {
    "data": "Data",
    "skeleton": "Skeleton",
    "overfit": "Overfit",
    "regularise": "Regularise",
    "tune": "Tune",
    "squeeze": "Squeeze",
}
LEAD = (
    "Training fails silently; these checks make it fail aloud. Each says what was measured, against which threshold, "
    "and what to do."
)
NONE = (
    "This run was made without gates: no check of its data, model and loss was made before the training. "
    "`edgeproof run --profile quick` makes them."
)
GO_ON = "With --gate warn the same command goes on past it; the finding then stands in the verdict."
MOST_PLOTS, MOST_FIGURES = 4, 5
MOST_BYTES = 60_000  # of all small plots; those of a usual run take 40,000
DRAWN = ("measured", "threshold", "plot", "plots", "command", "causes")


def gates_sections(gates: Mapping[str, Any] | None, verdict: Mapping[str, Any] | None = None) -> list[Section]:
    """The recipe's chapter; of a run without gates one that says so.

    Args:
        gates: gates.json; None where there is none.
        verdict: of the run, for what its parts took; None of a run that was stopped.
    """
    if not gates or not gates.get("steps"):
        return [Section("The recipe", LEAD, (Text(NONE.replace("`", "")),), short="Recipe")]
    total = _total(gates, verdict)
    drawn = _drawn([finding for step in gates["steps"] for finding in step["checks"]])
    steps = [_step(step, total, drawn) for step in gates["steps"]]
    first: list[Block] = [_banner(gates)] if gates.get("stopped") else []
    blocks = [*first, Stats(_stats(gates, total)), Gates(steps), *_rest(gates)]
    return [Section("The recipe", LEAD, blocks, short="Recipe")]


def gates_page(gates: Mapping[str, Any], title: str, *, details: str = "", footer: str = "") -> str:
    """The recipe alone as a page: all that a stopped run has."""
    return render(clip(title, 120), gates_sections(gates), details=details, footer=footer)


def stopped_check(gates: Mapping[str, Any]) -> tuple[int, Mapping[str, Any], Mapping[str, Any]] | None:
    """Number of the step, the step, and the finding that stopped the run; None where none did."""
    name = gates.get("stopped")
    for step in reversed(gates["steps"]):
        for finding in step["checks"]:
            if name and finding["check"] == name and finding["level"] == "error":
                return number_of(step), step, finding
    return None


def measured_words(finding: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`measured` and `threshold` of a finding, each in words, as much as it has."""
    evidence = finding.get("evidence") or {}
    pairs = [(name, _told(evidence.get(name))) for name in ("measured", "threshold")]
    return [(name, text) for name, text in pairs if text]


def _told(value: Any) -> str:
    """A measured value, or a threshold: a number, a range, a rule in words."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        texts = [_told(item) or DASH for item in value]
        return f"{texts[0]} to {texts[1]}" if len(texts) == 2 else clip(", ".join(texts), 120)
    if isinstance(value, Mapping):
        return clip(", ".join(f"{key} {_told(inner)}" for key, inner in value.items()), 160)
    return show(value)


def _total(gates: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> float | None:
    """Seconds of the whole run, the gates' own included; None of a run that did not come to its end."""
    seconds = {name: value for name, value in (get(verdict, "seconds") or {}).items() if is_number(value)}
    if not seconds:
        return None
    own = 0.0 if "gates" in seconds else gates.get("seconds") or 0.0
    return sum(seconds.values()) + own


def _share(seconds: Any, total: float | None) -> str:
    return f"{show(seconds / total, 'percent')} of the run" if is_number(seconds) and total else ""


def _banner(gates: Mapping[str, Any]) -> Banner:
    found = stopped_check(gates)
    if found is None:
        name = clip(gates["stopped"], 80)
        return Banner("stopped", "Stopped by a check", f"{name} said no; nothing was trained after it.")
    number, step, finding = found
    items = [Stat(humanise(name), clip(text, 80)) for name, text in measured_words(finding) if len(text) <= 24]
    command = get(finding, "evidence", "command")
    remedy = clip(finding["remedy"], 400)
    test = (
        f"Test it: {clip(command, 400)}" if command else "Then give the corrected command: it may take the same folder."
    )
    changes = [remedy[:1].upper() + remedy[1:], test, GO_ON]
    title, claim = f"Stopped at step {number}, {title_of(step)}", clip(finding["claim"], 400).rstrip(".")
    return Banner("stopped", title, f"{clip(finding['check'], 80)}: {claim}.", items, changes)


def number_of(step: Mapping[str, Any]) -> int:
    """A step's place among the six."""
    return list(STEPS).index(step["name"]) + 1 if step.get("name") in STEPS else len(STEPS) + 1


def title_of(step: Mapping[str, Any]) -> str:
    """A step's name for people."""
    return clip(step.get("title") or STEPS.get(str(step.get("name")), str(step.get("name"))), 60)


def _stats(gates: Mapping[str, Any], total: float | None) -> list[Stat]:
    checks = [finding for step in gates["steps"] for finding in step["checks"]]
    skipped = sum(len(step.get("skipped") or ()) for step in gates["steps"])
    trials = sum(len(step.get("trials") or ()) for step in gates["steps"])
    failed = {level: sum(finding["level"] == level for finding in checks) for level in MARKS}
    items = [
        Stat("Checks made", show(len(checks), "count"), f"{skipped} skipped, each with its reason" if skipped else ""),
        Stat(
            "Failed", show(failed["error"], "count"), _failed(gates, failed["error"]), "bad" if failed["error"] else ""
        ),
        Stat("Warnings", show(failed["warning"], "count"), "worth a look"),
        Stat("Time", show(gates.get("seconds"), "seconds"), _share(gates.get("seconds"), total)),
    ]
    return items + ([Stat("Trials", show(trials, "count"), "each a row of the ledger")] if trials else [])


def _failed(gates: Mapping[str, Any], count: int) -> str:
    went_on = count and not gates.get("stopped")
    return "required; --gate warn went on past them" if went_on else "required: they stop a run"


def _drawn(checks: Sequence[Mapping[str, Any]]) -> dict[int, list[str]]:
    """The plots of each check by its identity; those of failed ones first, as many as a page has room for."""
    drawn, room = dict[int, list[str]](), MOST_BYTES
    for finding in sorted(checks, key=lambda finding: finding["level"] == "info"):
        plots = [text for plot in plots_of(finding.get("evidence") or {})[:MOST_PLOTS] if (text := sketch(plot))]
        room -= sum(len(text) for text in plots)
        if room >= 0:
            drawn[id(finding)] = plots
    return drawn


def _step(step: Mapping[str, Any], total: float | None, drawn: Mapping[int, list[str]]) -> dict[str, Any]:
    checks = sorted(step["checks"], key=lambda finding: tuple(reversed(MARKS)).index(finding["level"]))
    failed = [_check(finding, drawn.get(id(finding), [])) for finding in checks if finding["level"] != "info"]
    passed = [_check(finding, drawn.get(id(finding), [])) for finding in checks if finding["level"] == "info"]
    level = worst_mark(checks)
    timing = [show(step.get("seconds"), "seconds"), _share(step.get("seconds"), total)]
    return {
        "number": number_of(step),
        "title": title_of(step),
        "level": level,
        "mark": MARKS[level] if checks else "",
        "said": clip(step.get("said") or "", 600),
        "time": ", ".join(text for text in timing if text),
        "failed": failed,
        "passed": passed,
        "skipped": [
            {"check": clip(one["check"], 80), "why": clip(one["why"], 300)} for one in step.get("skipped") or ()
        ],
        "trials": _trials([one for one in step.get("trials") or () if not one.get("behind")]),
        "behind": _behind([one for one in step.get("trials") or () if one.get("behind")]),
    }


def worst_mark(checks: Sequence[Mapping[str, Any]]) -> str:
    """The highest level among findings as they lie in JSON."""
    levels = [finding["level"] for finding in checks]
    return next((level for level in reversed(list(MARKS)) if level in levels), "info")


def _check(finding: Mapping[str, Any], plots: Sequence[str]) -> dict[str, Any]:
    evidence = finding.get("evidence") or {}
    return {
        "check": clip(finding["check"], 80),
        "level": finding["level"],
        "mark": MARKS[finding["level"]],
        "claim": clip(finding["claim"], 400),
        "where": clip(finding.get("where") or "", 120),
        "measured": [(name, clip(text, 160)) for name, text in measured_words(finding)],
        "figures": _figures(evidence),
        "remedy": clip(finding.get("remedy") or "", 400),
        "command": clip(evidence.get("command") or "", 400),
        "plots": plots,
    }


def _figures(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The other figures behind a claim: single ones, long lists are left to the JSON."""
    single = {key: value for key, value in evidence.items() if key not in DRAWN and _simple(value)}
    return [(humanise(key).lower(), clip(show(value), 80)) for key, value in list(single.items())[:MOST_FIGURES]]


def _simple(value: Any) -> bool:
    return isinstance(value, str | bool) or is_number(value)


def _trials(trials: Sequence[Mapping[str, Any]]) -> Table | None:
    """Trainings of a step: what each was, what it scored, and why it was chosen or left."""
    if not trials:
        return None
    rows = [
        (
            Cell(clip(trial["label"], 160)),
            Cell(show(trial.get("log_loss"), "loss")),
            Cell(show(trial.get("gap"), "ratio")),
            Cell(show(trial.get("net_sharpe"), "ratio")),
            Cell("✓" if trial.get("chosen") else ""),
            Cell(clip(trial.get("why") or "", 160)),
        )
        for trial in trials
    ]
    heads = ("Trial", "log loss", "gap", "net Sharpe", "kept", "why")
    gap = "The gap is (validation - train) / (prior - train): at 0 nothing is lost, from 1 on nothing holds."
    return Table(heads, rows, caption=f"On validation. {gap}", words_last=True)


def _behind(trials: Sequence[Mapping[str, Any]]) -> Table | None:
    """Trainings that are a part of something: points of the sweep, members of an ensemble, earlier folds."""
    if not trials:
        return None
    rows = [
        (
            Cell(f"{clip(trial['behind'], 120)}, {clip(trial['label'], 60)}"),
            Cell(show(trial.get("log_loss"), "loss")),
            Cell(clip(trial.get("why") or "", 160)),
        )
        for trial in trials
    ]
    return Table(("Training", "log loss", ""), rows, words_last=True)


def _rest(gates: Mapping[str, Any]) -> list[Block]:
    """Which steps were not walked, and why."""
    walked = {step["name"] for step in gates["steps"]}
    rest = [title for name, title in STEPS.items() if name not in walked]
    if not rest:
        return []
    why = (
        "the run was stopped before them"
        if gates.get("stopped")
        else f"the profile is {clip(gates.get('profile'), 20)}"
    )
    return [Text(f"Not walked: {', '.join(rest)}; {why}.", "note")]
