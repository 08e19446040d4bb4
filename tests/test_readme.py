"""The README's code blocks run, and its table of decoders is the registry."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from credit_viz.decoding import DECODERS
from credit_viz.decoding.loop import Lane, denoise
from credit_viz.decoding.options import RunOptions
from credit_viz.models.loading import load_model
from credit_viz.trace.record import Reason

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "sh" and "credit-viz" in code]


def test_python_block_of_the_api_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(PYTHON[0], "README.md", "exec", dont_inherit=True), names)
    assert (tmp_path / "run.safetensors").is_file()
    assert len(names["frame"]) > 0  # type: ignore[arg-type]


def test_decoder_block_is_a_whole_decoder() -> None:
    names: dict[str, object] = {"__name__": __name__}  # dataclasses look their module up
    exec(compile(PYTHON[1], "README.md", "exec", dont_inherit=True), names)
    torch.set_num_threads(1)
    model = load_model(device="cpu")
    steady = names["Steady"]
    lane = Lane(model, [1, 2, 3], steady(), RunOptions(16, 8))  # type: ignore[operator]
    records = [record for _, record in denoise(model, [lane])]
    assert sorted(i for record in records for i in record.event_positions.tolist()) == list(range(16))
    for before, record in pairwise(records):
        led = dict(zip(before.positions.tolist(), before.winner_ids.tolist(), strict=True))
        for place, token, why in zip(record.event_positions, record.event_ids, record.event_reasons, strict=True):
            assert why == Reason.FORCED or led[place] == token


def test_shell_block_runs(tmp_path: Path) -> None:
    script = SHELL[0].replace("credit-viz", f"{sys.executable} -m credit_viz.cli")
    done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in tmp_path.iterdir()} == {
        "run-vanilla.safetensors",
        "run-credit.safetensors",
        "run.csv",
        "run.html",
    }


def test_table_of_decoders_is_the_registry() -> None:
    section = README.split("## Decoders")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([\w-]+)` \|", section, flags=re.MULTILINE) == list(DECODERS)


def test_every_room_is_in_the_table() -> None:
    package = Path(__file__).parents[1] / "credit_viz"
    rooms = {f"credit_viz/{p.name}/" for p in package.iterdir() if (p / "__init__.py").is_file()}
    assert rooms <= set(re.findall(r"^\| `(credit_viz/[\w./]+)` \|", README, flags=re.MULTILINE))


def test_linked_files_exist() -> None:
    root = Path(__file__).parents[1]
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (root / target).exists(), target
