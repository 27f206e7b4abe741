"""One run: from a market and a config to a verdict, a page and a bundle; killed at any moment, it resumes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from edgeproof.backtest.run import Choice
from edgeproof.core.device import set_threads
from edgeproof.core.errors import ConfigError, DataError, EdgeproofError, GateStopped, LedgerError
from edgeproof.core.finding import Finding
from edgeproof.core.progress import to_terminal
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market, open_market
from edgeproof.ledger.lineage import record_candidate
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.alone import alone_in
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.folder import RunFolder, findings_sha
from edgeproof.recipe.folds import FoldRun, follow_folds, learn_folds, paths_body, paths_table
from edgeproof.recipe.judging import judge_run, judged_span, write_span
from edgeproof.recipe.learn import Learned, lived_by
from edgeproof.recipe.prepare import Prepared, open_bars, prepare
from edgeproof.recipe.tables import history_table
from edgeproof.recipe.tracking import open_run, tell_epochs, tell_learned, tell_verdict, watcher
from edgeproof.recipe.trade import trade
from edgeproof.recipe.transfer import once, with_parent
from edgeproof.recipe.walk import walk
from edgeproof.report.console import verdict_html
from edgeproof.report.run import RunData
from edgeproof.rl.place import check_device
from edgeproof.train.bundle import Bundle, write_bundle
from edgeproof.train.loggers.tracker import Tracker, tracked
from edgeproof.train.team import Team, team, together

__all__ = ["Run", "judge_again", "market_of", "run", "to_terminal"]


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder.

    Attributes:
        folder: where everything lies.
        verdict: the content of verdict.json.
    """

    folder: Path
    verdict: dict[str, Any]

    @property
    def track(self) -> pl.DataFrame:
        """Money over time, one row a bar: validation, and the sealed span once it is open."""
        return RunFolder(self.folder).table("track")

    @property
    def trades(self) -> pl.DataFrame:
        """One row a round trip; gross, cost and net of a span's rows sum to those of its track."""
        return RunFolder(self.folder).table("trades")

    @property
    def predictions(self) -> pl.DataFrame:
        """One row a forecast."""
        return RunFolder(self.folder).table("predictions")

    @property
    def history(self) -> pl.DataFrame:
        """One row an epoch."""
        return RunFolder(self.folder).table("history")

    @property
    def paths(self) -> pl.DataFrame:
        """One row a bar of each out-of-sample path; empty where the split has no test blocks."""
        return RunFolder(self.folder).optional("paths")

    @property
    def episodes(self) -> pl.DataFrame:
        """An agent's accounts along validation, one row an account and bar; empty where no agent was trained."""
        return RunFolder(self.folder).optional("episodes")

    @property
    def ledger(self) -> Path:
        """Where the run's trials and openings are counted."""
        return Ledger(Path(RunFolder(self.folder).state()["identity"]["workspace"])).path

    def report(self) -> Path:
        """The run's page."""
        return self.folder / "report.html"

    def data(self, title: str) -> RunData:
        """What the run's page is made of."""
        return RunFolder(self.folder).data(title)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, verdict={self.verdict['verdict']!r}, span={self.verdict['span']!r})"

    def _repr_html_(self) -> str:
        return verdict_html(self.verdict)


def run(
    config: Path | str | Mapping[str, Any] | RunConfig,
    market: Market | Path | str | None = None,
    *,
    out: Path | str = "run",
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    open_sealed: bool = False,
    beside: bool = True,
    write: Callable[[str], None] = to_terminal,
) -> Run:
    """Train, account for costs, and judge.

    Args:
        config: a YAML file, a mapping, or a config.
        market: a market, its folder, or None for the config's own.
        out: the run's folder; an interrupted run of the same config is resumed, a finished one is judged again.
        workspace: folder whose ledger counts; default: see `ledger.workspace`.
        overrides: such as `train.lr=1e-3`.
        open_sealed: open the sealed span, once and on record.
        beside: also what stands beside the verdict and never decides (baselines, ablations, the oracle); many runs
            whose verdict alone counts, as in `calibrate`, do without.
        write: where progress lines go.

    Raises:
        EdgeproofError: bad input, in one line.
    """
    with together() as crew:
        settings = load_run_config(config, overrides)
        opened = market_of(settings, market)
        settings = with_parent(settings.model_copy(update={"market": str(opened.path.resolve())}))
        place = find_workspace(None if workspace is None else Path(workspace), opened.path)
        set_threads()
        folder, ledger = RunFolder(Path(out)), Ledger(place, writes=crew.leads)
        with crew.turn():
            span = open_bars(settings, opened, ledger)
        if not crew.leads:
            return _followed(settings, opened, ledger, span, folder=folder, crew=crew)
        with alone_in(folder.path, ledger):
            folder.begin(settings, {"market": opened.identity, "workspace": str(place)})
            try:
                tracker = open_run(settings, opened, folder, workspace=place, source=config)
                with tracked(tracker, write):
                    if crew.tell(folder.trained):
                        write("already trained; judged again with the trials counted until now\n")
                    else:
                        _train(settings, opened, ledger, span, folder=folder, write=write, tracker=tracker)
                    body = judge_run(folder, opened, ledger, span, open_sealed=open_sealed, beside=beside)
                    tell_verdict(tracker, folder, body)
            except GateStopped:
                raise
            except EdgeproofError:
                folder.abandon()
                raise
        return Run(folder.path, crew.tell(body))


def _followed(config: RunConfig, market: Market, ledger: Ledger, span: Span, *, folder: RunFolder, crew: Team) -> Run:
    """In a process that works for the first one: its part of every training, nothing on disk, the same verdict."""
    if not crew.tell(None):
        with crew.turn():
            prepared = prepare(config, market, span, cache=ledger.folder / "cache")
        follow_folds(config, prepared, ledger, market=span.market, folder=folder.checkpoints)
    return Run(folder.path, crew.tell(None))


def judge_again(path: Path | str, *, market: Path | str | None = None, open_sealed: bool = False) -> Run:
    """Judge a trained run with the trials counted until now.

    Raises:
        DataError: no such run, or its market has changed.
    """
    folder = RunFolder(Path(path))
    identity = folder.state()["identity"]
    config = folder.config()
    opened = open_market(Path(market or config.market or ""))
    if opened.identity != identity["market"]:
        raise DataError(
            f"{opened.path}: not the market of this run (its bars or universe differ); give the right one by --market"
        )
    set_threads()
    ledger = Ledger(Path(identity["workspace"]))
    if not ledger.path.is_file():
        raise LedgerError(f"{ledger.path}: the ledger of this run is gone; restore the workspace from a copy")
    span = open_bars(config, opened, ledger)
    return Run(folder.path, judge_run(folder, opened, ledger, span, open_sealed=open_sealed))


def market_of(config: RunConfig, market: Market | Path | str | None) -> Market:
    """The market that is given, else the config's own.

    Raises:
        ConfigError: neither names one.
    """
    if isinstance(market, Market):
        return market
    place = market or config.market
    if not place:
        raise ConfigError("no market: give --market DIR, or the key `market` in the config")
    return open_market(Path(place))


def _train(
    config: RunConfig,
    market: Market,
    ledger: Ledger,
    span: Span,
    *,
    folder: RunFolder,
    write: Callable[[str], None],
    tracker: Tracker | None,
) -> None:
    """Everything up to the bundle; what is written last is the mark that it is done."""
    marks = [time.perf_counter()]
    prepared = _prepared(config, market, ledger, span)
    marks.append(time.perf_counter())
    findings = walk(config, market, prepared, ledger, known=span.market, folder=folder.path, write=write)
    marks.append(time.perf_counter())
    if config.gates.tries():
        from edgeproof.recipe.refine import refine  # with the searches' packages, which a plain run does without

        config, prepared, tried = refine(config, market, ledger, span, folder=folder, write=write, tracker=tracker)
        findings = [*findings, *tried]
    year, hears = market.bars_per_year, watcher(tracker, config)
    learned, folds = learn_folds(
        config,
        prepared,
        ledger,
        market=span.market,
        bars_per_year=year,
        folder=folder.checkpoints,
        write=write,
        watch=hears,
        after=tell_epochs(hears),
    )
    tell_learned(tracker, prepared, learned, window=config.window)
    marks.append(time.perf_counter())
    last, choice, forecast, bars = folds[-1], folds[-1].choice, learned.forecast, learned.bars
    traded = trade(config, prepared, forecast, theta=choice.theta, bars=bars, bars_per_year=year, beside=False)
    judged = judged_span(config, prepared, forecast, traded, bars=bars, market=market, beside=False)
    found = once([*findings, *(finding for fold in folds for finding in fold.findings)])
    paths = paths_body(folds, bars_per_year=year, rng=Rng(config.seed).child("paths"))
    bundle = _bundle(
        config,
        market,
        prepared,
        learned=learned,
        last=last,
        beside={"paths": paths, "origin": folder.state().get("origin")},
        figures=judged.evidence.figures["net"],
        findings=found,
    )
    sha = write_bundle(folder.bundle, bundle)
    smallest, parents = config.verdict.smallest_sharpe, [one["bundle"] for one in bundle.lineage.get("parents", [])]
    record_candidate(ledger, span.market, sha, last.best, smallest_sharpe=smallest, parents=parents)
    _write_learned(folder, config, prepared, learned)
    write_span(folder, prepared, judged, bars, "validation")
    if paths is not None:
        folder.write_table("paths", paths_table(folds, prepared.panel.close_time))
    folder.write_findings(found)
    folder.update(thresholds=_threshold_rows(choice), seconds=_seconds([*marks, time.perf_counter()]), trained=sha)


def _prepared(config: RunConfig, market: Market, ledger: Ledger, span: Span) -> Prepared:
    """What is learned from; a device that is not there is said before that."""
    if config.has_agent:
        check_device(config.agent.model_dump()["device"])
    with team().turn():
        return prepare(config, market, span, cache=ledger.folder / "cache")


def _write_learned(folder: RunFolder, config: RunConfig, prepared: Prepared, learned: Learned) -> None:
    """The training's rows, and of an agent the accounts that it was chosen by."""
    folder.write_table("history", history_table(learned.trained.history))
    if config.has_agent:
        folder.write_table("episodes", lived_by(config, prepared, learned))


def _seconds(marks: list[float]) -> dict[str, float]:
    """What each part took, between marks in time."""
    took = (round(end - start, 2) for start, end in pairwise(marks))
    return dict(zip(("prepare", "gates", "train", "policy"), took, strict=True))


def _threshold_rows(choice: Choice) -> list[dict[str, Any]]:
    return [
        {"theta": float(theta), "net_growth": float(growth), "chosen": bool(theta == choice.theta)}
        for theta, growth in zip(choice.thetas, choice.growth, strict=True)
    ]


def _bundle(
    config: RunConfig,
    market: Market,
    prepared: Prepared,
    *,
    learned: Learned,
    last: FoldRun,
    beside: Mapping[str, Any],
    figures: Mapping[str, Any],
    findings: Sequence[Finding],
) -> Bundle:
    return Bundle(
        model=learned.trained.model,
        model_config=learned.combined.model,
        window=config.window,
        features=prepared.table.names,
        symbols=prepared.panel.symbols,
        preprocessor=learned.preprocessor.to_arrays(),
        config=config.anywhere().model_dump(mode="json", exclude={"market", "tracking", "gates"}),
        thresholds={"theta": last.choice.theta},
        lineage={
            "market": market.hash,
            "identity": market.identity,
            "data": learned.dataset_sha,
            "seed": config.seed,
            "trial": last.best,
            "train_end_ns": int(prepared.panel.close_time[learned.trained_until]),
            "seal_ns": int(prepared.panel.close_time[-1]),
            "validation": [learned.bars.start, learned.bars.stop],
            "findings": findings_sha(findings),
            **{name: body for name, body in beside.items() if body is not None},
            **({"combine": learned.combined.facts} if learned.combined.facts else {}),
            **({} if learned.inherited is None else {"parents": list(learned.inherited.parents)}),
        },
        figures={name: value for name, value in figures.items() if not isinstance(value, str)},
    )
