"""The names other programs rely on, and that looking at them costs nothing."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import credit_viz
from credit_viz import errors
from credit_viz.errors import CreditVizError

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "credit_viz").rglob("*.py"))
MODULES = [".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in FILES]


def declared(file: Path) -> list[str] | None:
    """`__all__` as written, None where there is none."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


PUBLIC = [pytest.param(file, module, id=module) for file, module in zip(FILES, MODULES, strict=True) if declared(file)]


def test_the_promised_names() -> None:
    promised = {"load_model", "decode", "load_trace", "Trace", "DECODERS"}
    assert promised <= set(credit_viz.__all__)
    for name in credit_viz.__all__:
        assert getattr(credit_viz, name) is not None
    assert list(inspect.signature(credit_viz.load_model).parameters)[:1] == ["source"]
    assert {"device", "dtype"} <= set(inspect.signature(credit_viz.load_model).parameters)
    wanted = {"prompt", "prompt_ids", "decoder", "settings", "gen_length", "block_length"}
    assert wanted <= set(inspect.signature(credit_viz.decode).parameters)
    members = {"token_ids", "commit_step", "converge_step", "forward_passes", "text", "save", "to_frame"}
    assert members <= set(dir(credit_viz.Trace))


def test_all_of_them_can_be_listed_and_nothing_else() -> None:
    assert dir(credit_viz) == sorted(credit_viz.__all__)
    with pytest.raises(AttributeError, match="load_modle"):
        credit_viz.load_modle  # noqa: B018


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = (
        "import sys, credit_viz; dir(credit_viz); "
        "heavy = {'torch', 'transformers', 'numpy', 'pandas', 'gradio', 'plotly'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr


def test_traces_are_read_without_torch() -> None:
    code = "import sys, credit_viz; credit_viz.load_trace; credit_viz.Trace; assert 'torch' not in sys.modules"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=300
    )
    assert done.returncode == 0, done.stderr


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each by name: the order of ruff's RUF022."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize(("file", "module"), PUBLIC)
def test_all_is_sorted_and_real(file: Path, module: str) -> None:
    names = declared(file)
    assert names is not None
    # the names that other programs rely on are in plain order
    assert names == sorted(names, key=None if module == "credit_viz" else order)
    assert len(set(names)) == len(names)
    loaded = importlib.import_module(module)
    for name in names:
        getattr(loaded, name)


CORE = [
    pytest.param(file, id=module)
    for file, module in zip(FILES, MODULES, strict=True)
    if module.split(".")[1:2] and module.split(".")[1] in ("backend", "decoding", "errors", "models", "run", "trace")
]


def definitions(file: Path) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """Functions and classes at module level whose names do not hide."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return {node.name: node for node in nodes if not node.name.startswith("_")}


@pytest.mark.parametrize("file", CORE)
def test_core_modules_list_all_their_public_names(file: Path) -> None:
    assert set(definitions(file)) <= set(declared(file) or ())


@pytest.mark.parametrize("file", FILES, ids=MODULES)
def test_every_public_name_has_a_docstring(file: Path) -> None:
    listed = set(declared(file) or ())
    bare = [name for name, node in definitions(file).items() if name in listed and not ast.get_docstring(node)]
    assert bare == []


@pytest.mark.parametrize("file", CORE)
def test_every_public_method_has_a_docstring(file: Path) -> None:
    bare = []
    for name, node in definitions(file).items():
        for part in node.body if isinstance(node, ast.ClassDef) else []:
            if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                stub = ast.unparse(part.body[-1]) == "..."  # a member of a protocol, told by its name
                if not stub and not ast.get_docstring(part):
                    bare.append(f"{name}.{part.name}")
    assert bare == []


@pytest.mark.parametrize("file", FILES, ids=MODULES)
def test_everything_is_annotated(file: Path) -> None:
    bare = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            unknown = [a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")]
            if unknown or node.returns is None:
                bare.append(f"{node.name}:{node.lineno}")
    assert bare == []


def test_one_tree_of_errors() -> None:
    for name in errors.__all__:
        kind = getattr(errors, name)
        if inspect.isclass(kind):
            assert issubclass(kind, CreditVizError)
    for name in ("SettingsError", "PromptError", "TraceError"):
        assert issubclass(getattr(errors, name), ValueError)


def test_unknown_names_list_the_valid_ones_sorted() -> None:
    assert errors.one_of("fruit", "x", ["b", "a"]) == "unknown fruit 'x'; valid: a, b"
