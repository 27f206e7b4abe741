"""Only the verdict can open the sealed span: nobody else imports the vault or makes an opened token."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "edgeproof"


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("edgeproof."):
            found.add(node.value)  # importlib.import_module("edgeproof....")
    return found


def test_only_the_verdict_imports_the_vault():
    importers = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if any(name.startswith("edgeproof.ledger.vault") for name in imported(path))
    }
    assert importers <= {"verdict"}


def test_only_the_vault_sets_an_opening():
    for path in SOURCE.rglob("*.py"):
        if path == SOURCE / "ledger" / "vault.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("Span", "replace"):
                assert all(word.arg != "opening" for word in node.keywords), path


def test_the_ledger_writes_openings_in_the_vault_alone():
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path != SOURCE / "ledger" / "vault.py":
            assert '("opening",' not in text, path
