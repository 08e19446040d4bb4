"""The sentence of a sweep: the setting it names is the one that a search by hand finds, with its numbers."""

from __future__ import annotations

import numpy as np
import pytest

from credit_viz import lab
from credit_viz.figures.sweeps.answer import answer
from credit_viz.lab.columns import KINDS
from credit_viz.lab.result import tidy
from tests.lab.made import MODEL, made_plan, made_result

ARMS = (lab.Arm("vanilla"), lab.Arm("threshold", {"threshold": (0.5, 0.6, 0.7)}))


def told(passes: dict[str, list[int]], right: dict[str, list[int]], arms: tuple[lab.Arm, ...] = ARMS) -> str:
    """The answer to a sweep with these numbers by prompt."""
    chosen = tuple(arm for arm in arms if arm.decoder in {name.split()[0] for name in passes})
    count = len(next(iter(passes.values())))
    prompts = tuple(lab.Prompt(f"p{n}", f"text {n}", "right") for n in range(count))
    plan = lab.Plan(chosen, prompts, options={"gen_length": 64, "block_length": 64})
    names = plan.names()
    rows = {}
    for run in plan.runs():
        name, prompt = names[run.setting.content], int(run.prompt.id[1:])
        row = dict.fromkeys(KINDS, 0) | {"failed": None, "log_likelihood": None, "text": "t", "content_ids": [1]}
        numbers = {"forward_passes": passes[name][prompt], "exact_match": right[name][prompt]}
        rows[run.key(MODEL, 1)] = row | numbers
    return answer(lab.SweepResult({"plan": plan.to_json(), "model": MODEL}, tidy(plan, MODEL, rows)))


def test_the_fewest_passes_without_a_loss() -> None:
    said = told(
        {
            "vanilla": [64] * 4,
            "threshold threshold=0.5": [4] * 4,
            "threshold threshold=0.6": [8, 8, 8, 8],
            "threshold threshold=0.7": [16] * 4,
        },
        {
            "vanilla": [1, 1, 1, 0],
            "threshold threshold=0.5": [0, 1, 1, 0],
            "threshold threshold=0.6": [1, 1, 0, 1],
            "threshold threshold=0.7": [1] * 4,
        },
    )
    assert said.startswith(
        "Fewest forward passes without a loss: threshold threshold=0.6 with 8.00 [8.00, 8.00] per prompt, 8.0 times "
        "fewer than the 64 of vanilla with one token per pass; exact match 75 % ["
    )
    assert ", 0 points [" in said
    assert said.endswith(
        "Measured on 4 prompts with made up, and chosen among 4 settings on these same prompts: measure it again on "
        "others."
    )


def test_what_the_threshold_does_alone_is_told_beside_credit() -> None:
    right = {"vanilla": [1, 1], "credit": [1, 1], "threshold threshold=0.5": [0, 1], "threshold threshold=0.6": [1, 1]}
    passes = {name: [8, 9] for name in right} | {"vanilla": [64] * 2, "threshold threshold=0.6": [10, 10]}
    arms = (lab.Arm("vanilla"), lab.Arm("credit"), lab.Arm("threshold", {"threshold": (0.5, 0.6)}))
    said = told(passes, right, arms)
    assert said.startswith("Fewest forward passes without a loss: credit with 8.50 [8.00, 9.00] per prompt")
    assert (
        "Without credit, threshold threshold=0.6 does so with 10.0 [10.0, 10.0], +1.50 [+1.00, +2.00] passes." in said
    )
    said = told(passes, right | {"threshold threshold=0.6": [0, 1]}, arms)
    assert "No setting of the plain threshold does so." in said


def test_where_every_shortcut_costs_something_the_closest_is_named() -> None:
    said = told(
        {
            "vanilla": [64] * 4,
            "threshold threshold=0.5": [4] * 4,
            "threshold threshold=0.6": [8] * 4,
            "threshold threshold=0.7": [16] * 4,
        },
        {
            "vanilla": [1] * 4,
            "threshold threshold=0.5": [0, 0, 1, 0],
            "threshold threshold=0.6": [1, 0, 0, 1],
            "threshold threshold=0.7": [1, 1, 0, 1],
        },
    )
    assert said.startswith(
        "No setting needs fewer forward passes than vanilla with one token per pass (64.0 [64.0, 64.0] per prompt, "
        "100 % [100, 100])"
    )
    assert "Closest with fewer: threshold threshold=0.7 with 16.0" in said
    assert "−25 points [−75, 0] against it" in said


STEPS = (lab.Arm("vanilla", {"steps": (None, 48, 32)}), lab.Arm("threshold", {"threshold": (0.5,)}))


def test_vanilla_with_fewer_steps_is_a_setting_as_any_other() -> None:
    passes = {"vanilla steps=unset": [64] * 2, "vanilla steps=48": [48] * 2, "vanilla steps=32": [32] * 2}
    passes |= {"threshold threshold=0.5": [8] * 2}
    right = {name: [1, 0] for name in passes} | {"vanilla steps=48": [1, 1]}
    said = told(passes, right, STEPS)
    assert "8.0 times fewer than the 64 of vanilla with one token per pass; exact match 50 %" in said
    said = told(passes, right | {"threshold threshold=0.5": [0, 0]}, STEPS)
    assert said.startswith(
        "Fewest forward passes without a loss: vanilla steps=32 with 32.0 [32.0, 32.0] per prompt, 2.0"
    )


def test_where_vanilla_never_takes_one_token_per_pass_it_is_called_by_its_steps() -> None:
    arms = (lab.Arm("vanilla", {"steps": (48, 32)}), lab.Arm("threshold", {"threshold": (0.5,)}))
    passes = {"vanilla steps=48": [48] * 2, "vanilla steps=32": [32] * 2, "threshold threshold=0.5": [8] * 2}
    said = told(passes, {name: [1, 1] for name in passes}, arms)
    assert "4.0 times fewer than the 32 of vanilla steps=32; " in said


def test_of_vanilla_in_blocks_that_are_as_good_the_longest_counts() -> None:
    arms = (lab.Arm("vanilla"), lab.Arm("threshold", {"threshold": (0.5,)}))
    result = made_result(made_plan(arms=arms, options={"gen_length": 8, "block_length": (2, 4, 8)}))
    vanilla = result.frame["decoder"] == "vanilla"
    result.frame.loc[vanilla, ["forward_passes", "exact_match"]] = [8, 1]
    assert "than the 8 of vanilla with one token per pass, block length 8; " in answer(result)


def test_without_vanilla_the_best_is_what_counts() -> None:
    said = told(
        {"threshold threshold=0.5": [4] * 2, "threshold threshold=0.6": [8] * 2, "threshold threshold=0.7": [16] * 2},
        {"threshold threshold=0.5": [1, 0], "threshold threshold=0.6": [1, 1], "threshold threshold=0.7": [1, 1]},
    )
    assert said.startswith("No setting needs fewer forward passes than threshold threshold=0.6 (8.00")


def test_one_setting_makes_no_choice() -> None:
    said = told({"vanilla": [64] * 2}, {"vanilla": [1, 0]})
    assert "Closest" not in said
    assert said.endswith("Measured on 2 prompts with made up.")


@pytest.mark.parametrize("seed", range(4))
def test_random_sweeps_against_a_search_by_hand(seed: int) -> None:
    arms = (lab.Arm("vanilla", {"steps": (None, 4)}), *made_plan().arms[1:])
    result = made_result(made_plan(arms=arms), seed=seed)
    means = result.frame.groupby(["number", "setting", "decoder", "block_length", "prompt"])[
        ["forward_passes", "exact_match"]
    ].mean()
    table = means.groupby(level=[0, 1, 2, 3]).mean().astype(float).reset_index()
    whole = result.settings[result.settings["steps"].isna()]["number"]
    vanilla = table[(table["decoder"] == "vanilla") & table["number"].isin(whole)]
    reference = vanilla.sort_values(["exact_match", "forward_passes"], ascending=[False, True]).iloc[0]
    fewer = table[
        (table["forward_passes"] < reference["forward_passes"])
        & (table["exact_match"] > reference["exact_match"] - 1e-9)
    ]
    said = answer(result)
    if len(fewer):
        best = fewer.sort_values(["forward_passes", "exact_match"], ascending=[True, False]).iloc[0]
        assert f"without a loss: {best['setting']}, block length {best['block_length']} with " in said
        assert np.isclose(float(said.split(" with ")[1].split(" ")[0]), best["forward_passes"], rtol=0.01)
    else:
        assert said.startswith("No setting needs fewer")


def test_without_a_quality_only_passes_are_told() -> None:
    plan = made_plan(prompts=("one", "two"), compare="never")
    said = answer(made_result(plan))
    assert said.startswith("Fewest forward passes: ")
    assert "Nothing says how good its texts are. Measured on 2 prompts" in said
    assert answer(made_result(plan, fail=1.0)) == "No run has a result yet."
