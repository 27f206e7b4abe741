"""Trainings that differ in their seed alone should end alike; where they do not, the seed decides the result."""

# R trainings

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeproof.core.errors import OptionError
from edgeproof.core.finding import Finding
from edgeproof.gates import why
from edgeproof.gates.cause import symptom
from edgeproof.gates.history import Known, history_of

__all__ = ["diagnose_seeds"]

APART = 0.5  # standard deviation between seeds, as a share of what they gain on average


def diagnose_seeds(
    tables: Sequence[Sequence[Mapping[str, Any]]], *, prior: float, known: Known | None = None
) -> list[Finding]:
    """Name a spread between seeds that is more than half of what the trainings gain over knowing nothing.

    Args:
        tables: of each training its rows, as for `diagnose`.
        prior: validation loss of knowing nothing.
        known: what all of them share.

    Raises:
        OptionError: fewer than two trainings, or one without epochs or a validation loss.
    """
    histories = [history_of(rows) for rows in tables]
    if len(histories) < 2 or any(not len(one) or np.isnan(one.validation).any() for one in histories):
        raise OptionError("seeds are compared between two trainings or more, each with a validation loss an epoch")
    best = np.array([one.validation.min() for one in histories])
    spread, gain = float(best.std(ddof=1)), prior - float(best.mean())
    if gain > 0 and spread <= APART * gain:
        return []
    if gain <= 0 and spread <= APART * 0.002 * prior:  # all of them learned nothing, alike
        return []
    norms = np.concatenate([one.norm[~np.isnan(one.norm)] for one in histories])
    steps = [np.abs(np.diff(one.validation)) for one in histories if len(one) > 1]
    wobble = float(np.median(np.concatenate(steps))) / max(gain, spread) if steps else 0.0
    claim = (
        f"{len(best)} seeds end far apart: best validation losses {best.min():.4f} to {best.max():.4f}, standard "
        f"deviation {spread:.4f}; knowing nothing gives {prior:.4f}"
    )
    causes = why.apart(wobble, known or Known(), norms)
    return [symptom("doctor.seeds", claim, causes, measured=spread, threshold=APART * max(gain, 0.0))]
