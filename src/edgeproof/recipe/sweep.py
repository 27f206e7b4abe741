"""A sweep of the learning rate: short trainings over four orders of magnitude, each scored on validation and counted.

After Smith (2017), "Cyclical learning rates for training neural networks", whose range test raises the rate within one
training. Here every rate has a training of its own from the same weights, so that a point says what its rate does and
not what the rates before it left behind; it costs a few epochs each. Schedule, warm-up, averages and early stopping are
off: the rate is the point's own from the first step to the last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeproof.core.device import set_threads
from edgeproof.core.errors import OptionError
from edgeproof.core.progress import to_terminal
from edgeproof.data.store import Market
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.attempt import Bench, checked
from edgeproof.recipe.claim import claim_folder
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.rates import EPOCHS, NEAR, POINTS, shortened, shown_point, swept
from edgeproof.recipe.run import market_of
from edgeproof.recipe.tracking import run_card
from edgeproof.recipe.transfer import with_parent
from edgeproof.train.loggers.tracker import open_tracker, tracked

__all__ = ["Sweep", "sweep"]


@dataclass(frozen=True)
class Sweep:
    """A finished sweep.

    Attributes:
        folder: where `sweep.json` and `report.html` lie.
        body: the content of `sweep.json`: `metric`, `points` (`rate`, `value`, `trial`, and `why` where it failed),
            `nothing`, `best`, `suggested`, and `weak` where even the best is hardly better than nothing.
    """

    folder: Path
    body: dict[str, Any]

    def lines(self) -> list[str]:
        """One line a rate, and what follows from them."""
        body = self.body
        said = [f"  lr {point['rate']:<9.2e} {shown_point(point)}" for point in body["points"]]
        if body["suggested"] is None:
            nothing = f"knowing nothing ({body['metric']} {body['nothing']:.5f})"
            return [*said, f"No rate is better than {nothing}: none is suggested."]
        rule = f"the smallest rate that reaches {1 - NEAR:.0%} of what the best one gains over knowing nothing"
        weak = " Hardly better than knowing nothing: do not lean on it." if body["weak"] else ""
        return [*said, f"Suggested: train.lr={body['suggested']:.2g} ({rule}).{weak}"]


def sweep(
    config: Path | str | Mapping[str, Any] | RunConfig,
    market: Market | Path | str | None = None,
    *,
    out: Path | str = "sweep",
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    points: int = POINTS,
    epochs: int = EPOCHS,
    write: Callable[[str], None] = to_terminal,
) -> Sweep:
    """Train shortly at each of many rates between 1e-5 and 1e-1, and suggest one.

    Args:
        config: a YAML file, a mapping, or a config; `train.loss_metric` is the figure that is looked at.
        market: a market, its folder, or None for the config's own.
        out: folder of the sweep; one of the same config and market goes on.
        workspace: folder whose ledger counts: every point is a trial.
        overrides: such as `model=mlp`.
        points: rates, evenly spaced in orders of magnitude.
        epochs: of each training.
        write: where progress lines go.

    Raises:
        EdgeproofError: bad input, in one line.
    """
    if points < 3 or epochs < 1:
        raise OptionError(f"--points {points} --epochs {epochs}: at least 3 points of 1 epoch are a sweep")
    settings = with_parent(shortened(load_run_config(config, overrides), epochs))
    opened, folder = market_of(settings, market), Path(out)
    ledger = Ledger(find_workspace(None if workspace is None else Path(workspace), opened.path))
    set_threads()
    bench = Bench(settings, opened, open_bars(settings, opened, ledger), ledger)
    checked(bench)
    identity = {"config": settings.anywhere().model_dump(mode="json"), "market": opened.identity, "points": points}
    claim_folder(folder, identity | {"workspace": str(ledger.workspace)}, "sweep")
    card = run_card(settings, opened, kind="sweep", phase="search")
    tracker = open_tracker(settings.tracking, folder, card, workspace=ledger.workspace)
    with tracked(tracker, write):
        body, page = swept(replace(bench, tracker=tracker), folder, points, write)
        if tracker is not None:
            tracker.figures({name: body[name] for name in ("best", "suggested", "nothing")})
            tracker.outbox.json("sweep.json", body)
            tracker.outbox.text("report.html", page)
    return Sweep(folder, body)
