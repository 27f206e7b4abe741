"""The demo: one config, one number of trials, two markets; the planted edge is found and the noise is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.core.errors import DataError
from edgeproof.core.files import write_json, write_text
from edgeproof.data.store import Market, open_market
from edgeproof.data.synthetic import make_market
from edgeproof.recipe.config import RunConfig, load_run_config
from edgeproof.recipe.run import Run, run, to_terminal
from edgeproof.recipe.templates import template_body
from edgeproof.report.demo import demo_page

__all__ = ["DEMO_BARS", "DEMO_STRENGTH", "DEMO_SYMBOLS", "Demo", "run_demo", "told_apart"]

DEMO_SYMBOLS, DEMO_BARS, DEMO_STRENGTH = 8, 20_000, 0.10


@dataclass(frozen=True)
class Demo:
    """Both verdicts (as in verdict.json) and the page that shows them side by side."""

    planted: dict[str, Any]
    noise: dict[str, Any]
    report: Path

    def to_json(self) -> dict[str, Any]:
        """What `demo --json` prints."""
        return {"planted": self.planted, "noise": self.noise, "report": str(self.report)}


def told_apart(demo: Demo) -> bool:
    """The planted edge was found and the noise market was not called an edge."""
    return demo.planted["verdict"] == "edge" and demo.noise["verdict"] != "edge"


def run_demo(out: Path, *, seed: int = 7, write: Callable[[str], None] = to_terminal) -> Demo:
    """Make both markets, run the same config on both, open both seals, write one page.

    A folder that holds a finished demo is read again; an interrupted one goes on.

    Raises:
        DataError: `out` holds something else, or a demo of another seed.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / ".edgeproof").is_dir())):
        raise DataError(f"{out}: already there and not a demo's folder; choose another --out")
    (out / ".edgeproof").mkdir(parents=True, exist_ok=True)
    config = load_run_config(template_body("logistic_baseline"))
    if (out / "demo.json").is_file():
        write("finished before: the runs that stand there are judged again; remove the folder to train anew\n")
    planted = _run_one(out, config, name="planted", kind="linear", seed=seed, write=write)
    noise = _run_one(out, config, name="noise", kind="noise", seed=seed + 1_000_000, write=write)
    report = out / "report.html"
    demo = Demo(planted.verdict, noise.verdict, report)
    write_text(report, demo_page(planted.data("Planted edge"), noise.data("Pure noise")))
    write_json(out / "demo.json", demo.to_json())
    return demo


def _run_one(out: Path, config: RunConfig, *, name: str, kind: str, seed: int, write: Callable[[str], None]) -> Run:
    write(f"{name}: {DEMO_SYMBOLS} symbols x {DEMO_BARS:,} hourly bars, kind {kind}, seed {seed}\n")
    market = _market(out / "markets" / name, kind, seed)
    return run(config, market, out=out / "runs" / name, workspace=out, open_sealed=True, write=write)


def _market(path: Path, kind: str, seed: int) -> Market:
    if not path.exists():
        return make_market(kind, path, symbols=DEMO_SYMBOLS, bars=DEMO_BARS, seed=seed, strength=DEMO_STRENGTH)
    market = open_market(path)
    if (market.manifest.kind, market.manifest.truth.get("seed")) != (kind, seed):
        raise DataError(f"{path}: holds a demo market of another seed; choose another --out")
    return market
