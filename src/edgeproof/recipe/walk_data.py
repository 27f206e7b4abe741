"""Step 1, data: bars, features and samples are looked at before anything learns from them."""

# N samples

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market
from edgeproof.gates import eyes
from edgeproof.gates.report import passed
from edgeproof.gates.samples import check_samples
from edgeproof.gates.subject import Batch, Subject
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared, audit_features, market_findings, silent_symbols
from edgeproof.recipe.sampled import sample_table
from edgeproof.recipe.steps import Step
from edgeproof.samples.split.fold import Fold

__all__ = ["audits", "data_step"]

ON_ROWS = (eyes.varied, eyes.target_in_inputs)
MOST = 4096  # samples whose newest bar is compared with their labels
QUIET = {
    "quality": "bars: nothing to report",
    "features.silent_symbols": "every symbol has all features somewhere",
    "leakage.causal": "features read the past only",
    "leakage.stable": "features say the same however many bars come before",
}


def audits(config: RunConfig, market: Market, prepared: Prepared) -> list[Finding]:
    """What is wrong with bars and features; made for every run, whatever its profile."""
    return [*market_findings(config, market), *silent_symbols(prepared), *audit_features(config, prepared.panel)]


def data_step(
    config: RunConfig, market: Market, prepared: Prepared, folds: Sequence[Fold]
) -> tuple[Step, list[Finding]]:
    """The step, and the findings of its audits as they join the run's own.

    Args:
        config: the run's config.
        market: the bars as they lie on disk.
        prepared: the open span.
        folds: of the config's split, proven.
    """
    began = time.perf_counter()
    found = audits(config, market, prepared)
    quiet = [
        passed(name, claim, measured=0, threshold=0)
        for name, claim in QUIET.items()
        if not any(finding.check.startswith(name) for finding in found)
    ]
    rng = Rng(config.seed).child("gates")
    samples = check_samples(sample_table(config, prepared, folds[-1]), rng)
    rows = _newest(prepared, folds[-1], rng)
    checks = (
        *found,
        *quiet,
        _apart(folds),
        *samples,
        *(_named(check(rows), prepared.table.names) for check in ON_ROWS),
    )
    return Step("data", "Data", time.perf_counter() - began, checks), found


def _apart(folds: Sequence[Fold]) -> Finding:
    """Each fold has proven itself when it was made: it raises where a kept sample meets a held-out one."""
    purged = sum(fold.purged + fold.embargoed for fold in folds)
    claim = f"no training sample shares a bar with a held-out one ({purged:,} were dropped for it)"
    return passed("split.purged", claim, measured=0, threshold=0, purged=purged, folds=len(folds))


def _newest(prepared: Prepared, fold: Fold, rng: Rng) -> Subject:
    """The newest bar's features of some training samples beside their labels; no model is looked at."""
    index = rng.child("newest").numpy().permutation(fold.train)[:MOST]
    x = prepared.table.x.reshape(-1, prepared.table.x.shape[2])[index]
    y = prepared.labels.y.reshape(-1)[index].astype(np.float32)
    batch = Batch((torch.from_numpy(x),), torch.from_numpy(y))
    return Subject(torch.nn.Identity(), lambda said, _: said, [batch], "binary", rng)


def _named(finding: Finding, features: Sequence[str]) -> Finding:
    """The finding with the feature's name in place of its position."""
    for position, name in enumerate(features):
        place = f"input 1 at [{position}]"
        if finding.where == place:
            return replace(finding, claim=finding.claim.replace(place, name), where=name)
    return finding
