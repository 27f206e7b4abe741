"""`edgeproof market`: bars in, checked, shown; known-truth markets made."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from edgeproof.core.finding import Finding
    from edgeproof.data.store import Market

__all__ = ["app", "check", "import_", "show", "synth"]

app = typer.Typer(help="Import, check, show and synthesise markets.", no_args_is_help=True)
Out = Annotated[Path, typer.Option("--out", help="Folder to write; refused if it is there and not empty.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="CSV or Parquet: a file, or a folder with one file a symbol.")],
    out: Out,
    universe: Annotated[
        str, typer.Option(help="survivors, fixed (chosen without looking at the span), or a membership file.")
    ] = "survivors",
    retrieved: Annotated[
        str | None, typer.Option(help="When the file was made (UTC); bars that close later are dropped.")
    ] = None,
    drop_last: Annotated[
        bool, typer.Option("--drop-last", help="Drop each symbol's last bar: it may be open.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read bars, name every defect, and write a market."""
    from edgeproof.core.clock import parse_time
    from edgeproof.data.intake import import_market

    market = import_market(
        source,
        out,
        universe=universe,
        retrieved_ns=parse_time(retrieved) if retrieved else None,
        drop_last=drop_last,
    )
    _tell(market, market.findings(), as_json=as_json, verb=f"wrote {out}")


@app.command("check")
def check(
    market: Annotated[Path, typer.Argument(help="A market's folder.")],
    as_json: Json = False,
) -> None:
    """Run every bar check; exit status 1 if a finding is an error."""
    from edgeproof.core.finding import worst
    from edgeproof.data.quality import check_market
    from edgeproof.data.store import open_market

    opened = open_market(market)
    findings = check_market(opened)
    _tell(opened, findings, as_json=as_json, verb=f"checked {market}")
    if worst(findings) == "error":
        raise typer.Exit(1)


@app.command("show")
def show(
    market: Annotated[Path, typer.Argument(help="A market's folder.")],
    as_json: Json = False,
) -> None:
    """Show a market's symbols, span and origin."""
    from edgeproof.data.store import open_market

    opened = open_market(market)
    if as_json:
        _echo_json(_summary(opened) | {"by_symbol": _symbols(opened)})
        return
    _headline(opened)
    from rich.console import Console
    from rich.table import Table

    table = Table("symbol", "bars", "first bar opens", "last bar closes", box=None, header_style="bold")
    for row in _symbols(opened):
        table.add_row(row["symbol"], f"{row['bars']:,}", row["first"], row["last"])
    Console().print(table)


@app.command("synth")
def synth(
    out: Out,
    kind: Annotated[
        str,
        typer.Option(help="noise (nothing to find), linear, nonlinear, temporal, regime, decaying, costly or dead."),
    ] = "linear",
    symbols: Annotated[int, typer.Option(help="Number of symbols.")] = 8,
    bars: Annotated[int, typer.Option(help="Hourly bars a symbol.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    strength: Annotated[
        float | None,
        typer.Option(help="Planted mean in volatilities (kappa); default 0.10; costly and dead fix theirs."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a market whose conditional distribution is known and stored beside the bars."""
    from edgeproof.data.synthetic import make_market

    market = make_market(kind, out, symbols=symbols, bars=bars, seed=seed, strength=strength)
    _tell(market, market.findings(), as_json=as_json, verb=f"wrote {out}")


def _summary(market: "Market") -> dict[str, Any]:
    from edgeproof.core.clock import interval_text, iso

    manifest = market.manifest
    return {
        "hash": manifest.hash,
        "kind": manifest.kind,
        "symbols": len(manifest.symbols),
        "bars": sum(entry.bars for entry in manifest.symbols),
        "interval": interval_text(manifest.interval_ns),
        "calendar": manifest.calendar,
        "universe": manifest.universe,
        "start": iso(market.start_ns),
        "end": iso(market.end_ns),
        "source": manifest.source,
        "truth": manifest.truth,
    }


def _symbols(market: "Market") -> list[dict[str, Any]]:
    from edgeproof.core.clock import iso

    return [
        {"symbol": entry.symbol, "bars": entry.bars, "first": iso(entry.first_ns), "last": iso(entry.last_ns)}
        for entry in market.manifest.symbols
    ]


def _headline(market: "Market") -> None:
    facts = _summary(market)
    word = "symbol" if facts["symbols"] == 1 else "symbols"
    typer.echo(
        f"{facts['symbols']} {word}, {facts['bars']:,} bars of {facts['interval']}, {facts['start']} to "
        f"{facts['end']} UTC, universe {facts['universe']}, hash {facts['hash'][:12]}"
    )


def _tell(market: "Market", findings: "list[Finding]", *, as_json: bool, verb: str) -> None:
    if as_json:
        _echo_json(_summary(market) | {"findings": [finding.to_json() for finding in findings]})
        return
    typer.echo(verb)
    _headline(market)
    from rich.console import Console

    from edgeproof.report.console import print_findings

    print_findings(findings, Console())


def _echo_json(body: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(body, indent=2, ensure_ascii=False))
