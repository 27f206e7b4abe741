"""Where a run was made: machine, packages and the state of the user's own repository; no variables, no home folders."""

import os
import platform
import subprocess
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import torch

__all__ = ["environment", "repository"]

LONGEST_DIFF = 1_000_000  # bytes
# Files that often hold secrets are named in the status and their content stays out of the difference.
KEPT_OUT = (
    "*.env*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*id_rsa*",
    "*id_ed25519*",
    "*secret*",
    "*credential*",
    "*token*",
)
PATIENCE_S = 20


def environment() -> dict[str, Any]:
    """Python, packages, CUDA and processor."""
    packages = {name: part.version for part in distributions() if (name := part.metadata["Name"])}
    cuda = torch.version.cuda
    return {
        "edgeproof": version("edgeproof"),
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cuda": cuda,
        "gpus": [torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())] if cuda else [],
        "packages": dict(sorted(packages.items(), key=lambda pair: pair[0].lower())),
    }


def repository(place: Path) -> tuple[dict[str, Any], str]:
    """Commit, branch and uncommitted changes of the Git repository around a folder; empty where there is none.

    Args:
        place: a folder, such as that of the config.

    Returns:
        `{commit, branch, dirty, changed, diff_bytes, cut}` and the difference to the last commit as text, cut at a
        megabyte and without files whose names speak of secrets.
    """
    commit = _git(place, "rev-parse", "HEAD")
    if commit is None:
        return {}, ""
    branch = _git(place, "rev-parse", "--abbrev-ref", "HEAD") or ""
    changed = (_git(place, "status", "--porcelain", "--untracked-files=normal") or "").splitlines()
    top = _git(place, "rev-parse", "--show-toplevel") or str(place)
    left_out = [f":(exclude,icase,top){pattern}" for pattern in KEPT_OUT]
    whole = _git(Path(top), "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--", ".", *left_out) or ""
    data = whole.encode()
    facts = {
        "commit": commit.strip(),
        "branch": branch.strip(),
        "dirty": bool(changed),
        "changed": [line.strip() for line in changed[:200]],
        "diff_bytes": len(data),
        "cut": len(data) > LONGEST_DIFF,
    }
    return facts, data[:LONGEST_DIFF].decode(errors="ignore")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="ignore").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _git(place: Path, *words: str) -> str | None:
    """What Git answers; None without Git, without a repository, or where it takes too long."""
    # a repository decides neither what runs here (fsmonitor) nor that anything is written (index refresh)
    command = ["git", "-C", str(place), "--no-optional-locks", "-c", "core.fsmonitor=false", *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip("\n") if done.returncode == 0 else None
