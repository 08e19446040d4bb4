"""The import rules of the rooms, read from the syntax trees: what each may know of the others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "credit_viz"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = [str(file.relative_to(ROOT)) for file in FILES]


def imported(file: Path) -> set[str]:
    """Full names of everything a file imports, also inside functions, by name, and for type checkers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = list(file.relative_to(ROOT).with_suffix("").parts)[: -node.level]
                base = ".".join([*package, *([node.module] if node.module else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found |= {part.value for part in node.args if isinstance(part, ast.Constant)}
    return found


def uses(file: Path, *modules: str) -> set[str]:
    """Which of the modules a file imports, themselves or parts of them."""
    return {
        module for module in modules if any(name == module or name.startswith(module + ".") for name in imported(file))
    }


def room(*names: str) -> list[Path]:
    """Files of rooms (folders or single modules) of the package."""
    return [
        file
        for file in FILES
        if file.relative_to(PACKAGE).parts[0] in names or file.relative_to(PACKAGE).with_suffix("").as_posix() in names
    ]


def only_in(module: str, *rooms: str) -> list[str]:
    """Files outside the rooms that import the module."""
    allowed = room(*rooms)
    return [str(file.relative_to(ROOT)) for file in FILES if file not in allowed and uses(file, module)]


def violations(rooms: tuple[str, ...], *forbidden: str) -> dict[str, set[str]]:
    """What the files of the rooms import although they must not."""
    found = {str(file.relative_to(ROOT)): uses(file, *forbidden) for file in room(*rooms)}
    return {file: names for file, names in found.items() if names}


def test_the_rules_see_imports() -> None:
    assert uses(PACKAGE / "models" / "network.py", "transformers") == {"transformers"}
    assert uses(PACKAGE / "decoding" / "loop.py", "torch", "credit_viz.trace") == {"torch", "credit_viz.trace"}
    assert uses(PACKAGE / "lab" / "tuning.py", "optuna") == {"optuna"}, "by name"
    assert uses(PACKAGE / "lab" / "relay.py", "ray") == {"ray"}, "by name"
    assert room("decoding")
    assert room("run")


def test_transformers_only_in_models() -> None:
    assert only_in("transformers", "models") == []


def test_plotly_only_in_figures() -> None:
    assert only_in("plotly", "figures") == []


def test_gradio_only_in_web() -> None:
    assert only_in("gradio", "web") == []


def test_the_harness_only_in_evaluation() -> None:
    assert only_in("lm_eval", "evaluation") == []
    assert only_in("datasets", "evaluation") == []


def test_optuna_only_in_the_lab_and_its_figures() -> None:
    assert only_in("optuna", "lab", "figures/sweeps/studies") == []


def test_ray_only_in_the_relay_of_the_lab() -> None:
    assert only_in("ray", "lab/relay") == []


def test_playwright_only_in_the_bench_of_the_page() -> None:
    assert only_in("playwright", "bench/page/browser") == []


def test_evaluation_knows_no_page_and_no_shell() -> None:
    above = ("backend", "figures", "web", "cli", "lab", "bench")
    assert violations(("evaluation",), *(f"credit_viz.{name}" for name in above), "click", "rich") == {}


def test_the_lab_knows_no_page_no_shell_and_no_plots() -> None:
    above = ("backend", "web", "cli", "figures", "bench")
    assert violations(("lab",), *(f"credit_viz.{n}" for n in above), "click", "rich") == {}


def test_the_study_knows_no_page_and_no_shell_and_nothing_knows_it() -> None:
    above = ("backend", "web", "cli", "whatif")
    assert violations(("study",), *(f"credit_viz.{name}" for name in above), "click", "rich", "torch") == {}
    assert only_in("credit_viz.study", "study") == []


def test_what_if_knows_decoders_and_traces_only() -> None:
    above = ("models", "backend", "web", "cli", "figures", "run", "tiny", "evaluation", "lab", "bench", "prompt")
    assert violations(("whatif",), *(f"credit_viz.{name}" for name in above), "click", "rich") == {}
    assert violations(("decoding", "trace", "models", "run", "backend", "figures", "lab"), "credit_viz.whatif") == {}


def test_decoding_knows_no_models_and_no_plots() -> None:
    above = ("models", "backend", "web", "cli", "figures", "run", "tiny", "evaluation", "lab", "bench")
    assert violations(("decoding",), *(f"credit_viz.{name}" for name in above)) == {}


def test_traces_and_figures_know_no_torch_and_no_models() -> None:
    assert violations(("trace", "figures"), "torch", "transformers", "credit_viz.models", "credit_viz.decoding") == {}


def test_traces_know_nothing_above_them() -> None:
    above = ("figures", "backend", "web", "cli", "run", "tiny", "evaluation", "lab", "bench")
    assert violations(("trace",), *(f"credit_viz.{name}" for name in above)) == {}


def test_the_gallery_knows_traces_only() -> None:
    above = ("models", "decoding", "figures", "backend", "web", "cli", "run", "tiny", "evaluation", "lab", "bench")
    assert violations(("gallery",), "torch", "transformers", *(f"credit_viz.{name}" for name in above)) == {}


def test_models_know_no_decoding_and_no_traces() -> None:
    assert (
        violations(("models",), *(f"credit_viz.{name}" for name in ("decoding", "trace", "run", "backend", "web")))
        == {}
    )


def test_the_notation_of_gaps_knows_no_models() -> None:
    (file,) = room("prompt")
    assert uses(file, "credit_viz", "torch", "transformers") == {"credit_viz"}
    assert violations(("prompt",), "credit_viz.models", "credit_viz.run", "credit_viz.decoding") == {}


def test_the_rule_of_the_front_knows_numbers_only() -> None:
    (file,) = room("pareto")
    assert not uses(file, "credit_viz", "torch", "pandas", "plotly")


def test_errors_know_nothing() -> None:
    (file,) = room("errors")
    assert not uses(file, "credit_viz", "torch", "numpy")


def test_nothing_below_knows_the_page_or_the_shell() -> None:
    below = ("errors", "decoding", "trace", "models", "figures", "backend", "run", "tiny", "evaluation", "lab", "bench")
    found = violations(below, "credit_viz.web", "credit_viz.cli")
    # the bench of the page, and nothing else of the bench, serves it
    assert {file for file in found if not file.startswith("credit_viz/bench/page/")} == set()


def test_the_front_ends_reach_models_through_the_backend() -> None:
    assert violations(("web",), "torch", "credit_viz.models.families") == {}


@pytest.mark.parametrize("module", ["pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"])
def test_no_pickle_anywhere(module: str) -> None:
    assert [name for name, file in zip(NAMES, FILES, strict=True) if uses(file, module)] == []


def test_no_pickled_tensors_and_no_remote_code() -> None:
    """`torch.load`, `torch.save` and `np.load(allow_pickle=True)` are pickle by another name."""
    bad = []
    for name, file in zip(NAMES, FILES, strict=True):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                on = {k.arg for k in node.keywords if isinstance(k.value, ast.Constant) and k.value.value is True}
                if called in ("torch.load", "torch.save") or on & {"allow_pickle", "trust_remote_code"}:
                    bad.append(f"{name}:{node.lineno} {called}")
    assert bad == []


def test_the_global_random_state_is_not_used_by_decoding() -> None:
    forbidden = ("torch.manual_seed", "np.random", "random.random")
    bad = [
        f"{file.name}:{node.lineno}"
        for file in room("decoding", "trace", "backend", "run")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in forbidden
    ]
    assert bad == []


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_every_module_says_what_it_is(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module opens by saying what it is"


@pytest.mark.parametrize("file", FILES, ids=NAMES)
def test_no_work_at_import(file: Path) -> None:
    """A module level holds definitions and constants: no loops, no bare calls."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.For, ast.While, ast.With)):
            pytest.fail(f"line {node.lineno}: work at import")
        if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
            pytest.fail(f"line {node.lineno}: work at import")
