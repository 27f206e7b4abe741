"""A run that begins with another run's encoder, and what that encoder may not have seen.

Whatever a parent was trained on is part of this run's training. So no bar of it, of whatever symbol, may lie at or
after the first bar that this run holds out, as in every split here: markets move together. Where the ledger knows that
the two markets share bars such a parent is refused; elsewhere it is an error among the findings and no verdict can be
an edge, but for known-truth markets, which are drawn one by one and share nothing if they share no bar. What a parent
was only selected on (its validation span) is no training: it is counted as trials where bars are shared, and told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgeproof.core.clock import iso
from edgeproof.core.errors import BundleError, ConfigError, OptionError
from edgeproof.core.finding import Finding
from edgeproof.features.scale import Preprocessor
from edgeproof.ledger.fingerprint import shares_bars
from edgeproof.ledger.markets import known_markets
from edgeproof.ledger.store import Ledger
from edgeproof.recipe.config import RunConfig
from edgeproof.recipe.prepare import Prepared
from edgeproof.samples.split.fold import Fold
from edgeproof.train.bundle import Bundle, read_bundle
from edgeproof.train.transfer import Start, take_encoder

__all__ = ["Inherited", "inherit", "once", "told_of_parents", "trained_until", "with_parent"]

Relation = Literal["shares", "apart", "unknown"]
SEEN = ("bundle", "market", "trial", "train_end_ns", "seal_ns", "frozen")


@dataclass(frozen=True)
class Inherited:
    """What a run takes over from its parent.

    Attributes:
        start: the encoder.
        preprocessor: the scale that it knows.
        parents: the parent and its own parents, nearest first: bundle, market, trial, train_end_ns, seal_ns, frozen.
        findings: what they may have seen.
        until_ns: close time of the last bar that one of them was trained on and that could speak of this market; none:
            there is no such bar.
    """

    start: Start
    preprocessor: Preprocessor
    parents: tuple[dict[str, Any], ...]
    findings: tuple[Finding, ...]
    until_ns: int | None = None


def with_parent(config: RunConfig) -> RunConfig:
    """The config with the parent's hash written down.

    Raises:
        BundleError: no bundle there, or not the one that the config names.
    """
    transfer = config.transfer
    if transfer.bundle is None:
        if transfer.sha is not None:
            raise ConfigError(f"transfer.sha names parent {transfer.sha[:12]} without a place; set transfer.bundle")
        return config
    place = Path(transfer.bundle).expanduser().resolve()
    sha = read_bundle(place).sha
    if transfer.sha not in (None, sha):
        raise BundleError(f"{place}: bundle {sha[:12]}, not {str(transfer.sha)[:12]} as transfer.sha says; restore it")
    update = {"bundle": str(place), "sha": sha}
    return config.model_copy(update={"transfer": transfer.model_copy(update=update)})


def inherit(
    config: RunConfig, prepared: Prepared, ledger: Ledger, folds: Sequence[Fold], *, market: str
) -> Inherited | None:
    """The parent's encoder and scale for these folds; None for a run that starts from chance.

    Args:
        config: the run's config, after `with_parent`.
        prepared: the open span.
        ledger: knows which markets share bars.
        folds: what is held out.
        market: the ledger's record of the market.

    Raises:
        BundleError: the parent is missing, altered, or another one than at the start of the run.
        OptionError: an encoder of another build, or one that was trained on bars that these folds hold out.
    """
    if config.transfer.bundle is None:
        return None
    parent = read_bundle(Path(with_parent(config).transfer.bundle or ""))
    start = take_encoder(
        parent,
        config.model,
        features=prepared.table.names,
        window=config.window,
        symbols=prepared.panel.symbols,
        frozen=config.transfer.frozen,
    )
    parents = _line_of(parent, frozen=config.transfer.frozen)
    first_ns = _first_held_out(prepared, folds)
    findings = [
        finding for one in parents for finding in _seen(one, _relation(ledger, one, market), prepared, first_ns)
    ]
    scale = Preprocessor.from_arrays(parent.preprocessor)
    spoken = [one["train_end_ns"] for one in parents if not _drawn_apart(_relation(ledger, one, market), prepared)]
    return Inherited(start, scale, parents, (*findings, *_strangers(start, prepared)), max(spoken, default=None))


def trained_until(bundle: Bundle, prepared: Prepared, ledger: Ledger, market: str) -> int:
    """Close time of the last bar that a bundle or a parent of it was trained on and that could speak of this market."""
    parents = bundle.lineage.get("parents", [])
    spoken = [one for one in parents if not _drawn_apart(_relation(ledger, one, market), prepared)]
    return max(one["train_end_ns"] for one in (bundle.lineage, *spoken))


def told_of_parents(lineage: Mapping[str, Any]) -> list[str]:
    """A sentence on where a bundle's encoder comes from, for its verdict."""
    parents = lineage.get("parents", [])
    if not parents:
        return []
    nearest, further = parents[0], f"; {len(parents) - 1} more stand behind it" if len(parents) > 1 else ""
    name, until = nearest["bundle"][:12], iso(nearest["train_end_ns"])
    how = "was kept as it was" if nearest["frozen"] else "was trained further"
    return [f"The encoder comes from bundle {name}, trained until {until}, and {how}{further}."]


def once(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those on a parent told by the first fold that has them."""
    told: set[tuple[str, str]] = set()
    kept = []
    for finding in findings:
        key = (finding.check, str(finding.evidence.get("parent")))
        if not finding.check.startswith("transfer.") or key not in told:
            kept.append(finding)
        told.add(key)
    return kept


def _line_of(parent: Bundle, *, frozen: bool) -> tuple[dict[str, Any], ...]:
    lineage = parent.lineage
    missing = [name for name in ("market", "trial", "train_end_ns", "seal_ns") if name not in lineage]
    if missing:
        raise OptionError(
            f"transfer.bundle: its lineage does not say {missing[0]}, so nobody knows what it was trained on; take the "
            "bundle of a run"
        )
    own = {"bundle": parent.sha, "frozen": frozen} | {name: lineage[name] for name in SEEN if name in lineage}
    return (own, *lineage.get("parents", []))


def _first_held_out(prepared: Prepared, folds: Sequence[Fold]) -> int:
    """Close time of the first bar that any fold holds out."""
    T = prepared.panel.present.shape[1]
    starts = [int((fold.validation % T).min()) for fold in folds]
    starts += [start for fold in folds for start, _ in fold.test_bars]
    return int(prepared.panel.close_time[min(starts)])


def _relation(ledger: Ledger, parent: dict[str, Any], market: str) -> Relation:
    """Whether the parent's market shares bars with this one, by the row of its trial."""
    rows = ledger.rows()
    known = known_markets(ledger, rows)
    home = next((row.body["market"] for row in rows if row.body.get("trial") == parent["trial"]), None)
    if home is None or market not in known:
        return "unknown"
    return "shares" if shares_bars(known[home], known[market]) else "apart"


def _seen(parent: dict[str, Any], relation: Relation, prepared: Prepared, first_ns: int) -> list[Finding]:
    """What a parent knows of bars that this run holds out."""
    name, trained_ns, chosen_ns = parent["bundle"][:12], parent["train_end_ns"], parent["seal_ns"]
    if trained_ns >= first_ns and relation == "shares":
        raise OptionError(
            f"transfer.bundle: parent {name} was trained on bars of this market up to {iso(trained_ns)}, and this run "
            f"holds out bars from {iso(first_ns)} on: it has seen the answers; train the parent on an earlier span, or "
            "let validation begin later"
        )
    said = {"parent": name, "trained_until": iso(trained_ns), "chosen_until": iso(chosen_ns), "held_out": iso(first_ns)}
    found, apart = [], _drawn_apart(relation, prepared)
    if trained_ns >= first_ns and not apart:
        found.append(_finding("trained_later", said | {"relation": relation}))
    elif chosen_ns >= first_ns and not apart:
        sealed = chosen_ns > int(prepared.panel.close_time[-1])
        found.append(_finding("chosen_in_the_sealed_span" if sealed else "chosen_later", said))
    return found + ([_finding("uncounted", said)] if relation == "unknown" else [])


def _drawn_apart(relation: Relation, prepared: Prepared) -> bool:
    """Whether the parent's bars say nothing of these: a known-truth market is drawn by itself."""
    return relation == "apart" and prepared.stated is not None


def _finding(kind: str, said: dict[str, Any]) -> Finding:
    level, claim, remedy = _TEXTS[kind]
    return Finding(f"transfer.{kind}", level, claim.format(**said), said, remedy=remedy)


_TEXTS: dict[str, tuple[Literal["info", "warning", "error"], str, str]] = {
    "trained_later": (
        "error",
        "parent {parent} was trained on bars up to {trained_until}, while this run holds out bars from {held_out} on: "
        "whatever moved all symbols there, it has seen",
        "train the parent on an earlier span, or let validation begin later",
    ),
    "chosen_in_the_sealed_span": (
        "warning",
        "parent {parent} was chosen on bars up to {chosen_until}, within the time of this run's sealed span",
        "take a parent whose market ends before this one's seal",
    ),
    "chosen_later": (
        "info",
        "parent {parent} was chosen on bars up to {chosen_until}, within the time that this run holds out; what was "
        "tried on shared bars is counted",
        "",
    ),
    "uncounted": (
        "warning",
        "parent {parent} is in no row of this ledger: what was tried before it came out is not counted here",
        "train the parent in this workspace",
    ),
}


def _strangers(start: Start, prepared: Prepared) -> list[Finding]:
    """A finding where the encoder meets symbols that it never saw."""
    if not start.unknown:
        return []
    count, whole = len(start.unknown), len(prepared.panel.symbols)
    ends = "stay" if start.frozen else "begin"
    return [
        Finding(
            check="transfer.unknown_symbols",
            level="info",
            claim=f"{count} of {whole} symbols were never seen by the parent: their embeddings {ends}, at its own mean",
            evidence={"count": count, "symbols": list(start.unknown[:20])},
        )
    ]
