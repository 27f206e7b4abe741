"""A campaign: several configs on equal data and an equal budget, several seeds each, compared in pairs.

Every config is run with every seed by the very code of `run`, so every training and threshold is counted, and each
run's verdict knows of those before it. Seeds are the outer loop: what is finished when a campaign is stopped is a fair
part of it.
"""

# K configs, R seeds, T bars

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from edgeproof.core.errors import ConfigError
from edgeproof.core.files import write_json, write_text
from edgeproof.core.progress import Progress, silent
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market, open_market
from edgeproof.evaluate.difference import paired_difference
from edgeproof.recipe.claim import claim_folder
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.run import Run, run, to_terminal
from edgeproof.recipe.series import shared_series
from edgeproof.recipe.templates import template_body, template_texts
from edgeproof.recipe.transfer import with_parent
from edgeproof.report.campaign import campaign_page
from edgeproof.report.number import chance_words
from edgeproof.stats.bootstrap import automatic_block
from edgeproof.stats.multiple import holm
from edgeproof.stats.performance import performance
from edgeproof.stats.spa import superior_ability
from edgeproof.verdict.ready import json_ready

__all__ = ["Campaign", "campaign"]

EQUAL = ("universe", "quality", "label", "decide_every", "split", "exposure", "costs", "account")
UNKNOWN = {"mean": None, "low": None, "high": None, "p": None}
LEVEL = 0.05  # of a pair's p, corrected by Holm's rule for the number of pairs
POINTS = 400  # of a curve on the page


@dataclass(frozen=True)
class Campaign:
    """A finished campaign.

    Attributes:
        folder: where `campaign.json` and the runs lie.
        body: the content of `campaign.json`.
    """

    folder: Path
    body: dict[str, Any]

    def lines(self) -> list[str]:
        """What it found, in a few sentences."""
        body, rows = self.body, self.body["configs"]
        reference = rows[0]["name"]
        span = "out of sample" if body["span"] == "paths" else "on validation, which every run has looked at"
        seeds = f"{len(body['seeds'])} seed{'s' if len(body['seeds']) > 1 else ''} each"
        said = [f"{len(rows)} configs, {seeds}, {body['bars']:,} shared bars {span}."]
        for row in rows[1:]:
            net = row["difference"]["net"]
            if net["low"] is None:
                said.append(f"{row['name']} and {reference} earned the same on every bar.")
                continue
            apart = net["p_holm"] is not None and net["p_holm"] < LEVEL
            sure = ("better" if net["mean"] > 0.0 else "worse") if apart else "not told apart"
            said.append(
                f"{row['name']} against {reference}: {1e4 * net['mean']:+.3f} bps a bar (95% interval "
                f"{1e4 * net['low']:+.3f} to {1e4 * net['high']:+.3f}), p {chance_words(net['p_holm'])}: {sure}."
            )
        if body["superior"] is not None:
            said.append(
                f"That any of {len(rows) - 1} earns more than {reference}: p {chance_words(body['superior'])} "
                "(superior predictive ability, one-sided)."
            )
        return said


def campaign(
    configs: Sequence[Path | str | Mapping[str, Any]],
    market: Market | Path | str,
    *,
    out: Path | str,
    seeds: int = 3,
    workspace: Path | str | None = None,
    overrides: Sequence[str] = (),
    unequal: bool = False,
    write: Callable[[str], None] = to_terminal,
) -> Campaign:
    """Run several configs with several seeds and compare each with the first.

    Stopped at any moment, the same call goes on: finished runs are read back, a started one resumes.

    Args:
        configs: names of templates, YAML files, or mappings; the first is what the others are compared with.
        market: the market or its folder.
        out: folder of the results; the runs lie below it.
        seeds: of each config: its own `seed` and the next ones.
        workspace: folder whose ledger counts.
        overrides: applied to every config, such as `train.epochs=6`.
        unequal: also where the configs' epochs differ; the result says so.
        write: where progress lines go.

    Raises:
        ConfigError: fewer than two configs, no seed, or configs that differ in data or budget.
        DataError: the folder holds something else.
    """
    entries = _entries(configs, overrides)
    _check(entries, seeds, unequal=unequal)
    opened = market if isinstance(market, Market) else open_market(Path(market))
    place = Path(out)
    planned = {name: with_parent(config).anywhere().model_dump(mode="json") for name, config in entries.items()}
    claim_folder(place, {"configs": planned, "market": opened.identity, "seeds": seeds}, "campaign")
    progress = Progress("run", len(entries) * seeds, write=write)
    done: dict[str, list[Run]] = {name: [] for name in entries}
    for number in range(seeds):
        for name, config in entries.items():
            gates = config.gates.unasked() if number else config.gates  # other seeds, the same model and data
            each = config.model_copy(update={"seed": config.seed + number, "gates": gates})
            folder = place / "runs" / f"{name}-{each.seed}"
            finished = run(each, opened, out=folder, workspace=workspace, beside=False, write=silent)
            done[name].append(finished)
            progress.step(f"{name} seed {each.seed}: {finished.verdict['verdict'].replace('_', ' ')}")
    body = _compare(done, entries, bars_per_year=opened.bars_per_year)
    write_text(place / "report.html", campaign_page(body, market=opened.path.name))
    write_json(place / "campaign.json", body)
    return Campaign(place, body)


def _is_a_word(source: str) -> bool:
    """Whether it can only be a template's name, if a wrong one: no file is there, and none is written like that."""
    return not Path(source).exists() and not Path(source).suffix and "/" not in source


def _entries(configs: Sequence[Path | str | Mapping[str, Any]], overrides: Sequence[str]) -> dict[str, RunConfig]:
    """Configs by name: of the template or file, or of the model; a second one of a name gets a number."""
    found: dict[str, RunConfig] = {}
    for source in configs:
        template = isinstance(source, str) and (source in template_texts() or _is_a_word(source))
        config = load_run_config(template_body(str(source)) if template else source, overrides)
        name = Path(source).stem if isinstance(source, str | Path) else config.learner
        free = (f"{name}-{number}" if number > 1 else name for number in count(1))
        found[next(each for each in free if each not in found)] = config
    return found


def _check(entries: Mapping[str, RunConfig], seeds: int, *, unequal: bool) -> None:
    if len(entries) < 2:
        raise ConfigError("a campaign compares at least two configs; name templates or files")
    if seeds < 1:
        raise ConfigError(f"seeds: {seeds} is below 1; 3 show how much of a difference is luck of the start")
    first, *others = entries
    for name in others:
        differing = [key for key in EQUAL if getattr(entries[name], key) != getattr(entries[first], key)]
        if differing:
            raise ConfigError(
                f"{name} and {first} differ in {', '.join(differing)}: not equal data; set it for all, such as "
                f"{differing[0]}=..."
            )
        (key, word, own), (kind, _, other) = (_budget(entries[each]) for each in (name, first))
        if key == kind and own != other and not unequal:
            raise ConfigError(
                f"{name} trains {own} {word} and {first} {other}: not an equal budget; set it for all with "
                f"{key}={min(own, other)}, or say --unequal"
            )


def _budget(config: RunConfig) -> tuple[str, str, int]:
    """Key, word and size of what a training takes; an agent and a model have none in common."""
    if config.has_agent:
        return "agent.total_steps", "steps", int(config.agent.model_dump()["total_steps"])
    return "train.epochs", "epochs", config.train.epochs


def _compare(
    done: Mapping[str, Sequence[Run]], entries: Mapping[str, RunConfig], *, bars_per_year: float
) -> dict[str, Any]:
    """The content of `campaign.json`: a row a config, each compared with the first on the bars that all share."""
    series = shared_series({f"{name}/{k}": found for name, runs in done.items() for k, found in enumerate(runs)})
    net, loss = _means(done, series.net), _means(done, series.loss)
    first, rng = next(iter(done)), Rng(0).child("campaign")
    rows = []
    for name, runs in done.items():
        row = _row(name, runs, entries[name], [series.net[f"{name}/{k}"] for k in range(len(runs))], bars_per_year)
        row["sharpe"] = performance(net[name], bars_per_year=bars_per_year)["sharpe"]
        if name != first:
            row["difference"] = {
                "net": paired_difference(net[name], net[first], rng.child(name, "net").numpy()).to_json(),
                "log_loss": dict(UNKNOWN)
                if entries[name].has_agent or entries[first].has_agent
                else paired_difference(loss[first], loss[name], rng.child(name, "loss").numpy()).to_json(),
            }
        rows.append(row)
    for key in ("net", "log_loss"):
        pairs = [row["difference"][key] for row in rows[1:]]
        for pair, p in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
            pair["p_holm"] = p
    return json_ready(
        {
            "configs": rows,
            "seeds": [found.folder.name.rpartition("-")[2] for found in done[first]],
            "span": series.span,
            "bars": len(series.close_time),
            "annualisation": bars_per_year,
            "superior": _superior(net, first, rng),
            "curves": {name: _curve(values) for name, values in net.items()},
            "trials": max(found.verdict["trials"] for runs in done.values() for found in runs),
        }
    )


def _curve(net: np.ndarray) -> np.ndarray:
    """Equity from 1 at up to 400 bars, evenly spaced, the last one among them."""
    places = np.linspace(0, len(net) - 1, min(len(net), POINTS)).round().astype(np.int64)
    return np.cumprod(1 + net)[places]


def _means(done: Mapping[str, Sequence[Run]], values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """f64[T] a config: the mean over its seeds, bar by bar."""
    return {name: np.mean([values[f"{name}/{k}"] for k in range(len(runs))], axis=0) for name, runs in done.items()}


def _row(
    name: str, runs: Sequence[Run], config: RunConfig, nets: Sequence[np.ndarray], bars_per_year: float
) -> dict[str, Any]:
    """A config's figures over its seeds: mean and spread, and what each seed answered."""
    sharpes = np.array([performance(net, bars_per_year=bars_per_year)["sharpe"] or 0.0 for net in nets])
    best = [found.history.filter("best").row(0, named=True) for found in runs]
    forecasts = not config.has_agent  # an agent holds positions, and gives no probabilities to score
    losses = np.array([row["log_loss"] for row in best if forecasts], dtype=np.float64)
    return {
        "name": name,
        "model": config.learner,
        "epochs": config.train.epochs if forecasts else None,
        "seeds": [found.folder.name for found in runs],
        "answers": dict(Counter(found.verdict["verdict"] for found in runs)),
        "sharpe_by_seed": sharpes,
        "sharpe_sd": float(sharpes.std(ddof=1)) if len(runs) > 1 else None,
        "auc": float(np.mean([row["auc"] for row in best])) if forecasts else None,
        "log_loss": float(losses.mean()) if forecasts else None,
        "log_loss_sd": float(losses.std(ddof=1)) if forecasts and len(runs) > 1 else None,
        "seconds": float(np.mean([found.history.select("seconds").sum().item() for found in runs])),
    }


def _superior(net: Mapping[str, np.ndarray], first: str, rng: Rng) -> float | None:
    """The p-value of none of several others being better than the first; blocks as long as any of them asks for."""
    if len(net) < 3:
        return None  # a single pair has a p-value of its own
    others = np.stack([values - net[first] for name, values in net.items() if name != first], axis=1)
    blocks = [automatic_block(excess) or 1.0 for excess in others.T]
    found = superior_ability(others, rng.child("superior").numpy(), block_bars=max(blocks))
    return None if found is None else found.consistent
