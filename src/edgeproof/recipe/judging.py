"""The verdict stage: the validation span as the run stored it, the sealed span if it is opened, and the judge."""

# S symbols, T bars

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeproof.combine.told import told_of_trainings
from edgeproof.core.clock import HOUR_NS, bars_per_day, iso
from edgeproof.core.errors import BundleError
from edgeproof.core.files import write_json, write_text
from edgeproof.core.finding import Finding
from edgeproof.core.rng import Rng
from edgeproof.data.store import Market
from edgeproof.evaluate.figures import forecast_figures
from edgeproof.features.scale import Preprocessor, apply
from edgeproof.labels.volatility import volatility_over_gaps
from edgeproof.ledger.lineage import candidate_before_opening, openings, smallest_sharpe
from edgeproof.ledger.markets import rows_of
from edgeproof.ledger.span import Span
from edgeproof.ledger.store import Ledger
from edgeproof.ledger.trials import trials_of
from edgeproof.models.actor import Actor
from edgeproof.recipe.agent import Ground, agent_forecast
from edgeproof.recipe.agent_validation import account_name
from edgeproof.recipe.augmented import averaged
from edgeproof.recipe.by_regime import regime_column, span_by_regime
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.folder import RunFolder, findings_sha
from edgeproof.recipe.known import known_truth
from edgeproof.recipe.prepare import Prepared, prepare
from edgeproof.recipe.tables import predictions_table, track_table, trades_table
from edgeproof.recipe.trade import Traded, charged, trade
from edgeproof.recipe.transfer import told_of_parents
from edgeproof.report.run import run_page
from edgeproof.samples.dataset import ready_index
from edgeproof.simulator.presets import preset
from edgeproof.train.bundle import Bundle, read_bundle
from edgeproof.train.forecast import Forecast, predict
from edgeproof.truth.oracle import is_stated
from edgeproof.verdict.change import hangs_on
from edgeproof.verdict.evidence import Evidence, SpanEvidence, span_evidence
from edgeproof.verdict.judge import judge
from edgeproof.verdict.open import open_seal
from edgeproof.verdict.ready import json_ready

YOUNGER_BY_NS = 24 * HOUR_NS  # a ledger begun a day after the market: trials may have been made elsewhere before
SMALLEST_VOLATILITY = 1e-12  # of a flat stretch, so that its logarithm is a number

__all__ = [
    "Judged",
    "check_assets",
    "evaluate_span",
    "judge_run",
    "judged_span",
    "market_facts",
    "notes",
    "trailing_volatility",
    "unknown_symbols",
    "write_span",
]


@dataclass(frozen=True)
class Judged:
    """A span that was forecast and traded with a finished model.

    Attributes:
        evidence: for the judge.
        oracle: what could be known there; None on real markets.
        forecast: on the panel.
        traded: over the bars of the span.
    """

    evidence: SpanEvidence
    oracle: dict[str, Any] | None
    forecast: Forecast
    traded: Traded


def evaluate_span(
    config: RunConfig, prepared: Prepared, bundle: Bundle, *, bars: slice, market: Market, beside: bool = True
) -> Judged:
    """Forecast and trade some bars of a prepared span with a bundle's model and threshold.

    Args:
        config: the run's config.
        prepared: a span that contains the bars and what lies before them.
        bundle: model, preprocessor and threshold.
        bars: the bars to judge; the account is flat before them.
        market: for the calendar.
        beside: also what stands beside a verdict and never decides: baselines, ablations, the oracle.

    Raises:
        BundleError: an agent whose account holds other symbols.
    """
    T = prepared.panel.present.shape[1]
    preprocessor = Preprocessor.from_arrays(bundle.preprocessor)
    x = apply(preprocessor, prepared.table.x)
    inside = np.zeros(T, dtype=bool)
    inside[bars] = True
    if isinstance(bundle.model, Actor):
        check_assets(bundle, prepared.panel.symbols)
        ids = bundle.assets(prepared.panel.symbols)
        ground = Ground(config, prepared, x).seen_by(bundle.model, bars=bars, assets=ids)
        forecast = agent_forecast(ground, bundle.model, (bars,), sha=bundle.sha)
    else:
        index = ready_index(prepared.table.ready, prepared.decide & inside, bundle.window)
        assets = bundle.assets(prepared.panel.symbols)
        forecast = predict(bundle.model, x, index, window=bundle.window, assets=assets, sha=bundle.sha)
        forecast = averaged(
            forecast, bundle.model, config=config, prepared=prepared, preprocessor=preprocessor, assets=assets
        )
    theta, year = bundle.thresholds["theta"], market.bars_per_year
    traded = trade(config, prepared, forecast, theta=theta, bars=bars, bars_per_year=year, beside=beside)
    return judged_span(config, prepared, forecast, traded, bars=bars, market=market, beside=beside)


def check_assets(bundle: Bundle, given: tuple[str, ...]) -> None:
    """An account of several assets knows each by its place.

    Raises:
        BundleError: other symbols, or in another order.
    """
    known, assets = bundle.symbols, bundle.model.config.assets if isinstance(bundle.model, Actor) else 1
    if assets > 1 and known != given:
        raise BundleError(
            f"bundle: its agent's account holds {assets} of {account_name(known)} ({len(known)} symbols), the market "
            f"has {account_name(given)} ({len(given)} symbols); give a market of the same symbols"
        )


def judged_span(
    config: RunConfig,
    prepared: Prepared,
    forecast: Forecast,
    traded: Traded,
    *,
    bars: slice,
    market: Market,
    beside: bool = True,
) -> Judged:
    """Figures of a span that was forecast and traded; `beside` as of `evaluate_span`."""
    scored = np.zeros_like(forecast.made)
    scored[:, bars] = (forecast.made & prepared.labels.known)[:, bars]
    known = prepared.stated if is_stated(config.label) else None
    per_day = bars_per_day(prepared.panel.interval_ns)
    size = trailing_volatility(prepared, scored)
    figures = forecast_figures(
        forecast.probability,
        prepared.labels.y,
        scored,
        Rng(config.seed).child("intervals").numpy(),
        block_bars=max(per_day, prepared.labels.horizon_bars),
        volatility=size,
        truth=None if known is None else known.p_up,
    )
    regimes = span_by_regime(
        config,
        prepared,
        forecast,
        traded,
        scored,
        bars=bars,
        bars_per_year=market.bars_per_year,
        volatility=size,
        truth=None if known is None else known.p_up,
    )
    evidence = span_evidence(
        traded.track,
        traded.hold_return,
        prepared.panel.close_time[bars],
        bars=slice(None),
        bars_per_year=market.bars_per_year,
        forecast=figures,
        benchmarks=traded.benchmarks,
        regimes=regimes,
    )
    truth = market.manifest.truth or {}
    made, oracle = (forecast, traded), None
    if beside:
        oracle = known_truth(truth, config, prepared, made, scored=scored, bars=bars, volatility=size)
    return Judged(evidence, oracle, forecast, traded)


def trailing_volatility(prepared: Prepared, scored: np.ndarray) -> np.ndarray | None:
    """f[S, T] log volatility of 24 bars, what size alone would say; None where a scored sample has none."""
    names = prepared.table.names
    if "log_volatility_24" in names:
        return prepared.table.x[:, :, names.index("log_volatility_24")]
    size = np.log(np.maximum(volatility_over_gaps(prepared.panel, 24), SMALLEST_VOLATILITY))
    return size if np.isfinite(size[scored]).all() else None


def judge_run(
    folder: RunFolder, market: Market, ledger: Ledger, span: Span, *, open_sealed: bool, beside: bool = True
) -> dict[str, Any]:
    """Judge a trained run with everything that the ledger counts now; opens the seal if asked to.

    Writes verdict.json, ledger.parquet and report.html, and after an opening the sealed rows of predictions and track.

    Raises:
        BundleError: the bundle is missing, truncated or altered.
        SealError: nothing is sealed.
        LedgerError: the ledger is not sound.
    """
    began = time.perf_counter()
    state, bundle = folder.state(), read_bundle(folder.require_bundle())
    config = _bundled_config(folder, bundle)
    fingerprints = market.fingerprints()
    before = candidate_before_opening(ledger, fingerprints, bundle.sha)
    prepared = prepare(config, market, span, cache=ledger.folder / "cache")
    T_open = prepared.panel.present.shape[1]
    bars = slice(*bundle.lineage["validation"])
    validation = evaluate_span(config, prepared, bundle, bars=bars, market=market, beside=beside)
    sealed, opening = None, None
    if open_sealed or _opened_before(ledger, market, span, bundle):
        opened = open_seal(ledger, span, candidate=bundle.sha, end_ns=market.end_ns)
        whole = prepare(config, market, opened.span)
        T = whole.panel.present.shape[1]
        later, opening = slice(T_open, T), opened.opening
        sealed = evaluate_span(config, whole, bundle, bars=later, market=market, beside=beside)
        write_span(folder, whole, sealed, slice(T_open, T), "sealed")
    close = prepared.panel.close_time[bars]
    evidence = Evidence(
        validation=validation.evidence,
        sealed=None if sealed is None else sealed.evidence,
        opening=opening,
        openings=len(openings(ledger, fingerprints)),
        sealed_bars=len(market.clock()) - T_open,
        trials=trials_of(ledger, fingerprints, close_time=close),
        trial=bundle.lineage["trial"],
        candidate_before_opening=before,
        findings=[*folder.findings(), *unknown_symbols(bundle, prepared)],
        universe=config.universe or market.manifest.universe,
        bars_per_year=market.bars_per_year,
        bars_per_day=bars_per_day(prepared.panel.interval_ns),
        horizon_bars=prepared.labels.horizon_bars,
        market=market_facts(market),
        smallest_sharpe=smallest_sharpe(ledger, fingerprints, bundle.sha) if before else None,
        oracle=(validation if sealed is None else sealed).oracle,
        seconds=state["seconds"] | {"verdict": round(time.perf_counter() - began, 2)},
        notes=[*notes(config, ledger, market), *_told(bundle), *_unheard(config, before=before)],
        rng=Rng(config.seed).child("verdict"),
    )
    body = judge(evidence).to_json()
    body |= _what_was_traded(config, {"validation": validation, "sealed": sealed}, body)
    body |= {"paths": bundle.lineage.get("paths"), "parents": bundle.lineage.get("parents", [])}
    title = f"{config.learner} on {market.path.name}"
    ledger.export(rows_of(ledger, fingerprints), folder.path / "ledger.parquet")
    write_text(folder.path / "report.html", run_page(folder.data(title, body)))
    write_json(folder.path / "verdict.json", body)  # last: with it the judgement is whole
    return body


def _told(bundle: Bundle) -> list[str]:
    """Where the model comes from."""
    return [*told_of_parents(bundle.lineage), *told_of_trainings(bundle.lineage)]


def _what_was_traded(config: RunConfig, spans: Mapping[str, Judged | None], body: Mapping[str, Any]) -> dict[str, Any]:
    """What verdict.json says of costs, account and ablations, those of each span and those of the judged one."""
    ablations = {name: span.traded.ablations for name, span in spans.items() if span is not None}
    beside = {name: body[name] | {"ablations": changed} for name, changed in ablations.items()}
    changed, account = ablations[body["span"]], config.options.model_dump() | {"exposure": config.exposure}
    said = [*body["would_change"], *hangs_on(body["verdict"], changed)]
    traded = {"costs": charged(config.costs), "account": account, "ablations": changed, "would_change": said}
    return json_ready(traded | beside)


def _opened_before(ledger: Ledger, market: Market, span: Span, bundle: Bundle) -> bool:
    """Whether this very candidate has read these sealed bars already: its answer stands and is printed again."""
    same = {"market": span.market, "candidate": bundle.sha, "seal_ns": span.seal_ns, "end_ns": market.end_ns}
    rows = openings(ledger, market.fingerprints())
    return any(all(row.body[name] == value for name, value in same.items()) for row in rows)


def _bundled_config(folder: RunFolder, bundle: Bundle) -> RunConfig:
    """The config that the bundle was made with; what lies beside it in the open must still say the same."""
    config = load_run_config(bundle.config)
    if folder.config().anywhere() != config:
        raise BundleError(f"{folder.path / 'config.yaml'}: not the config of the bundle beside it; run it as a new run")
    if findings_sha(folder.findings()) != bundle.lineage["findings"]:
        raise BundleError(f"{folder.path / 'findings.json'}: altered after the run; restore it or run again")
    return config


def write_span(folder: RunFolder, prepared: Prepared, judged: Judged, bars: slice, span: str) -> None:
    """Store a span's forecasts and money in the run's tables."""
    close, track = prepared.panel.close_time[bars], judged.traded.track
    regime = regime_column(judged.evidence.regimes, len(close))
    folder.write_span("track", track_table(track, judged.traded.hold_return, close, span, regime), span)
    trades = trades_table(track, prepared.panel.symbols, close, prepared.panel.interval_ns, span)
    folder.write_span("trades", trades, span, by="exit_time")
    predictions = predictions_table(prepared, judged.forecast.probability, judged.forecast.made, bars, span)
    folder.write_span("predictions", predictions, span)


def market_facts(market: Market) -> dict[str, Any]:
    """What verdict.json says of the market."""
    manifest = market.manifest
    return {
        "hash": manifest.hash,
        "symbols": len(manifest.symbols),
        "bars": sum(entry.bars for entry in manifest.symbols),
        "start": iso(market.start_ns),
        "end": iso(market.end_ns),
        "kind": manifest.kind,
        "universe": manifest.universe,
    }


def unknown_symbols(bundle: Bundle, prepared: Prepared) -> list[Finding]:
    """A finding where the model meets symbols that it was not trained on; an error where these are over half."""
    unknown = [symbol for symbol in prepared.panel.symbols if symbol not in bundle.symbols]
    if not unknown:
        return []
    share = len(unknown) / len(prepared.panel.symbols)
    return [
        Finding(
            check="bundle.unknown_symbols",
            level="error" if share > 0.5 else "warning",
            claim=f"{len(unknown)} of {len(prepared.panel.symbols)} symbols were never seen in training",
            evidence={"count": len(unknown), "share": share, "symbols": unknown[:20]},
            remedy="train on a market that has these symbols",
        )
    ]


def _unheard(config: RunConfig, *, before: bool) -> list[str]:
    if before or config.verdict.smallest_sharpe is None:
        return []
    return ["verdict.smallest_sharpe was set after the sealed span had been opened and has no effect on it."]


def notes(config: RunConfig, ledger: Ledger, market: Market) -> list[str]:
    """What a reader must know beside the figures."""
    found = []
    if market.manifest.kind == "surrogate":
        found.append("This is a surrogate: bars of a real market with everything predictable taken out.")
    elif market.manifest.kind != "bars":
        found.append(f"This is a known-truth market of kind {market.manifest.kind}: its bars were made, not traded.")
    if (config.universe or market.manifest.universe) == "fixed" and market.manifest.kind == "bars":
        found.append("The user states that the symbols were chosen without looking at this span (universe fixed).")
    if config.costs.is_free:
        found.append("Costs are zero: nobody trades for nothing.")
    if config.costs.preset is not None and preset(config.costs.preset).funding:
        found.append(
            f"Funding is not charged: what pays the fees of {config.costs.preset} also pays or is paid funding every "
            "few hours, which is in no market's bars."
        )
    born, made = ledger.born_ns(), (market.path / "manifest.json").stat().st_mtime_ns
    if born is not None and born > made + YOUNGER_BY_NS and market.manifest.kind == "bars":
        found.append("The workspace's ledger is younger than the market: trials made elsewhere are not counted.")
    return found
