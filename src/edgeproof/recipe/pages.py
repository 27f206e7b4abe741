"""The page of whatever a folder holds: a run or its chapter, a search, a campaign, a sweep, a comparison, a market."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from edgeproof.core.errors import DataError, OptionError
from edgeproof.core.files import read_json, write_json, write_text
from edgeproof.recipe.folder import RunFolder
from edgeproof.recipe.steps import GATES
from edgeproof.recipe.survey import survey
from edgeproof.report.campaign import campaign_page
from edgeproof.report.gates import gates_page
from edgeproof.report.market import market_page
from edgeproof.report.run import PAGES, RunData, run_page
from edgeproof.report.settings import settings_line
from edgeproof.report.study import study_page
from edgeproof.report.sweep import sweep_page
from edgeproof.verdict.ready import json_ready

__all__ = ["write_page"]

Made = tuple[str, Mapping[str, Any]]  # a page and what lies beside it as JSON
FACTS: dict[str, tuple[str, ...]] = {
    "training": ("validation", "sealed", "oracle", "seconds"),
    "backtest": ("span", "annualisation", "net", "gross", "regimes", "ablations", "paths", "costs", "account"),
    "data": ("market",),
}
UNFINISHED = "its command has not come to an end; give it again to go on"


def write_page(
    path: Path | str,
    *,
    page: str | None = None,
    out: Path | str | None = None,
    config: Path | str | None = None,
    workspace: Path | str | None = None,
) -> Path:
    """Write a page of a folder, and its figures as JSON beside it; a page that is there is replaced.

    Args:
        path: folder of a finished run, search, campaign, sweep or comparison, or of a market.
        page: of a run only one of `report.run.PAGES`; default: the whole report.
        out: the HTML file, or a folder for it; default: `report.html`, or the name of the page, in the folder.
        config: of a market: a run's config, whose samples are shown beside the bars.
        workspace: of a market: folder whose ledger holds its seal.

    Raises:
        DataError: nothing of that kind there, or not finished.
        OptionError: a page that is none, or asked of something else than a run; an `out` that is no HTML file.
    """
    folder = Path(path)
    kind = _kind(folder)
    if page is not None and kind != "run":
        raise OptionError(f"--page {page}: {folder} holds a {kind}, which has one page; leave --page out")
    if config is not None and kind != "market":
        raise OptionError(f"--config {config}: {folder} holds a {kind}; give it with a market, whose samples it makes")
    if page is not None and page not in PAGES:
        raise OptionError(f"--page {page}: no such page; there are {', '.join(PAGES)}")
    place = folder / f"{page or 'report'}.html" if out is None else Path(out)
    if place.is_dir() or not place.suffix:
        place = place / f"{page or 'report'}.html"
    if place.suffix != ".html":
        raise OptionError(f"--out {place}: give a folder, or a file that ends in .html; its JSON lies beside it")
    if kind == "run":
        text, body = _run(folder, page)
    else:
        text, body = _market(folder, workspace, config) if kind == "market" else MAKERS[kind](folder)
    write_text(place, text)
    alone = kind == "market" or (kind == "run" and not (folder / "verdict.json").is_file())
    beside = place.with_suffix(".json")
    if (out is not None or page is not None or alone) and beside.resolve() != (folder / GATES).resolve():
        write_json(beside, json_ready(body))  # the others have their figures beside them already
    return place


def _kind(folder: Path) -> str:
    found = next((kind for kind, mark in MARKS.items() if (folder / mark).is_file()), None)
    if found is not None:
        return found
    if not folder.is_dir():
        raise DataError(
            f"{folder}: no such folder; give that of a run, a search, a campaign, a sweep, a comparison or a market"
        )
    if (folder / "calibration.json").is_file():
        raise DataError(f"{folder}: holds a calibration, which has no page; its figures are in calibration.json")
    if (folder / "identity.json").is_file():
        raise DataError(f"{folder}: {UNFINISHED}")
    raise DataError(
        f"{folder}: holds no run, search, campaign, sweep, comparison or market; give the --out of one of these "
        "commands"
    )


def _run(folder: Path, page: str | None) -> Made:
    if not (folder / "verdict.json").is_file():
        return _stopped(folder, page)
    run = RunFolder(folder).data(_title(folder))
    if page is None:
        return run_page(run), run.verdict
    return run_page(run, PAGES[page], footer=f"Every figure of this page is in {page}.json beside it."), _facts(
        run, page
    )


def _title(folder: Path) -> str:
    config = RunFolder(folder).config()
    return f"{config.model.model_dump()['name']} on {Path(config.market or 'a market').name}"


def _stopped(folder: Path, page: str | None) -> Made:
    """The page of a run that has no verdict because a check stopped it: what every check saw, and nothing else."""
    RunFolder(folder).state()
    gates = RunFolder(folder).gates()
    if gates is None or not gates.get("stopped"):
        raise DataError(f"{folder}: {UNFINISHED}")
    if page not in (None, "gates"):
        raise DataError(f"{folder}: {gates['stopped']} stopped this run, so it has no {page} page; use --page gates")
    name, details = page or "report", settings_line((folder / "config.yaml").read_text(encoding="utf-8"))
    footer = f"Every figure of this page is in {name}.json beside it."
    return gates_page(gates, _title(folder), details=details, footer=footer), gates


def _facts(run: RunData, page: str) -> Mapping[str, Any]:
    """What a page shows, of the verdict and of the run's tables."""
    body = {name: run.verdict.get(name) for name in FACTS.get(page, tuple(run.verdict))}
    if page == "gates":
        return run.gates or {}
    if page == "training":
        return body | {"history": run.history.to_dicts(), "thresholds": list(run.thresholds)}
    return body | ({"findings": [finding.to_json() for finding in run.findings]} if page == "data" else {})


def _study(folder: Path) -> Made:
    body = read_json(folder / "study.json")
    return study_page(body), body


def _campaign(folder: Path) -> Made:
    body = read_json(folder / "campaign.json")
    return campaign_page(body, market=folder.resolve().name), body


def _sweep(folder: Path) -> Made:
    body = read_json(folder / "sweep.json")
    return sweep_page(body), body


def _comparison(folder: Path) -> Made:
    """The page as it was made: its runs may have been judged again since, or be gone."""
    page = folder / "report.html"
    if not page.is_file():
        raise DataError(f"{page}: gone; the same `edgeproof compare` writes it again")
    return page.read_text(encoding="utf-8"), read_json(folder / "comparison.json")


def _market(folder: Path, workspace: Path | str | None, config: Path | str | None) -> Made:
    body = survey(folder, config=config, workspace=workspace)
    return market_page(body, folder.resolve().name), body


MARKS = {
    "run": "run.json",
    "search": "study.json",
    "campaign": "campaign.json",
    "sweep": "sweep.json",
    "comparison": "comparison.json",
    "market": "manifest.json",
}
MAKERS: dict[str, Callable[[Path], Made]] = {
    "search": _study,
    "campaign": _campaign,
    "sweep": _sweep,
    "comparison": _comparison,
}
