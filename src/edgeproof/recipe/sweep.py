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
from edgeproof.recipe.rates import EPOCHS, NEAR, POINTS, shortened, shortened_agent, shown_point, swept
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
        body: the content of `sweep.json`: `key` of the rate, `metric`, `points` (`rate`, `value`, `trial`, and `why`
            where it failed), `nothing`, `best`, `suggested`, and `weak` where even the best is hardly better than
            nothing.
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
        return [*said, f"Suggested: {body['key']}={body['suggested']:.2g} ({rule}).{weak}"]


def sweep(  # noqa: PLR0913 - what is swept, and how long each point is
    config: Path | str | Mapping[str, Any] | RunConfig,
    market: Market | Path | str | None = None,
    *,
    out: Path | str = "sweep",
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    points: int = POINTS,
    epochs: int | None = None,
    steps: int | None = None,
    write: Callable[[str], None] = to_terminal,
) -> Sweep:
    """Train shortly at each of many rates between 1e-5 and 1e-1, and suggest one.

    Args:
        config: a YAML file, a mapping, or a config; `train.loss_metric` is the figure that is looked at, of an agent
            the net growth of its accounts in bps a bar.
        market: a market, its folder, or None for the config's own.
        out: folder of the sweep; one of the same config and market goes on.
        workspace: folder whose ledger counts: every point is a trial.
        overrides: such as `model=mlp`.
        points: rates, evenly spaced in orders of magnitude.
        epochs: of each training of a model; none: 2.
        steps: of each training of an agent; none: a tenth of `agent.total_steps`, and ten updates at
            least.
        write: where progress lines go.

    Raises:
        EdgeproofError: bad input, in one line.
    """
    settings = with_parent(_short(load_run_config(config, overrides), points, epochs, steps))
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


def _short(config: RunConfig, points: int, epochs: int | None, steps: int | None) -> RunConfig:
    """The config of every point but for its rate."""
    if points < 3 or (epochs is not None and epochs < 1) or (steps is not None and steps < 1):
        said = f"--points {points}" + (f" --epochs {epochs}" if epochs is not None else "")
        said += f" --steps {steps}" if steps is not None else ""
        raise OptionError(f"{said}: at least 3 points of 1 epoch or step are a sweep")
    if config.has_agent and epochs is not None:
        raise OptionError(f"--epochs {epochs}: agent {config.learner} has steps; write --steps, or leave it out")
    if not config.has_agent and steps is not None:
        raise OptionError(f"--steps {steps}: model {config.learner} has epochs; write --epochs, or leave it out")
    return shortened_agent(config, steps) if config.has_agent else shortened(config, epochs or EPOCHS)
