"""The run on real input: 24 crypto pairs and their delisted companions, decisions every six hours, seal left closed.

Run: make bench NAME=real_core24 ARGS="--out FOLDER"        (needs ../shared/data; skips where it is not there)
It prints the figures of verdict.json as they come out, whatever they say.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

from edgeproof.core.device import prepare_environment

prepare_environment()

from edgeproof.data.intake import import_market
from edgeproof.data.store import open_market
from edgeproof.recipe.run import run
from edgeproof.recipe.templates import template_body

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES = ("crypto_spot_1h_core24.parquet", "crypto_spot_1h_delisted_events.parquet")
OVERRIDES = ("decide_every=6", "label.horizon_bars=6")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--files", nargs="*", default=list(FILES))
    parser.add_argument("overrides", nargs="*")
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"skipped: no real market data at {SHARED}")
        return
    out = options.out or Path(tempfile.mkdtemp())
    started = time.perf_counter()
    market = out / "markets" / "real"
    if not market.exists():
        source = out / "source"
        source.mkdir(parents=True, exist_ok=True)
        for name in options.files:
            if not (source / name).exists():
                (source / name).symlink_to(SHARED / name)
        import_market(source, market, universe="survivors", drop_last=True)
    imported = time.perf_counter()
    name = "-".join(["logistic", *options.overrides]).replace("=", "_")
    done = run(
        template_body("logistic_baseline"),
        open_market(market),
        out=out / "runs" / name,
        overrides=[*OVERRIDES, *options.overrides],
    )
    figures = done.verdict
    print(
        json.dumps(
            {
                "name": "real_core24",
                "verdict": figures["verdict"],
                "span": figures["span"],
                "net": figures["net"],
                "gross_sharpe": figures["gross"]["sharpe"],
                "trials": figures["trials"],
                "detection_limit": figures["detection_limit"],
                "failed": [reason["text"] for reason in figures["reasons"] if reason["passed"] is False],
                "import_seconds": round(imported - started, 1),
                "run_seconds": round(time.perf_counter() - imported, 1),
                "machine": platform.machine(),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
