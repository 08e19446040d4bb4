"""The repository is a valid Hugging Face Space, and its requirements are the tested versions."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {package.lower().replace("_", "-"): version for package, version in pins}


def _front_matter() -> dict[str, str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    head = text.split("---\n")[1]
    return dict(re.findall(r"^(\w+): (.+)$", head, flags=re.MULTILINE))


def test_requirements_are_the_constraints() -> None:
    constraints = _pins("constraints.txt")
    assert {name: constraints.get(name) for name in _pins("requirements.txt")} == _pins("requirements.txt")


def test_requirements_cover_every_dependency_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=\[; ]", entry)[0].lower() for entry in project["dependencies"]}
    assert names == set(_pins("requirements.txt"))


def test_front_matter_names_the_app_and_the_tested_gradio() -> None:
    head = _front_matter()
    assert head["sdk"] == "gradio"
    assert head["sdk_version"] == _pins("constraints.txt")["gradio"]
    assert (ROOT / head["app_file"]).is_file()
    assert len(head["short_description"]) <= 60
    assert head["colorFrom"] in {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def test_app_file_is_thin() -> None:
    assert len((ROOT / "app.py").read_text(encoding="utf-8").splitlines()) <= 30
