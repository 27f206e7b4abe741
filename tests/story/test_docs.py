"""The code blocks of README and docs run as they stand, page by page, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text(encoding="utf-8")) if page.is_file() else []


SLOW = ("avoid_backtest_pitfalls.md", "debug_training.md", "train_an_agent.md")  # three runs each, or an agent's
WITH_CODE = [
    pytest.param(page, id=str(page.relative_to(ROOT)), marks=[pytest.mark.slow] if page.name in SLOW else [])
    for page in PAGES
    if blocks(page)
]


@pytest.mark.parametrize("page", WITH_CODE)
def test_code_blocks_run(page: Path, tmp_path: Path):
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": paths, "EDGEPROOF_THREADS": "1"}
    for language, code in blocks(page):
        if language == "bash" and code.startswith(("make ", "git clone")):
            continue  # the two commands of the README are run by continuous integration itself
        command = ["bash", "-e", "-c", code] if language == "bash" else [sys.executable, "-W", "error", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{code}\n{done.stdout[-1500:]}\n{done.stderr[-1500:]}"


def test_pages_link_only_to_what_is_there():
    for page in PAGES:
        if not page.is_file():
            continue
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"
