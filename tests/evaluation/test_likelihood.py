"""The likelihood bound against its definition, written out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pytest
import torch

from credit_viz.errors import PromptError
from credit_viz.evaluation.likelihood import log_likelihood
from credit_viz.models.base import DiffusionLM

PROMPT = (3, 4, 5)


def by_definition(model: DiffusionLM, target: Sequence[int]) -> float:
    """LLaDA's equation 6: the mean over sizes of the mean over sets of L / size * sum of log p."""
    length = len(target)
    means = []
    for size in range(1, length + 1):
        sums = []
        for chosen in combinations(range(length), size):
            shown = [model.mask_id if i in chosen else token for i, token in enumerate(target)]
            logits = model.token_logits(torch.tensor([[*PROMPT, *shown]]))[0, len(PROMPT) :].double()
            log_p = logits.log_softmax(-1)
            sums.append(length / size * sum(float(log_p[i, target[i]]) for i in chosen))
        means.append(np.mean(sums))
    return float(np.mean(means))


@pytest.mark.parametrize("target", [(6,), (6, 7), (9, 2, 9), (5, 6, 7, 8)])
def test_short_continuations_are_exact(peaky: DiffusionLM, target: tuple[int, ...]) -> None:
    value, _ = log_likelihood(peaky, PROMPT, target)
    assert value == pytest.approx(by_definition(peaky, target), rel=1e-5)


def test_one_token_is_its_log_probability(peaky: DiffusionLM) -> None:
    logits = peaky.token_logits(torch.tensor([[*PROMPT, peaky.mask_id]]))[0, -1]
    value, greedy = log_likelihood(peaky, PROMPT, [6])
    assert value == pytest.approx(float(logits.log_softmax(-1)[6]), rel=1e-5)
    assert greedy == (int(logits.argmax()) == 6)
    assert log_likelihood(peaky, PROMPT, [int(logits.argmax())])[1]


def test_long_continuations_are_sampled(peaky: DiffusionLM) -> None:
    target = (5, 6, 7, 8, 9, 10, 11, 12)
    exact = by_definition(peaky, target)
    estimates = np.array([log_likelihood(peaky, PROMPT, target, seed)[0] for seed in range(12)])
    assert estimates[0] == log_likelihood(peaky, PROMPT, target, 0)[0]
    assert len(set(estimates.tolist())) > 1
    # the mean of unbiased estimates, within four of its standard errors
    assert abs(estimates.mean() - exact) < 4 * estimates.std(ddof=1) / np.sqrt(len(estimates))


def test_the_first_guess_of_a_blank_canvas(peaky: DiffusionLM) -> None:
    blank = torch.tensor([[*PROMPT, *[peaky.mask_id] * 8]])
    guess = peaky.token_logits(blank)[0, len(PROMPT) :].argmax(-1).tolist()
    assert log_likelihood(peaky, PROMPT, guess)[1]
    guess[3] = (guess[3] + 1) % peaky.token_limit
    assert not log_likelihood(peaky, PROMPT, guess)[1]


def test_nothing_to_score(peaky: DiffusionLM) -> None:
    with pytest.raises(PromptError, match="continuation"):
        log_likelihood(peaky, PROMPT, [])
