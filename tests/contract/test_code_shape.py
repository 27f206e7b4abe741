"""The shape of the code that DESIGN asks for: small modules, small functions, a declared surface, no print."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "edgeproof"
MODULES = sorted(SOURCE.rglob("*.py"))
EMPTY_NAMES = {"utils", "helpers", "common", "base", "manager", "misc"}
IDS = [str(path.relative_to(SOURCE)) for path in MODULES]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_module_is_small_named_and_says_what_it_is(path: Path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400, f"{lines} lines"
    assert path.stem not in EMPTY_NAMES
    claim = (ast.get_docstring(tree_of(path)) or "").splitlines()
    assert claim, "no docstring"
    assert len(claim[0]) > 20, f"first line says too little: {claim[0]!r}"


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_functions_are_small(path: Path):
    for node in functions(tree_of(path)):
        assert node.end_lineno is not None
        length = node.end_lineno - node.lineno + 1
        assert length <= 60, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=IDS)
def test_public_names_are_declared_and_nothing_prints(path: Path):
    tree = tree_of(path)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "print" not in called
    public = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    if not public:
        return
    declared = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    assert declared, "no __all__"
    names = set(ast.literal_eval(declared[0]))
    assert public <= names, f"public but not in __all__: {sorted(public - names)}"


def test_nothing_unpickles_and_nothing_fills_backward():
    for path in MODULES:
        tree = tree_of(path)
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not imported & {"pickle", "cloudpickle", "dill", "shelve"}, path
        assert not attributes & {"bfill", "backfill", "backward_fill"}, path


def test_only_the_vault_marks_a_span_as_opened():
    for path in MODULES:
        for node in ast.walk(tree_of(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Span"):
                continue
            opens = len(node.args) > 3 or any(word.arg == "opening" for word in node.keywords)
            assert not opens or path.name == "vault.py", path


def test_package_surface_is_short():
    assert (SOURCE / "__init__.py").read_text(encoding="utf-8").count("\n") < 60
