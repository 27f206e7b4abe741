"""One test decides, guards can only take `edge` away, everything else is printed.

edge           p <= alpha_k on the sealed span, and every guard holds
no_edge        not an edge, and the 95% upper bound U of the net annual Sharpe is at most the smallest interesting
               one S* (or the model never trades)
inconclusive   all else, and always before the seal is opened
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from edgeproof.core.clock import iso
from edgeproof.stats.bootstrap import sharpe_interval
from edgeproof.verdict.change import what_would_change, would_change
from edgeproof.verdict.conventions import Search, conventions, search_figures, search_of
from edgeproof.verdict.display import answer_html
from edgeproof.verdict.evidence import Evidence, SpanEvidence
from edgeproof.verdict.guards import Guard, SealedTest, guards, sealed_test
from edgeproof.verdict.limit import detection_limit
from edgeproof.verdict.ready import json_ready
from edgeproof.verdict.selection import Selection, select

__all__ = ["Answer", "Verdict", "decide", "judge"]

Answer = Literal["edge", "no_edge", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """The answer with all that it stands on.

    Attributes:
        answer: `edge`, `no_edge` or `inconclusive`.
        guards: every guard, in order.
        evidence: what was judged.
        test: on the sealed span; None before the opening.
        selection: the counted trials.
        search: the same as the usual conventions see them.
        limit: smallest net annual Sharpe that the sealed span would find; None without sealed bars.
        smallest: S*, the smallest interesting one: the user's, else the limit.
        spans: the figures of validation and sealed span as they go into JSON.
    """

    answer: Answer
    guards: Sequence[Guard]
    evidence: Evidence
    test: SealedTest | None
    selection: Selection
    search: Search
    limit: float | None
    smallest: float | None
    spans: Mapping[str, Mapping[str, Any] | None]

    def to_json(self) -> dict[str, Any]:
        """The content of `verdict.json`: no NaN, no infinity, absence is null."""
        name = "validation" if self.test is None else "sealed"
        shown, selection = self.spans[name] or {}, self.selection
        net = shown["net"] | {"p_value": None if self.test is None else self.test.p}
        change, regimes = what_would_change(self.evidence, net), self.evidence.judged.regimes
        body = {
            "verdict": self.answer,
            "reasons": [guard.to_json() for guard in self.guards],
            "trials": selection.trials,
            "openings": max(self.evidence.openings, self.evidence.opening or 0),
            "opening": self.evidence.opening,
            "detection_limit": self.limit,
            "smallest_sharpe": self.smallest,
            "validation": self.spans["validation"],
            "sealed": self.spans["sealed"],
            "span": name,
            "net": net,
            "gross": shown["gross"],
            "regimes": shown["regimes"],
            "regime_rule": None if regimes is None else regimes.rule,
            "regime_fits": [] if regimes is None else [dict(fit) for fit in regimes.fits],
            "oracle": self.evidence.oracle,
            "market": {**self.evidence.market, "universe": self.evidence.universe},
            "seconds": dict(self.evidence.seconds),
            "selection": {
                "trials": selection.trials,
                "stored": selection.stored,
                "p_max": selection.p_max,
                "p_best": selection.p_best,
                "best": selection.best,
                "pbo": selection.pbo,
                "probability_of_loss": selection.probability_of_loss,
                "block_bars": selection.block_bars,
                **search_figures(self.search, self.evidence.bars_per_year),
            },
            "what_would_change": change,
            "would_change": would_change(self.evidence, self.answer, self.guards, change, limit=self.limit),
            "annualisation": self.evidence.bars_per_year,
            "notes": list(self.evidence.notes),
        }
        return json_ready(body)

    def _repr_html_(self) -> str:
        span = "validation, the seal is closed" if self.test is None else "sealed span"
        about = f"{span}; {self.selection.trials:,} trials counted"
        return answer_html(self.answer, about, [(guard.passed, guard.name, guard.text) for guard in self.guards])


def judge(evidence: Evidence) -> Verdict:
    """Decide, by the rule of `docs/theory/verdict.md`.

    The number of trials comes from the ledger's table alone. PSR, DSR and PBO are printed and never decide.
    """
    test = sealed_test(evidence)
    selection = select(evidence.trials, evidence.rng, horizon_bars=evidence.horizon_bars, chosen=evidence.trial)
    search = search_of(evidence.trials, selection.split, selection.trial_variance)
    listed = guards(evidence, test, selection)
    limit = detection_limit(evidence.sealed_bars, evidence.bars_per_year)
    smallest = limit if evidence.smallest_sharpe is None else evidence.smallest_sharpe
    spans = {
        name: None if span is None else _span_figures(name, span, evidence, search)
        for name, span in (("validation", evidence.validation), ("sealed", evidence.sealed))
    }
    if test is not None and test.bound is not None and spans["sealed"] is not None:
        spans["sealed"]["net"]["sharpe_bound"] = test.bound
    return Verdict(decide(test, listed, smallest), listed, evidence, test, selection, search, limit, smallest, spans)


def decide(test: SealedTest | None, listed: Sequence[Guard], smallest: float | None) -> Answer:
    """The rule itself.

    Args:
        test: on the sealed span; None before the opening.
        listed: every guard; one that is None cannot be said yet and takes nothing away.
        smallest: S*, the smallest interesting net annual Sharpe.
    """
    if test is None:
        return "inconclusive"
    if not test.traded:
        return "no_edge"
    if test.p is not None and test.p <= test.alpha:
        return "inconclusive" if any(guard.passed is False for guard in listed) else "edge"
    bounded = test.bound is not None and smallest is not None and test.bound <= smallest
    return "no_edge" if bounded else "inconclusive"


def _span_figures(name: str, span: SpanEvidence, evidence: Evidence, search: Search) -> dict[str, Any]:
    """Forecast figures flat, with dates, `net`, `gross` and benchmarks beside them."""
    generator = evidence.rng.child("interval", name).numpy()
    interval, root = sharpe_interval(span.net, generator, repetitions=1000), float(np.sqrt(evidence.bars_per_year))
    around = {
        "sharpe_low": None if interval is None else interval.sharpe_low * root,
        "sharpe_high": None if interval is None else interval.sharpe_high * root,
        "interval_block_bars": None if interval is None else interval.block_bars,
    }
    return {
        **span.forecast,
        "start": iso(span.start_ns),
        "end": iso(span.end_ns),
        "bars": len(span.net),
        "net": {
            **span.figures["net"],
            **around,
            **conventions(span.net, search, evidence.bars_per_year),
            "p_value": None,
        },
        "gross": dict(span.figures["gross"]),
        "benchmarks": {key: dict(body) for key, body in span.benchmarks.items()},
        "regimes": [] if span.regimes is None else [dict(row) for row in span.regimes.figures],
    }
