"""Calibration: how often the whole pipeline claims an edge on surrogates of the user's own bars, where there is none.

Every surrogate is made from the open bars alone, is sealed, trained on, searched and judged by the very code of `run`,
and has a ledger of its own: surrogates of daily bars may share their first week, and no surrogate may pay for the
openings of another. A pipeline that claims more often than chance explains is flagged. The checks before training are
left out: they were made on the real bars, and what a profile tries beside the config is part of the pipeline and stays.
"""

import math
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeproof.core.clock import bars_per_day
from edgeproof.core.errors import ConfigError, TrainError
from edgeproof.core.files import read_json, write_bytes, write_json
from edgeproof.core.progress import Progress, duration_text, silent
from edgeproof.core.rng import Rng
from edgeproof.data.panel import Panel, build_panel
from edgeproof.data.store import Market, open_market
from edgeproof.data.synthetic.surrogate import SURROGATES, make_surrogate
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.workspace import find_workspace
from edgeproof.recipe.claim import claim_folder
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.prepare import open_bars
from edgeproof.recipe.run import run, to_terminal
from edgeproof.stats.proportion import most_by_chance, share_interval

__all__ = ["Calibration", "calibrate"]

UNITS = 30  # that the verdict asks of a sealed span
FEW = 20  # surrogates below which a pipeline that claims far too often may pass


@dataclass(frozen=True)
class Calibration:
    """What the pipeline answered on markets without an edge.

    Attributes:
        kind: how the surrogates were made.
        planned: surrogates asked for.
        done: surrogates judged; fewer than planned where the answer was certain earlier.
        claims: of these, how many were called an edge.
        most_by_chance: the most claims of `planned` that a pipeline with a true rate of 5% makes in 95 of 100 cases.
        flagged: more claims than that; None while it is open.
        rate, rate_low, rate_high: share of claims with its exact 95% interval.
        answers: count by answer; `failed` where training refused the surrogate.
        able: whether a surrogate's sealed span holds the 30 units (days of bars) that an edge needs.
        why_not: where it does not: how many it holds, and how many more open bars would do.
        idle: surrogates on which the pipeline never traded, so that it could not claim anything.
        results: one mapping a surrogate: number, answer, opening, trades, net Sharpe ratio, p, AUC.
    """

    kind: str
    planned: int
    done: int
    claims: int
    most_by_chance: int
    flagged: bool | None
    rate: float
    rate_low: float
    rate_high: float
    answers: Mapping[str, int]
    able: bool
    why_not: str
    idle: int
    results: Sequence[Mapping[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The content of `calibration.json`."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The same in a few sentences."""
        early = f" of {self.planned} planned (the rest could not change the answer)" if self.done < self.planned else ""
        counted = ", ".join(f"{count} {answer}" for answer, count in sorted(self.answers.items()))
        meaning = (
            f"FLAGGED: more than the {self.most_by_chance} of {self.planned} that a true rate of 5% explains. Look for "
            "a leak: a feature, a join, a choice made on these bars."
            if self.flagged
            else f"Not flagged: up to {self.most_by_chance} of {self.planned} are explained by a true rate of 5%."
        )
        if not self.able:
            meaning = f"{self.why_not}. Not flagged therefore says nothing." if not self.flagged else meaning
        idle = (
            [
                f"On {self.idle} of them it never traded and could claim nothing: for a sharper test set the costs to "
                "zero and keep=median."
            ]
            if self.idle
            else []
        )
        return [
            f"{self.done} surrogates ({self.kind}){early}: {counted}.",
            f"Claims of an edge: {self.claims}, a rate of {self.rate:.1%} "
            f"(95% interval {self.rate_low:.1%} to {self.rate_high:.1%}) where there is none.",
            meaning,
            *([_weak(self.planned)] if self.planned < FEW else []),
            *idle,
        ]


def calibrate(
    config: Path | str | Mapping[str, Any] | RunConfig,
    market: Market | Path | str,
    *,
    out: Path | str,
    surrogates: int = 100,
    kind: str = "sign_flip",
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    write: Callable[[str], None] = to_terminal,
) -> Calibration:
    """Rerun a pipeline on surrogates of a market's open bars, and count how often it claims an edge.

    It stops as soon as the answer is certain: more claims than chance explains, or too few surrogates left for that.
    Killed, it goes on where it was.

    Args:
        config: of the run, as for `run`.
        market: the market or its folder; its sealed bars are not read.
        out: folder of the results; a calibration of the same config and market there is continued.
        surrogates: how many; 100 tell a true rate of 15% from 5% in 94 of 100 cases.
        kind: `sign_flip`, or `row_permutation` as second opinion.
        workspace: folder whose ledger holds the market's seal.
        overrides: such as `train.lr=1e-3`.
        write: where progress lines go.

    Raises:
        ConfigError: unknown kind, or no surrogate.
        DataError: the folder holds something else.
        SplitError: the open span is too short to be split once more.
    """
    if kind not in SURROGATES:
        raise ConfigError(f"kind: {kind!r} is no surrogate; choose {' or '.join(SURROGATES)}")
    if surrogates < 1:
        raise ConfigError(f"surrogates: {surrogates} is below 1; 100 is usual")
    settings = _alone(load_run_config(config, overrides))
    opened = market if isinstance(market, Market) else open_market(Path(market))
    place, done = Path(out), []
    identity = {"config": settings.model_dump(mode="json"), "market": opened.identity, "kind": kind}
    claim_folder(place, identity, "calibration")
    panel = _open_panel(settings, opened, workspace)
    why_not = _too_short(settings, panel)
    for warning in filter(None, (why_not, _weak(surrogates) if surrogates < FEW else "")):
        write(f"{warning}\n")
    progress = Progress("surrogate", surrogates, write=write)
    for number in range(surrogates):
        if done and _certain(done, surrogates):
            break
        began, known = time.monotonic(), _result_path(place, number).is_file()
        done.append(_judge_one(settings, panel, kind, number, place))
        if known:
            progress.resume(number + 1)
            continue
        if number == 0:
            took = time.monotonic() - began
            write(f"one surrogate takes {duration_text(took)}: about {duration_text(took * surrogates)} for all\n")
        progress.step(f"{done[-1]['answer']}  {_claims(done)} claims so far")
    found = _sum_up(kind, surrogates, done, why_not)
    write_json(place / "calibration.json", found.to_json())
    return found


def _alone(config: RunConfig) -> RunConfig:
    """The pipeline as a surrogate runs it: on the bars that it is given, without the steps before training."""
    return config.model_copy(update={"market": None, "universe": None, "gates": config.gates.unasked()})


def _open_panel(config: RunConfig, market: Market, workspace: Path | str | None) -> Panel:
    """The open bars, as the config masks them."""
    place = find_workspace(None if workspace is None else Path(workspace), market.path)
    return build_panel(market, open_bars(config, market, Ledger(place)), config.quality)


def _too_short(config: RunConfig, panel: Panel) -> str:
    """Why no surrogate of these bars can claim an edge, and what would do; empty where it can.

    A unit is a day, or the label's horizon where that is longer; rare trading is counted by episodes instead.
    """
    body, bars = config.model_dump(), len(panel.close_time)
    length, share = max(bars_per_day(panel.interval_ns), body["label"].get("horizon_bars", 1)), body["split"]["sealed"]
    held = _sealed_bars(bars, share) // length
    if held >= UNITS:
        return ""
    needed = math.ceil((UNITS * length - 1) / share)
    while _sealed_bars(needed, share) < UNITS * length:
        needed += 1
    kind = "days" if length == bars_per_day(panel.interval_ns) else f"units of {length} bars"
    episodes = (
        " (one that is in the market in under half of the bars is counted by its episodes, and may)"
        if length > 1
        else ""
    )
    return (
        f"no surrogate can claim an edge: its sealed span has {held} {kind}, {UNITS} units are needed; "
        f"bring {needed - bars:,} more bars{episodes}"
    )


def _sealed_bars(bars: int, share: float) -> int:
    """As the ledger seals them."""
    return bars - math.floor((1.0 - share) * bars + 1e-9)


def _weak(planned: int) -> str:
    return f"{planned} surrogates are a weak test: below {FEW} a pipeline that claims far too often may pass; take 100."


def _result_path(place: Path, number: int) -> Path:
    return place / "results" / f"{number:05d}.json"


def _judge_one(config: RunConfig, panel: Panel, kind: str, number: int, place: Path) -> dict[str, Any]:
    """Make, run and judge one surrogate; its bars and its run are removed, its ledger and what it answered stay."""
    path, work = _result_path(place, number), place / "work" / f"{number:05d}"
    if path.is_file():
        return read_json(path)
    generator = Rng(config.seed).child("surrogate", kind, number).numpy()
    if not (work / "market" / "manifest.json").is_file():
        make_surrogate(kind, panel, work / "market", generator)
    try:
        made, out = work / "market", work / "run"
        done = run(config, made, out=out, workspace=work, open_sealed=True, beside=False, write=silent)
        result = _short(number, done.verdict)
        write_bytes(place / "ledgers" / f"{number:05d}.jsonl", done.ledger.read_bytes())
    except TrainError as error:
        result = {"number": number, "answer": "failed", "why": str(error)}
    write_json(path, result)
    shutil.rmtree(work)
    return result


def _short(number: int, verdict: Mapping[str, Any]) -> dict[str, Any]:
    sealed = verdict["sealed"]
    return {
        "number": number,
        "answer": verdict["verdict"],
        "opening": verdict["opening"],
        "trades": verdict["net"].get("trades"),
        "sharpe": verdict["net"].get("sharpe"),
        "p": verdict["net"].get("p_value"),
        "auc": sealed.get("auc"),
    }


def _claims(done: Sequence[Mapping[str, Any]]) -> int:
    return sum(result["answer"] == "edge" for result in done)


def _certain(done: Sequence[Mapping[str, Any]], planned: int) -> bool:
    """Whatever the rest says, the flag stands."""
    claims, most = _claims(done), most_by_chance(planned)
    return claims > most or claims + planned - len(done) <= most


def _sum_up(kind: str, planned: int, done: Sequence[Mapping[str, Any]], why_not: str) -> Calibration:
    claims, most = _claims(done), most_by_chance(planned)
    low, high = share_interval(claims, len(done))
    return Calibration(
        kind=kind,
        planned=planned,
        done=len(done),
        claims=claims,
        most_by_chance=most,
        flagged=claims > most if _certain(done, planned) else None,
        rate=claims / len(done),
        rate_low=low,
        rate_high=high,
        answers=dict(Counter(result["answer"] for result in done)),
        able=not why_not,
        why_not=why_not,
        idle=sum(not result.get("trades") for result in done),
        results=list(done),
    )
