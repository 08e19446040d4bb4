"""Training: it learns, it resumes exactly, and what it writes is the published layout."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from credit_viz.tiny.data import CANVAS_LIMIT, Batch, CopyDrill, pool_batches
from credit_viz.tiny.objective import hide, masked_loss
from credit_viz.tiny.tasks import TASKS
from credit_viz.tiny.tokenizer import build_tokenizer
from credit_viz.tiny.train import Recipe, Trainer, main, rate_factor

SMALL = Recipe(
    steps=60,
    d_model=48,
    n_layers=2,
    n_heads=2,
    mlp=96,
    tokens_per_batch=768,
    warm_up_steps=5,
    drill_share=0.1,
    adam_rate=4e-3,
    bfloat16=False,
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build_tokenizer()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def trainer(tokenizer: Tokenizer, out: Path, recipe: Recipe = SMALL) -> tuple[Trainer, list[str]]:
    lines: list[str] = []
    return Trainer(recipe, tokenizer, out, lines.append), lines


def test_learns_and_reports(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run, lines = trainer(tokenizer, tmp_path)
    run.run(SMALL.steps, line_every=10)
    history = run.progress.history
    assert history[-1][3] < 0.6 * history[0][3]
    assert any("drill ends at step 6" in line for line in lines)
    assert f"step 60/60 {run.progress.tokens / 1e6:.2f}M tokens" in lines[-1]
    assert all(family in lines[-1] for family in TASKS)
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["steps"] == 60
    assert record["tokens"] == run.progress.tokens > 0
    assert len(record["history"]) == 6


def test_resume_equals_an_uninterrupted_run(tokenizer: Tokenizer, tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, steps=14)
    whole, _ = trainer(tokenizer, tmp_path / "whole", recipe)
    whole.run(14)
    # Stopped twice: once in the drill, once in the tasks (the drill ends after two steps).
    for until in (1, 8, 14):
        part, _ = trainer(tokenizer, tmp_path / "parts", recipe)
        if until > 1:
            part.resume()
        part.run(until)
    one, other = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "parts"))
    assert one.keys() == other.keys()
    for key in one:
        assert torch.equal(one[key], other[key]), key
    assert part.progress.tokens == whole.progress.tokens


def test_writes_the_published_layout(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run, _ = trainer(tokenizer, tmp_path, dataclasses.replace(SMALL, steps=2))
    run.run(2)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["model_type"] == "llada"
    assert config["architectures"] == ["LLaDAModelLM"]
    assert "auto_map" not in config
    assert config["mask_token_id"] == tokenizer.token_to_id("<|mdm_mask|>")
    weights = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.bfloat16}
    assert weights["model.transformer.wte.weight"].shape == (tokenizer.get_vocab_size(), SMALL.d_model)
    assert "model.transformer.blocks.1.ff_proj.weight" in weights


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[int, bool]] = []
    monkeypatch.setattr(Trainer, "run", lambda self, until: steps.append((until, self.recipe.bfloat16)))
    monkeypatch.setattr(Trainer, "resume", lambda _: steps.append((0, True)))
    main(["--out", str(tmp_path), "--steps", "7", "--resume", "--float32"])
    assert steps == [(0, True), (7, False)]


def test_schedule() -> None:
    recipe = Recipe(steps=1000, warm_up_steps=100, constant_share=0.4)
    assert rate_factor(0, recipe) == pytest.approx(0.01)
    assert rate_factor(99, recipe) == rate_factor(399, recipe) == 1.0
    assert rate_factor(700, recipe) == pytest.approx(0.5)
    assert rate_factor(999, recipe) == pytest.approx(0.01)


def test_pools_depend_on_seed_and_number_alone(tokenizer: Tokenizer) -> None:
    first, again = (pool_batches(tokenizer, 3, 1, 2048) for _ in range(2))
    assert all(torch.equal(a.ids, b.ids) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].ids, pool_batches(tokenizer, 3, 2, 2048)[0].ids)
    assert all(batch.ids.numel() <= 2048 for batch in first)
    longest = max(int((batch.ids.shape[1] - batch.response_start).max()) for batch in first)
    assert longest <= CANVAS_LIMIT + 10
    families = torch.cat([batch.family for batch in first]).bincount(minlength=len(TASKS))
    for share, task in zip((families / families.sum()).tolist(), TASKS.values(), strict=True):
        assert share == pytest.approx(task.weight, abs=0.06)


def test_drill_grows_while_it_is_easy(tokenizer: Tokenizer) -> None:
    drill = CopyDrill(tokenizer, 256)
    drill.learned(5.0)
    assert drill.words_now == CopyDrill.START
    for _ in range(200):
        drill.learned(0.1)
    assert drill.done
    batch = drill.batch(torch.Generator().manual_seed(0))
    row, start = batch.ids[0].tolist(), int(batch.response_start[0])
    said = row[start:-1]
    assert row[start - 1 - len(said) : start - 1] == said


def test_hides_answers_only(tokenizer: Tokenizer) -> None:
    batch = pool_batches(tokenizer, 0, 0, 2048)[0]
    hidden, t = hide(batch, torch.Generator().manual_seed(0))
    prompt = torch.arange(batch.ids.shape[1])[None] < batch.response_start[:, None]
    assert not (hidden & prompt).any()
    assert hidden.any()
    rows = len(t)
    assert torch.equal((t.sort(dim=0).values[:, 0] * rows).floor(), torch.arange(rows).float()) or rows < 2


def test_loss_per_family_is_a_split_of_the_words(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run, _ = trainer(tokenizer, tmp_path)
    batch = pool_batches(tokenizer, 0, 0, 2048)[0]
    loss = masked_loss(
        run.model,
        batch,
        torch.Generator().manual_seed(0),
        mask_id=2,
        end_id=1,
        families=len(TASKS),
        bfloat16=True,
    )
    present = set(batch.family.tolist())
    assert all((float(loss.family_count[index]) > 0) == (index in present) for index in range(len(TASKS)))
    assert torch.isfinite(loss.total)


def test_batch_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"need \(2,\) starts"):
        Batch(torch.zeros(2, 3, dtype=torch.int64), torch.zeros(1), torch.zeros(2))
