"""Every guard of the verdict, always all of them and in one order; a failed one can only take an edge away."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.evaluate.regimes import RegimeTest, regime_tests
from edgeproof.stats.blocks import BLOCKS, BlockTest, alpha, block_t, traded_blocks, upper_bound
from edgeproof.verdict.evidence import Evidence, SpanEvidence
from edgeproof.verdict.selection import LEAST_TRIALS, Selection

__all__ = ["GUARDS", "Guard", "SealedTest", "guards", "sealed_test"]

GUARDS = (
    "p_net",
    "p_timing",
    "units",
    "blocks",
    "p_max",
    "p_loss",
    "regimes",
    "candidate",
    "findings",
    "survivorship",
)
_LEAST_UNITS, _LEAST_BLOCKS = 30, 10
_MOST_P_MAX, _MOST_P_LOSS = 0.5, 0.5
_REGIME_LEVEL = 0.05  # shared by all regimes of the span (Bonferroni)
_WHY = {"short": f"fewer than {BLOCKS} bars", "not_finite": "a return is not a number"}
_LEAST_KNOWN = 0.9  # share of the sealed bars whose regime is known
_CLOSED = "Known once the seal is opened."


@dataclass(frozen=True)
class Guard:
    """One condition of an edge: its figure, its threshold, whether it holds (None: cannot be said yet), in words."""

    name: str
    value: float | None
    threshold: float | None
    passed: bool | None
    text: str

    def to_json(self) -> dict[str, Any]:
        """The guard as an entry of `reasons`."""
        return {
            "name": self.name,
            "value": self.value,
            "threshold": self.threshold,
            "passed": self.passed,
            "text": self.text,
        }


@dataclass(frozen=True)
class SealedTest:
    """The test on the sealed span.

    Attributes:
        net: of the net return per bar.
        timing: of the net return minus holding one's own average weights.
        p: the larger of both p-values; None where one cannot be computed.
        alpha: what it must not exceed at this opening.
        opening: k.
        bound: 95% upper bound of the net annual Sharpe ratio; None where undefined.
        blocks: blocks of 14 that were traded.
        traded: whether there was any position at all.
    """

    net: BlockTest
    timing: BlockTest
    p: float | None
    alpha: float
    opening: int
    bound: float | None
    blocks: int
    traded: bool


def sealed_test(evidence: Evidence) -> SealedTest | None:
    """Test the sealed span; None while it is sealed."""
    span, opening = evidence.sealed, evidence.opening
    if span is None or opening is None:
        return None
    net, timing = _test(span, span.net, evidence), _test(span, span.net - span.hold, evidence)
    both = [test.p for test in (net, timing) if test.p is not None]
    bound = upper_bound(span.net)
    return SealedTest(
        net=net,
        timing=timing,
        p=max(both) if len(both) == 2 else None,
        alpha=alpha(opening),
        opening=opening,
        bound=None if bound is None else bound * float(np.sqrt(evidence.bars_per_year)),
        blocks=traded_blocks(span.in_market),
        traded=bool(span.in_market.any()),
    )


def _test(span: SpanEvidence, series: np.ndarray, evidence: Evidence) -> BlockTest:
    return block_t(series, span.in_market, bars_per_day=evidence.bars_per_day, horizon_bars=evidence.horizon_bars)


def guards(evidence: Evidence, test: SealedTest | None, selection: Selection) -> list[Guard]:
    """All guards in the order of `GUARDS`.

    Args:
        evidence: everything.
        test: on the sealed span; None while it is sealed.
        selection: the counted trials.
    """
    return [
        _p_guard("p_net", "net return", None if test is None else test.net, test),
        _p_guard("p_timing", "net return minus holding one's own average weights", _timing(test), test),
        _units(evidence, test),
        _blocks(test),
        _p_max(selection),
        _p_loss(selection),
        _regimes(evidence, test),
        _candidate(evidence),
        _findings(evidence.findings),
        _survivorship(evidence.universe, evidence.findings),
    ]


def _timing(test: SealedTest | None) -> BlockTest | None:
    return None if test is None else test.timing


def _p_guard(name: str, what: str, part: BlockTest | None, test: SealedTest | None) -> Guard:
    if part is None or test is None:
        return Guard(name, None, None, None, _CLOSED)
    if part.p is None:
        why = _WHY.get(part.flag or "", f"the {BLOCKS} block sums do not vary")
        return Guard(name, None, test.alpha, False, f"The {what} cannot be tested: {why}.")
    lowered = f", lowered to {part.adjusted:.2f} for the negative skew of its units" if part.adjusted < part.t else ""
    text = (
        f"{_capital(what)}: t of {BLOCKS} blocks is {part.t:.2f}{lowered}, p is {_probability(part.p)}; "
        f"opening {test.opening} of this sealed span allows at most {test.alpha:.4g}."
    )
    return Guard(name, part.p, test.alpha, part.p <= test.alpha, text)


def _units(evidence: Evidence, test: SealedTest | None) -> Guard:
    if test is None or evidence.sealed is None:
        return Guard("units", None, _LEAST_UNITS, None, _CLOSED)
    count, share = test.net.units, float(evidence.sealed.in_market.mean())
    length = max(evidence.bars_per_day, evidence.horizon_bars)
    kind = "episodes (runs of bars with a position)" if share < 0.5 else f"units of {length} {_plural(length, 'bar')}"
    text = f"{count} {kind} with a position in {share:.0%} of the bars; at least {_LEAST_UNITS} are needed."
    return Guard("units", count, _LEAST_UNITS, count >= _LEAST_UNITS, text)


def _blocks(test: SealedTest | None) -> Guard:
    if test is None:
        return Guard("blocks", None, _LEAST_BLOCKS, None, _CLOSED)
    text = f"Traded in {test.blocks} of {BLOCKS} equal blocks of the sealed span; at least {_LEAST_BLOCKS} are needed."
    return Guard("blocks", test.blocks, _LEAST_BLOCKS, test.blocks >= _LEAST_BLOCKS, text)


def _p_max(selection: Selection) -> Guard:
    if selection.p_max is None:
        text = "No counted trial has returns on the validation bars, so luck over all trials cannot be judged."
        return Guard("p_max", None, _MOST_P_MAX, False, text)
    others = selection.trials - selection.stored
    more = f", {others} of them without stored returns" if others else ""
    text = (
        f"Luck alone makes the best of {selection.trials} {_plural(selection.trials, 'trial')}{more} look as good as "
        f"this one on validation with a probability of {selection.p_max:.3f}; at most {_MOST_P_MAX:g} is allowed."
    )
    return Guard("p_max", selection.p_max, _MOST_P_MAX, selection.p_max <= _MOST_P_MAX, text)


def _p_loss(selection: Selection) -> Guard:
    value = selection.probability_of_loss
    if selection.trials < LEAST_TRIALS:
        text = f"Asked from {LEAST_TRIALS} trials on; there {_are(selection.trials)}."
        return Guard("p_loss", value, _MOST_P_LOSS, True, text)
    if selection.stored < LEAST_TRIALS:
        text = (
            f"Only {selection.stored} of {selection.trials} counted trials have returns on these validation bars; "
            f"{LEAST_TRIALS} are needed."
        )
        return Guard("p_loss", value, _MOST_P_LOSS, False, text)
    if value is None:
        return Guard("p_loss", None, _MOST_P_LOSS, False, "Fewer than 32 validation bars: CSCV cannot be computed.")
    text = (
        f"In {value:.1%} of all splits of the validation bars into halves the trial that is best in one half loses in "
        f"the other; it must be less than {_MOST_P_LOSS:.0%}."
    )
    return Guard("p_loss", value, _MOST_P_LOSS, value < _MOST_P_LOSS, text)


def _regimes(evidence: Evidence, test: SealedTest | None) -> Guard:
    """No regime of the sealed span is significantly negative at 0.05/m, m being the regimes that the span has."""
    span = evidence.sealed
    if test is None or span is None:
        return Guard("regimes", None, None, None, _CLOSED)
    if span.regimes is None:
        return Guard(
            "regimes", None, None, None, "The market's regimes in the sealed span are not known: none were given."
        )
    known = float((span.regimes.code >= 0).mean())
    if known < _LEAST_KNOWN:  # else a rule that knows little would let a regime lose unseen
        text = (
            f"The market's regime is known in {known:.0%} of the sealed bars; {_LEAST_KNOWN:.0%} are needed: give bars "
            "before them, or a rule with a shorter history."
        )
        return Guard("regimes", known, _LEAST_KNOWN, False, text)
    days = {"bars_per_day": evidence.bars_per_day, "horizon_bars": evidence.horizon_bars}
    tests = regime_tests(span.net, span.in_market, span.regimes.code, **days)
    level = _REGIME_LEVEL / len(tests)
    if not any(found.told for found in tests):
        text = f"Traded too rarely in each of {len(tests)} {_plural(len(tests), 'regime')} to tell whether one loses."
        return Guard("regimes", None, level, True, text)
    p = min(found.p_loss for found in tests)
    return Guard("regimes", p, level, p >= level, _regime_words(span.regimes.names, tests, level))


def _regime_words(names: Sequence[str], tests: Sequence[RegimeTest], level: float) -> str:
    worst = min((found for found in tests if found.told), key=lambda found: found.p_loss)
    losing = [names[found.code] for found in tests if found.p_loss < level]
    head = f"Loses significantly in {' and '.join(losing)}." if losing else "No regime loses significantly."
    share = worst.bars / sum(found.bars for found in tests)
    many = f"{_REGIME_LEVEL:g} over {len(tests)} {_plural(len(tests), 'regime')}"
    middle = (
        f"The worst, {names[worst.code]} ({share:.0%} of the bars), has t {worst.test.adjusted:.2f} and a p of loss of "
        f"{_probability(worst.p_loss)}; below {level:.4g} ({many}) it fails."
    )
    mute = [names[found.code] for found in tests if not found.told]
    tail = f" Traded too rarely to tell: {', '.join(mute)}." if mute else ""
    return f"{head} {middle}{tail}"


def _candidate(evidence: Evidence) -> Guard:
    passed = evidence.candidate_before_opening
    text = (
        "The model was in the ledger before the sealed span was first opened."
        if passed
        else "The model was trained after the sealed span had been opened, so it may have been built on what was seen."
    )
    return Guard("candidate", None, None, passed, text)


def _findings(findings: Sequence[Finding]) -> Guard:
    errors = [f for f in findings if f.level == "error" and f.check != "quality.survivorship"]
    if not errors:
        return Guard("findings", 0, 0, True, "No open finding of level error.")
    named = "; ".join(f"{finding.check}: {finding.claim}" for finding in errors[:3])
    more = f"; and {len(errors) - 3} more" if len(errors) > 3 else ""
    text = f"{len(errors)} open {_plural(len(errors), 'finding')} of level error: {named}{more}."
    return Guard("findings", len(errors), 0, False, text)


def _survivorship(universe: str, findings: Sequence[Finding]) -> Guard:
    known = {
        "point_in_time": "The universe is point in time: symbols count from when they were listed to when they ended.",
        "fixed": "The universe is fixed: its user states that the symbols were chosen without looking at this span.",
    }
    if universe in known:
        return Guard("survivorship", None, None, True, known[universe])
    seen = [finding.level for finding in findings if finding.check == "quality.survivorship"]
    if universe == "survivors" and seen and "error" not in seen:
        text = "Symbols that ended before the market did are in the universe, though its list is not dated."
        return Guard("survivorship", None, None, True, text)
    text = (
        "Every symbol lives to the last bar and no point-in-time universe is declared: losers may have been left out."
    )
    return Guard("survivorship", None, None, False, text)


def _probability(p: float) -> str:
    return f"{p:.4f}" if p >= 1e-4 else "below 0.0001"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
