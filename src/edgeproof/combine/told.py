"""One sentence on what a bundle's model was made of, for its verdict."""

from collections.abc import Mapping
from typing import Any

__all__ = ["told_of_trainings"]


def told_of_trainings(lineage: Mapping[str, Any]) -> list[str]:
    """What several trainings became; nothing of a single one.

    Args:
        lineage: of a bundle; `combine` in it holds the facts of `combine.lesson.Combined`.
    """
    facts = lineage.get("combine")
    if not facts:
        return []
    count, inner = len(facts["trainings"]), facts.get("out_of_fold")
    if facts["name"] == "ensemble":
        made = f"an ensemble ({facts['rule']}) of {len(facts['kept'])} of {count} trainings"
    elif facts["name"] == "distilled":
        made = "a student of teachers on inner folds"
    else:
        made = f"the best of {count} trainings on validation ({facts['kept']})"
    folds = f", and on {inner['folds']} inner folds, where no validation bar was seen" if inner else ""
    return [f"The model is {made}; every training on the whole training part{folds} is a counted trial."]
