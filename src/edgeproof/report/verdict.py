"""Verdict first: the answer in one word and one plain sentence, the figures it stands on, and every guard."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.report.number import DASH, chance_words, clip, get, is_number, show
from edgeproof.report.part import Banner, Guards, Section, Stat, Text
from edgeproof.report.search import search_table

__all__ = [
    "ANSWERS",
    "GUARDS",
    "STATES",
    "answer_sentence",
    "banner",
    "guard_outcome",
    "guards",
    "is_open",
    "key_figures",
    "notes",
    "reason_of",
    "verdict_sections",
    "would_change",
]

ANSWERS = {"edge": "Edge", "no_edge": "No edge", "inconclusive": "Inconclusive"}
GUARDS: dict[str, tuple[str, str, str]] = {
    # name: (title, unit, comparison that passes)
    "p_net": ("Net return beats luck", "chance", "≤"),
    "p_timing": ("Timing beats mere exposure", "chance", "≤"),
    "units": ("Enough independent units", "count", "≥"),
    "blocks": ("Traded through the whole span", "count", "≥"),
    "p_max": ("Best of all trials beats luck", "chance", "≤"),
    "p_loss": ("The choice holds out of sample", "chance", "<"),
    "regimes": ("No market regime loses", "chance", "≥"),
    "candidate": ("Chosen before the opening", "plain", ""),
    "findings": ("No open error in the data", "count", "≤"),
    "survivorship": ("Universe not picked by survival", "plain", ""),
}
STATES = {
    "passed": "passed",
    "failed": "failed",
    "open": "after opening",
    "unknown": "cannot say",
}


def reason_of(verdict: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The guard of this name, empty if the verdict lists none."""
    listed = get(verdict, "reasons") or ()
    return next((reason for reason in listed if reason.get("name") == name), {})


def is_open(verdict: Mapping[str, Any]) -> bool:
    """Whether the sealed span was opened for this verdict."""
    return get(verdict, "span") == "sealed"


def _undecided(verdict: Mapping[str, Any], text: str) -> str:
    """Why a guard says neither yes nor no: by its own words, never by its name."""
    return "open" if not is_open(verdict) and "opened" in text.lower() else "unknown"


def guard_outcome(verdict: Mapping[str, Any], name: str) -> dict[str, str]:
    """State, label, value, what is required, and the verdict's own words, for one guard."""
    reason = reason_of(verdict, name)
    passed, text = reason.get("passed"), clip(reason.get("text") or "", 400)
    state = _undecided(verdict, text) if passed is None else ("passed" if passed else "failed")
    _, kind, sign = GUARDS.get(name, ("", "plain", ""))
    value, threshold = reason.get("value"), reason.get("threshold")
    required = f"{sign} {show(threshold, kind)}".strip() if show(threshold, kind) != DASH else ""
    return {
        "state": state,
        "label": STATES[state],
        "value": show(value, kind),
        "required": required,
        "text": text,
    }


def guards(verdicts: Sequence[Mapping[str, Any]], columns: Sequence[str] = ("",)) -> Guards:
    """Every guard of one verdict, or of several side by side, in the order of the rule."""
    listed = [str(reason.get("name")) for verdict in verdicts for reason in get(verdict, "reasons") or ()]
    names = list(dict.fromkeys([*GUARDS, *listed]))
    rows = [
        {
            "name": clip(name, 40),
            "meaning": GUARDS.get(name, (clip(name, 40), "", ""))[0],
            "outcomes": [guard_outcome(verdict, name) for verdict in verdicts],
        }
        for name in names
    ]
    return Guards(columns, rows)


def _p_value(verdict: Mapping[str, Any]) -> float | None:
    """The p that decides: the larger of net return and timing; None until the seal is opened."""
    if not is_open(verdict):
        return None
    value = get(verdict, "net", "p_value")
    if is_number(value):
        return value
    both = [reason_of(verdict, name).get("value") for name in ("p_net", "p_timing")]
    known = [float(item) for item in both if is_number(item)]
    return max(known) if len(known) == len(both) else None


def _traded(verdict: Mapping[str, Any]) -> bool:
    return get(verdict, "net", "turnover") != 0 and get(verdict, "net", "exposure") != 0


def _edge_words(verdict: Mapping[str, Any]) -> str:
    alpha = reason_of(verdict, "p_net").get("threshold")
    return (
        f"On bars that nobody had read before, luck alone would do as well with a probability of "
        f"{chance_words(_p_value(verdict))}; {chance_words(alpha)} is allowed, and no guard failed."
    )


def _no_edge_words(verdict: Mapping[str, Any]) -> str:
    if not _traded(verdict):
        return "The model never trades: no threshold gained anything on validation after costs."
    net, limit = get(verdict, "net") or {}, get(verdict, "detection_limit")
    bound = net.get("sharpe_bound") if is_number(net.get("sharpe_bound")) else net.get("sharpe_high")
    least = get(verdict, "smallest_sharpe")
    if not is_number(least) or least == limit:
        below = f"below {show(bound, 'ratio')} nothing is ruled out"
        why = f"{show(limit, 'ratio')}, the least that this span can prove; {below}"
        head = f"No edge of {show(limit, 'ratio')} or more: with" if is_number(limit) else "With"
    else:
        head = "With"
        why = f"{show(least, 'ratio')}, the smallest of interest (verdict.smallest_sharpe)"
    return f"{head} 95% confidence the net Sharpe ratio is at most {show(bound, 'ratio')}. That rules out {why}."


def _inconclusive_words(verdict: Mapping[str, Any]) -> str:
    if not is_open(verdict):
        return (
            "The last bars are still sealed. What is shown below is validation, on which the model was chosen: "
            "it can raise hopes and cannot settle anything."
        )
    failed = [name for name in GUARDS if reason_of(verdict, name).get("passed") is False]
    luck = [name for name in failed if name in ("p_net", "p_timing")]
    if luck:
        return (
            f"The sealed span cannot tell skill from luck: p is {chance_words(_p_value(verdict))}, and an edge of "
            f"the size that matters is not excluded either."
        )
    titles = ", ".join(GUARDS[name][0].lower() for name in failed)
    return f"The result is unlikely to be luck, but it may not count as an edge; not passed: {titles or 'a guard'}."


def answer_sentence(verdict: Mapping[str, Any]) -> str:
    """The answer in one plain sentence, with the figures that decided it."""
    words = {"edge": _edge_words, "no_edge": _no_edge_words}
    return words.get(str(get(verdict, "verdict")), _inconclusive_words)(verdict)


def key_figures(verdict: Mapping[str, Any]) -> list[Stat]:
    """Net Sharpe with its interval, p and alpha, net return, trials, openings, detection limit.

    Where there are out-of-sample paths their Sharpe leads until the seal is opened, and stands second from then on.
    """
    net = get(verdict, "net") or {}
    where = "sealed span" if is_open(verdict) else "validation only"
    low, high = show(net.get("sharpe_low"), "ratio"), show(net.get("sharpe_high"), "ratio")
    interval = f"95% interval {low} to {high}" if DASH not in (low, high) else "without an interval"
    alpha = show(reason_of(verdict, "p_net").get("threshold"), "chance")
    p = show(_p_value(verdict), "chance")
    gross = show(get(verdict, "gross", "total_return"), "percent")
    figures = [
        Stat("Net Sharpe", show(net.get("sharpe"), "ratio"), f"{interval}, {where}"),
        Stat("p of luck", p, f"edge needs at most {alpha}" if p != DASH else "known once the seal is opened"),
        Stat("Net return", show(net.get("total_return"), "percent"), f"{gross} gross, before costs"),
        Stat("Trials counted", show(get(verdict, "trials"), "count"), "all that were ever scored on these bars"),
        Stat("Openings", show(get(verdict, "openings"), "count"), "of this market's sealed span"),
        Stat(
            "Detection limit", show(get(verdict, "detection_limit"), "ratio"), "smallest net Sharpe this span can prove"
        ),
    ]
    outside = _out_of_sample(verdict)
    return [*figures[:1], *outside, *figures[1:]] if is_open(verdict) else [*outside, *figures]


def _out_of_sample(verdict: Mapping[str, Any]) -> list[Stat]:
    """Net Sharpe on blocks that no model of the fold had seen, the median of several paths; none without paths."""
    paths = get(verdict, "paths", "paths") or ()
    if not paths:
        return []
    if len(paths) == 1:
        sharpe, said = paths[0].get("sharpe"), f"one path over {show(paths[0].get('bars'), 'bars')}"
    else:
        spread = get(verdict, "paths", "distribution", "sharpe")
        sharpe, ends = get(spread, "median"), [show(get(spread, key), "ratio") for key in ("min", "max")]
        said = f"median of {len(paths)} paths, {' to '.join(ends)}"
    return [Stat("Sharpe, out of sample", show(sharpe, "ratio"), f"{said}; decides nothing")]


def _needed(verdict: Mapping[str, Any]) -> str:
    """How long a sealed span would have to be: the limit falls with the root of its length."""
    sharpe, limit = get(verdict, "net", "sharpe"), get(verdict, "detection_limit")
    if not (is_number(sharpe) and is_number(limit)) or not 0 < sharpe < limit:
        return ""
    return (
        f"A sealed span about {show((limit / sharpe) ** 2, 'ratio')} times as long could prove a net Sharpe of "
        f"{show(sharpe, 'ratio')}."
    )


def _cost_words(verdict: Mapping[str, Any]) -> str:
    bound, gain = get(verdict, "net", "break_even_bps"), get(verdict, "net", "total_return")
    if not (is_number(bound) and is_number(gain)):
        return ""
    if bound <= 0:
        return "Lower costs would not help: it loses before costs."
    text, paid = show(bound, "bps"), get(verdict, "net", "cost_bps")
    if gain > 0:
        return f"Costs: summed, not compounded, at {text} a side nothing would be left."
    if is_number(paid) and paid < bound:
        return (
            f"Costs: summed, not compounded, the net returns are above zero, and would be up to {text} a side; "
            f"compounded, as an account earns them, they come to {show(gain, 'percent')}."
        )
    return f"Costs: summed, not compounded, something would be left below {text} a side."


def _guard_words(verdict: Mapping[str, Any]) -> list[str]:
    found = ((name, reason_of(verdict, name)) for name in GUARDS)
    return [
        f"{GUARDS[name][0]}: {clip(reason.get('text') or 'did not pass', 240)}"
        for name, reason in found
        if reason.get("passed") is False
    ]


def would_change(verdict: Mapping[str, Any]) -> list[str]:
    """What would change the answer: the verdict's own words if it has them, else what follows from its figures."""
    stated = get(verdict, "would_change")
    if stated:
        return [clip(item, 400) for item in ([stated] if isinstance(stated, str) else stated)][:6]
    said = []
    answer, low = get(verdict, "verdict"), get(verdict, "net", "sharpe_low")
    if answer == "edge" and is_number(low):
        said.append(f"With 95% confidence the net Sharpe ratio lies above {show(low, 'ratio')}.")
    if not is_open(verdict):
        limit = show(get(verdict, "detection_limit"), "ratio")
        said.append(f"Opening the seal (--open-sealed), once: it proves a net Sharpe of {limit} or more 4 times in 5.")
    elif answer == "no_edge":
        said.append(
            "New bars. On these every further candidate is one more trial, every further opening asks for more."
        )
    if answer == "inconclusive":
        said += [*_guard_words(verdict)[:4], _needed(verdict)]
    return [item for item in [*said, _cost_words(verdict)] if item]


def banner(verdict: Mapping[str, Any], title: str) -> Banner:
    """The answer block of one verdict."""
    answer = str(get(verdict, "verdict"))
    name = answer if answer in ANSWERS else "inconclusive"
    return Banner(name, title or ANSWERS[name], answer_sentence(verdict), key_figures(verdict), would_change(verdict))


def notes(verdict: Mapping[str, Any]) -> list[str]:
    """What the verdict wants to be read with it."""
    return [clip(note, 400) for note in get(verdict, "notes") or ()][:6]


def verdict_sections(verdict: Mapping[str, Any]) -> list[Section]:
    """The banner, then the guards."""
    failed = sum(reason.get("passed") is False for reason in get(verdict, "reasons") or ())
    passed = sum(reason.get("passed") is True for reason in get(verdict, "reasons") or ())
    lead = "One test decides; a guard can only take an edge away, never give one."
    searched = search_table(verdict)
    count = f"{passed} passed, {failed} failed, {max(0, len(GUARDS) - passed - failed)} cannot say yet."
    return [
        Section("Verdict", "", (banner(verdict, ""), *(Text(note, "note") for note in notes(verdict)))),
        Section("Guards", lead, (Text(count, "strong"), guards([verdict]), *([searched] if searched else []))),
    ]
