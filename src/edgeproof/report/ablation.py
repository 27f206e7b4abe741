"""What is left of a result when something is taken from it: one bar, its costs once more, its best trades."""

from collections.abc import Mapping
from typing import Any

from edgeproof.report.figures import FIGURES
from edgeproof.report.number import clip, get, humanise, show
from edgeproof.report.part import Cell, Table

__all__ = ["ablations_table"]

NAMES = {
    "one_bar_late": "Every decision one bar late",
    "costs_twice": "Every cost twice",
    "without_five_best": "Without its five best trades",
    "same_close": "Filled at the decision's own close",
}
READ = (
    "The same positions under other terms; nothing here decides or counts as a trial. What a bar of delay or five "
    "trades less turn into a loss rested on them; what doubled costs turn into a loss has no room for dearer markets."
)


def _row(label: str, body: Mapping[str, Any] | None) -> tuple[Cell, ...]:
    shown = ("total_return", "sharpe", "max_drawdown")
    return (Cell(label), *(Cell(show(get(body, key), FIGURES[key].unit)) for key in shown))


def ablations_table(verdict: Mapping[str, Any]) -> Table | None:
    """The model beside its ablations on the same span; None where there are none. Stamped ones are named as such."""
    ablations = get(verdict, "ablations")
    if not ablations:
        return None
    rows, stamped = [_row("As judged", get(verdict, "net"))], []
    for name, body in ablations.items():
        label = NAMES.get(name, clip(humanise(name), 60))
        stamps = [clip(stamp, 40) for stamp in get(body, "stamps") or ()]
        rows.append(_row(f"{label} *" if stamps else label, body))
        stamped += [stamp for stamp in stamps if stamp not in stamped]
    note = f" * Stamped {', '.join(stamped)}: no market offers it; what it gains on the first row nobody can have."
    return Table(("What if", "return", "Sharpe", "drawdown"), rows, caption=READ + (note if stamped else ""))
