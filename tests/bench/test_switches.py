"""Credit beside each switch: what is compared with what."""

from __future__ import annotations

from pathlib import Path

import pytest

from credit_viz.bench.switches import measure, section
from credit_viz.bench.table import to_text
from credit_viz.models.base import DiffusionLM
from credit_viz.models.loading import load_model

PROMPTS = ("hello", "what is it?")


def test_every_switch_of_the_model_is_measured(peaky: DiffusionLM, fixtures: Path) -> None:
    half = load_model(fixtures / "llada_peaky", device="cpu", dtype="bfloat16")
    costs = {cost.switch: cost for cost in measure(peaky, PROMPTS, 1, {"itself": peaky, "bfloat16": half})}
    assert list(costs) == ["early stop", "prefix cache", "dual cache", "needed rows", "itself", "bfloat16"]
    assert all(cost.time > 0 and cost.passes > 0 and 0 <= cost.equal <= 1 for cost in costs.values())
    for same in ("needed rows", "itself"):
        assert (costs[same].passes, costs[same].equal) == (1.0, 1.0)
    assert costs["dual cache"].equal < 1


def test_a_block_causal_model_has_another_cache(fixtures: Path) -> None:
    model = load_model(fixtures / "llada2", device="cpu", dtype="float32")
    costs = {cost.switch: cost for cost in measure(model, PROMPTS[:1], 1, {})}
    assert list(costs) == ["early stop", "block cache", "needed rows"]
    assert (costs["block cache"].passes, costs["block cache"].equal) == (1.0, 1.0)


@pytest.mark.parametrize("settings", [None, {"threshold": 0.5}])
def test_the_section_says_what_it_ran_on(peaky: DiffusionLM, settings: dict[str, float] | None) -> None:
    made = section(peaky, PROMPTS, 1, {}, settings)
    assert "llada_peaky" in made.title
    assert len(made.rows) == len(made.data) == 4
    assert "x passes" in to_text(made)
