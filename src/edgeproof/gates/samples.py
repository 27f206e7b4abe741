"""`check_samples`: what a model is about to learn from, looked at before it learns; arrays alone, no market is needed.

>>> table = samples_of(x, y, part=part)  # doctest: +SKIP
>>> for finding in check_samples(table, Rng(0)):  # doctest: +SKIP
...     print(finding.claim)
"""

import numpy as np

from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.gates.samples_drift import drift, label_drift
from edgeproof.gates.samples_labels import label_balance
from edgeproof.gates.samples_table import SampleTable, samples_of, some_moments
from edgeproof.gates.samples_twice import duplicates
from edgeproof.gates.samples_values import correlations, distributions, finite, outliers, robust_scale

__all__ = ["SAMPLE_CHECKS", "SampleTable", "check_samples", "samples_of"]

SAMPLE_CHECKS = (
    "samples.finite",
    "samples.labels",
    "samples.distributions",
    "samples.outliers",
    "samples.correlations",
    "samples.drift",
    "samples.label_drift",
    "samples.duplicates",
)
MOST = 20_000  # samples, about, that shapes, correlations and drift are judged by; outliers and duplicates by all


def check_samples(table: SampleTable, rng: Rng) -> list[Finding]:
    """One finding for each of `SAMPLE_CHECKS`, in their order.

    Only the samples handed in are looked at. Shapes are those of training samples; scale, too.

    Args:
        table: from `samples_of`, or of a market from `recipe.sampled.sample_table`.
        rng: of the draw of moments where there are more than 20,000 samples.
    """
    first = finite(table)
    whole = table if first.level == "info" else table.take(np.flatnonzero(np.isfinite(table.last).all(axis=1)))
    if not len(whole):
        return [first]
    some = some_moments(whole, MOST, rng.child("samples").numpy())
    train = some.take(some.inside("train")) if some.inside("train").any() else some
    return [
        first,
        label_balance(whole),
        distributions(train),
        outliers(whole, robust_scale(train.last)),
        correlations(train),
        drift(some),
        label_drift(whole),
        duplicates(whole),
    ]
