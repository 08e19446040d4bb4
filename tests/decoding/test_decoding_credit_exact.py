"""The sparse ledger against the dense rule of the paper, re-stated here in float64 with a full (N, V) credit matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from credit_viz.decoding.base import Block, View
from credit_viz.decoding.credit import Credit, CreditSettings, CreditState
from credit_viz.decoding.ledger import Ledger
from credit_viz.decoding.predictions import Predictions
from credit_viz.trace.record import Reason

CPU = torch.device("cpu")


def softmax(x: np.ndarray) -> np.ndarray:
    shifted = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(-1, keepdims=True))


@dataclass
class Dense:
    """Decay, award, fuse, accept over the whole vocabulary."""

    knobs: CreditSettings
    credit: np.ndarray  # (N, V)
    fused: np.ndarray | None = None
    raw: np.ndarray | None = None

    def step(self, logits: np.ndarray, masked: np.ndarray, mask_id: int, limit: int) -> tuple[np.ndarray, np.ndarray]:
        """-> winner (N,) and commit (N,)."""
        self.raw = softmax(logits)
        top = logits.argmax(-1)
        self.credit *= self.knobs.beta
        rows = np.flatnonzero(masked)
        self.credit[rows, top[rows]] += self.raw[rows, top[rows]] ** self.knobs.gamma
        fused_logits = logits + self.knobs.alpha * np.log1p(self.credit)
        self.fused = softmax(fused_logits)
        winner = fused_logits.argmax(-1)
        best = self.fused[np.arange(len(winner)), winner]
        eligible = masked & (winner != mask_id) & (winner < limit)
        commit = eligible & (best >= self.knobs.threshold)
        if not commit.any() and eligible.any():
            commit[np.where(eligible, best, -1).argmax()] = True
        return winner, commit


def stream(kind: str, steps: int, rows: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """(T, N, V) logits."""
    shape = (steps, rows, width)
    if kind == "ties":
        return rng.integers(-1, 3, shape).astype(float)
    if kind == "repeating":
        return rng.normal(0, 3, (1, rows, width)) + rng.normal(0, 0.3, shape)
    if kind == "switching":  # another winner in every step
        logits = rng.normal(0, 0.5, shape)
        for t in range(steps):
            logits[t, np.arange(rows), (t * 3 + np.arange(rows)) % width] += 4
        return logits
    if kind == "holes":
        logits = rng.normal(0, 3, shape)
        logits[rng.random(shape) < 0.5] = -np.inf
        logits[..., 0] = 0.0  # at least one token is possible
        return logits
    scale = {"plain": 2.0, "peaked": 12.0, "extreme": 300.0}[kind]
    return rng.normal(0, scale, shape)


KINDS = ("ties", "repeating", "switching", "holes", "plain", "peaked")


def replay(knobs: CreditSettings, logits: np.ndarray, seed: int, tolerance: float) -> None:
    """Both decoders over the same stream; every number of every step is compared."""
    steps, rows, width = logits.shape
    mask_id, limit = width - 1, width - 1 - seed % 2
    rng = np.random.default_rng(seed)
    decoder, dense = Credit(knobs), Dense(knobs, np.zeros((rows, width)))
    state: CreditState = decoder.start(Block.alone(rows))
    masked = np.ones(rows, bool)
    everything = torch.arange(width).expand(rows, -1)
    for t in range(steps):
        predictions = Predictions(torch.from_numpy(logits[t]), mask_id, limit)
        decision = decoder.step(View.of_block(predictions, torch.from_numpy(masked.copy())), state, torch.Generator())
        winner, commit = dense.step(logits[t], masked, mask_id, limit)
        seen = decoder.candidates(predictions, everything, decision)
        assert dense.fused is not None
        assert dense.raw is not None
        live = np.flatnonzero(masked)
        np.testing.assert_array_equal(decision.winner_ids.numpy()[live], winner[live])
        np.testing.assert_allclose(seen.credit.numpy(), dense.credit, rtol=tolerance, atol=0)
        np.testing.assert_allclose(seen.fused.numpy(), dense.fused, rtol=tolerance, atol=1e-300)
        fused = dense.fused[np.arange(rows), winner]
        np.testing.assert_allclose(decision.fused.numpy()[live], fused[live], rtol=tolerance, atol=1e-300)
        raw = dense.raw[np.arange(rows), winner]
        np.testing.assert_allclose(decision.winner_p.numpy()[live], raw[live], rtol=tolerance, atol=1e-300)
        credit = dense.credit[np.arange(rows), winner]
        np.testing.assert_allclose(decision.channels["credit"].numpy()[live], credit[live], rtol=tolerance)
        boost = knobs.alpha * np.log1p(credit)
        np.testing.assert_allclose(decision.channels["boost"].numpy()[live], boost[live], rtol=tolerance)
        if not _undecided(fused, masked, knobs.threshold):
            np.testing.assert_array_equal(decision.commit.numpy(), commit)
        # some committed positions stay masked, so that histories get long
        masked = masked & ~(commit & (rng.random(rows) < 0.3))
        state = decision.state
        if not masked.any():
            break


def _undecided(fused: np.ndarray, masked: np.ndarray, threshold: float) -> bool:
    """Two float64 computations may round to different sides of a tie or of the threshold."""
    near = np.abs(fused - threshold) < 1e-12
    best = fused[masked].max()
    close = (np.abs(fused - best) < 1e-12) & (fused != best) & masked
    return bool(near.any() or close.any())


strengths = st.one_of(st.sampled_from([0.0, 0.65, 0.7, 2.0]), st.floats(0, 2))
decays = st.one_of(st.sampled_from([0.0, 0.7, 0.8, 1.0]), st.floats(0, 1))
concavities = st.one_of(st.sampled_from([0.0, 0.2, 1.0]), st.floats(0, 2))
thresholds = st.one_of(st.sampled_from([0.5, 0.9, 0.95, 1.5]), st.floats(0.05, 0.999))


@given(
    kind=st.sampled_from(KINDS),
    steps=st.integers(1, 64),
    rows=st.integers(1, 5),
    width=st.integers(3, 40),
    seed=st.integers(0, 2**31),
    alpha=strengths,
    beta=decays,
    gamma=concavities,
    threshold=thresholds,
)
def test_sparse_credit_is_the_dense_rule(
    kind: str, steps: int, rows: int, width: int, seed: int, alpha: float, beta: float, gamma: float, threshold: float
) -> None:
    logits = stream(kind, steps, rows, width, np.random.default_rng(seed))
    replay(CreditSettings(alpha, beta, gamma, threshold), logits, seed, 1e-12)


@given(seed=st.integers(0, 2**31), alpha=st.floats(0, 10), beta=decays, gamma=st.floats(0, 10))
def test_sparse_credit_is_the_dense_rule_for_extreme_logits_and_knobs(
    seed: int, alpha: float, beta: float, gamma: float
) -> None:
    logits = stream("extreme", 12, 4, 20, np.random.default_rng(seed))
    replay(CreditSettings(alpha, beta, gamma, 0.9), logits, seed, 1e-12)


@given(seed=st.integers(0, 2**31), alpha=st.floats(0, 10), beta=decays, gamma=st.floats(0, 10))
def test_sparse_credit_is_the_dense_rule_over_the_whole_range_of_the_knobs(
    seed: int, alpha: float, beta: float, gamma: float
) -> None:
    logits = stream("switching", 64, 3, 30, np.random.default_rng(seed))
    replay(CreditSettings(alpha, beta, gamma, 0.9), logits, seed, 1e-12)


def test_slots_grow_when_every_step_has_another_winner() -> None:
    logits = np.zeros((64, 2, 70))
    for t in range(64):
        logits[t, :, t] = 5.0
    replay(CreditSettings(threshold=1.5, beta=1.0), logits, 0, 1e-12)


def test_state_stays_small_when_the_winner_repeats() -> None:
    ledger = Ledger.empty(64, CPU, torch.float32)
    for _ in range(64):
        winners, amount = torch.arange(64), torch.ones(64)
        ledger = ledger.award(winners, amount, torch.ones(64, dtype=torch.bool), 0.8)
    assert ledger.nbytes < 64 * 100  # the dense matrix of one position alone is 500 kB


def test_a_ledger_is_never_changed_in_place() -> None:
    before = Ledger.empty(2, CPU, torch.float64)
    after = before.award(torch.tensor([3, 4]), torch.ones(2, dtype=torch.float64), torch.tensor([True, True]), 0.5)
    again = before.award(torch.tensor([3, 4]), torch.ones(2, dtype=torch.float64), torch.tensor([True, True]), 0.5)
    assert before.credit.sum() == 0
    torch.testing.assert_close(after.credit, again.credit)


def _saturated(rows: int) -> torch.Tensor:
    """Guesses so sure that the dense fused probability is exactly 1."""
    logits = torch.zeros(rows, 8, dtype=torch.float64)
    logits[:, 2] = 800.0
    return logits


def test_a_threshold_of_one_is_passed_by_a_certain_guess() -> None:
    for beta in (0.0, 0.3, 0.8, 1.0):
        for alpha in (0.3, 0.7, 1.1, 2.0, 9.7):
            decoder = Credit(CreditSettings(alpha=alpha, beta=beta, gamma=0.2, threshold=1.0))
            state = decoder.start(Block.alone(3))
            for _ in range(6):
                predictions = Predictions(_saturated(3), 7, 8)
                decision = decoder.step(
                    View.of_block(predictions, torch.ones(3, dtype=torch.bool)), state, torch.Generator()
                )
                assert decision.commit.all(), (alpha, beta)
                assert (decision.reasons == int(Reason.CONFIDENT)).all()
                state = decision.state


@given(
    alpha=st.floats(0, 10),
    beta=st.floats(0, 1),
    seed=st.integers(0, 10_000),
    wide=st.booleans(),
)
def test_a_fused_probability_never_exceeds_one(alpha: float, beta: float, seed: int, wide: bool) -> None:
    rng = np.random.default_rng(seed)
    decoder = Credit(CreditSettings(alpha=alpha, beta=beta, threshold=1.5))
    state = decoder.start(Block.alone(4))
    dtype = torch.float64 if wide else torch.float32
    for _ in range(5):
        logits = torch.from_numpy(rng.normal(0, 1, (4, 12))).to(dtype)
        logits[:, 3] += rng.choice([5, 10, 20, 40])
        predictions = Predictions(logits, 11, 12)
        decision = decoder.step(View.of_block(predictions, torch.ones(4, dtype=torch.bool)), state, torch.Generator())
        assert decision.fused.max() <= 1
        assert decoder.candidates(predictions, torch.arange(12).expand(4, -1), decision).fused.max() <= 1
        state = decision.state


def test_award_goes_to_masked_positions_only() -> None:
    decoder = Credit(CreditSettings(beta=1.0))
    masked = torch.tensor([True, False])
    predictions = Predictions(torch.randn(2, 6, generator=torch.Generator().manual_seed(0)), 5, 6)
    decision = decoder.step(View.of_block(predictions, masked), decoder.start(Block.alone(2)), torch.Generator())
    credit = decoder.candidates(predictions, torch.arange(6).expand(2, -1), decision).credit
    assert credit[0].sum() > 0
    assert credit[1].sum() == 0


@pytest.mark.parametrize(
    ("preset", "settled", "expected"),
    [
        ({"alpha": 0.65, "beta": 0.7, "gamma": 0.2, "threshold": 0.95}, 1, 0.924),
        ({"alpha": 0.65, "beta": 0.7, "gamma": 0.2, "threshold": 0.95}, 3, 0.900),
        ({"alpha": 0.65, "beta": 0.7, "gamma": 0.2, "threshold": 0.95}, 5, 0.890),
        ({"alpha": 0.65, "beta": 0.7, "gamma": 0.2, "threshold": 0.95}, 60, 0.881),
        ({"alpha": 0.7, "beta": 0.8, "gamma": 0.2, "threshold": 0.95}, 1, 0.922),
        ({"alpha": 0.7, "beta": 0.8, "gamma": 0.2, "threshold": 0.95}, 3, 0.890),
        ({"alpha": 0.7, "beta": 0.8, "gamma": 0.2, "threshold": 0.95}, 5, 0.873),
        ({"alpha": 0.7, "beta": 0.8, "gamma": 0.2, "threshold": 0.95}, 60, 0.847),
    ],
)
def test_the_smallest_probability_that_commits_after_k_steps(
    preset: dict[str, float], settled: int, expected: float
) -> None:
    def reasons(p: float) -> list[int]:
        """Reason of each step for a constant guess of probability p beside a surer position."""
        decoder = Credit(CreditSettings(**preset))
        other = (1 - p) / 3
        logits = torch.tensor([[p, other, other, other, 0], [1 - 3e-9, 1e-9, 1e-9, 1e-9, 0]], dtype=torch.float64).log()
        state, found = decoder.start(Block.alone(2)), []
        for _ in range(settled):
            decision = decoder.step(
                View.of_block(Predictions(logits, 4, 5), torch.tensor([True, True])), state, torch.Generator()
            )
            state = decision.state
            found.append(int(decision.reasons[0]))
        return found

    assert reasons(expected + 0.0006)[-1] == Reason.CREDIT
    assert reasons(expected - 0.0006)[-1] == 0
