"""Two-stage maxima, the shared normalizer and the entropy against plain torch in float64."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding.predictions import Predictions

LARGE = [16 * 512, 16 * 512 + 1, 20 * 512, 20 * 512 - 3, 33 * 512, 126_464]


def random_logits(rows: int, width: int, seed: int, ties: bool) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if ties:
        return torch.randint(-3, 4, (rows, width), generator=generator).float()
    return torch.randn(rows, width, generator=generator) * 4


@pytest.mark.parametrize("width", LARGE)
@pytest.mark.parametrize("ties", [False, True])
def test_top_is_the_first_maximum(width: int, ties: bool) -> None:
    logits = random_logits(3, width, width, ties)
    predictions = Predictions(logits, 0, width)
    for row, found in zip(logits, predictions.top_ids, strict=True):
        assert found == torch.nonzero(row == row.max())[0, 0]


@pytest.mark.parametrize("width", [7, 600, *LARGE])
@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_topk_are_the_largest_values_in_order(width: int, count: int) -> None:
    logits = random_logits(4, width, count, False)
    found = Predictions(logits, 0, width).topk(count)
    assert torch.equal(found, logits.topk(count, -1).indices)


@pytest.mark.parametrize("width", [16 * 512, 16 * 512 + 7])
@pytest.mark.parametrize("count", [1, 5, 16, 17, 40])
def test_topk_with_ties_has_the_largest_values_without_repetition(width: int, count: int) -> None:
    logits = random_logits(4, width, count, True)
    found = Predictions(logits, 0, width).topk(count)
    assert torch.equal(logits.gather(1, found), logits.topk(count, -1).values)
    assert all(len(set(row.tolist())) == count for row in found)


@given(st.integers(0, 10_000), st.integers(0, 16 * 512 - 1), st.integers(0, 16 * 512 - 1), st.integers(1, 17))
def test_topk_finds_peaks_wherever_they_are(seed: int, one: int, two: int, count: int) -> None:
    logits = random_logits(1, 16 * 512, seed, False)
    logits[0, one] += 50
    logits[0, two] += 40
    found = Predictions(logits, 0, 16 * 512).topk(count)
    assert torch.equal(found, logits.topk(count, -1).indices)


def test_topk_of_a_view_that_is_not_contiguous() -> None:
    logits = random_logits(16 * 512, 3, 0, False).T
    predictions = Predictions(logits, 0, 16 * 512)
    assert torch.equal(predictions.topk(4), logits.topk(4, -1).indices)
    assert torch.equal(predictions.top_ids, logits.argmax(-1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("width", [11, 16 * 512])
def test_normalizer_probability_and_entropy_agree_with_float64(dtype: torch.dtype, width: int) -> None:
    logits = random_logits(5, width, 3, False).to(dtype)
    predictions = Predictions(logits, 0, width, with_entropy=True)
    exact = torch.log_softmax(logits.double(), -1)
    tolerance = 1e-12 if dtype == torch.float64 else 3e-5
    wanted = torch.logsumexp(logits.double(), -1)
    torch.testing.assert_close(predictions.log_normalizer.double(), wanted, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(predictions.top_p.double(), exact.max(-1).values.exp(), rtol=tolerance, atol=0)
    entropy = -(exact.exp() * exact).sum(-1)
    torch.testing.assert_close(predictions.entropy.double(), entropy, rtol=tolerance, atol=tolerance)
    ids = predictions.topk(3)
    p = exact.gather(1, ids).exp()
    torch.testing.assert_close(predictions.probability(ids).double(), p, rtol=tolerance, atol=0)


@pytest.mark.parametrize("with_entropy", [True, False])
def test_impossible_tokens_have_no_probability_and_no_entropy(with_entropy: bool) -> None:
    logits = torch.full((2, 6), -math.inf)
    logits[:, 2], logits[1, 4] = 3.0, 3.0
    predictions = Predictions(logits, 5, 6, with_entropy)
    torch.testing.assert_close(predictions.entropy, torch.tensor([0.0, math.log(2)]))
    assert predictions.probability(torch.tensor([[0], [0]])).tolist() == [[0.0], [0.0]]
    torch.testing.assert_close(predictions.top_p, torch.tensor([1.0, 0.5]))


@pytest.mark.parametrize("width", [11, 16 * 512])
@pytest.mark.parametrize("with_entropy", [True, False])
def test_rows_equal_a_fresh_reading(width: int, with_entropy: bool) -> None:
    logits = random_logits(9, width, 1, False)
    part = Predictions(logits, 1, width - 2, with_entropy).rows(2, 6)
    fresh = Predictions(logits[2:6].clone(), 1, width - 2, True)
    assert (part.mask_id, part.token_limit) == (fresh.mask_id, fresh.token_limit)
    for name in ("logits", "top_ids", "top_p", "log_normalizer"):
        assert torch.equal(getattr(part, name), getattr(fresh, name)), name
    torch.testing.assert_close(part.entropy, fresh.entropy, rtol=1e-4, atol=1e-6)
    assert torch.equal(part.topk(5), fresh.topk(5))


def test_large_logits_keep_their_precision() -> None:
    logits = torch.tensor([[10_000.0, 9_999.0, 0.0]])
    p = Predictions(logits, 2, 3).top_p
    torch.testing.assert_close(p, torch.tensor([1 / (1 + math.exp(-1))]), rtol=1e-5, atol=0)


def test_reading_changes_no_logit() -> None:
    logits = random_logits(3, 16 * 512, 0, False)
    kept = logits.clone()
    predictions = Predictions(logits, 0, 100, with_entropy=True)
    predictions.topk(3)
    predictions.best_committable()
    predictions.sample(0.7, torch.Generator().manual_seed(0))
    assert predictions.entropy.shape == (3,)
    assert torch.equal(logits, kept)


def test_the_best_committable_guess_is_neither_mask_nor_without_text() -> None:
    logits = torch.tensor([[9.0, 1.0, 3.0, 8.0], [9.0, 4.0, 2.0, 8.0]])
    p, ids = Predictions(logits, 0, 3).best_committable()
    assert ids.tolist() == [2, 1]
    torch.testing.assert_close(p, torch.softmax(logits, -1)[[0, 1], [2, 1]])
    blocked = Predictions(logits, 0, 3).blocked(torch.tensor([0, 1, 2, 3]))
    assert blocked.tolist() == [True, False, False, True]


def test_samples_follow_the_tempered_distribution() -> None:
    logits = torch.tensor([0.0, 1.0, 2.0]).expand(60_000, 3)
    ids, p = Predictions(logits, 9, 3).sample(0.5, torch.Generator().manual_seed(0))
    observed = torch.bincount(ids, minlength=3) / len(ids)
    # LLaDA adds noise of scale T to the logits: softmax(logits / T)
    torch.testing.assert_close(observed, torch.softmax(logits[0] / 0.5, -1), atol=0.006, rtol=0)
    torch.testing.assert_close(p, torch.softmax(logits[0], -1)[ids])
