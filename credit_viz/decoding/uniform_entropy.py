"""DiffusionGemma's own rule: random tokens instead of a mask, and nothing that is accepted stays accepted.

Experimental. Knows tensors and settings; the loop gives unwritten positions new random tokens in every step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import Accepted, accept_threshold
from credit_viz.decoding.base import Block, Candidates, Decision, Decoder, Needs, View
from credit_viz.decoding.entropy_bound import carried_entropy
from credit_viz.decoding.ledger import Fusion
from credit_viz.decoding.predictions import Predictions
from credit_viz.decoding.settings import Settings, knob
from credit_viz.trace.record import Reason

__all__ = ["Scaled", "UniformEntropy", "UniformEntropySettings", "UniformState"]


@dataclass(frozen=True)
class UniformEntropySettings(Settings):
    """Knobs of the rule; the defaults are the published ones."""

    steps: int = knob(
        48,
        minimum=1,
        maximum=4096,
        slider=(1, 96),
        step=1,
        integer=True,
        role="steps per block",
        symbol="N",
        help="The most forward passes that a block may take.",
    )
    entropy_bound: float = knob(
        0.1,
        minimum=0.0,
        maximum=100.0,
        slider=(0.0, 1.0),
        step=0.01,
        role="entropy bound",
        symbol="B",
        help="Entropy, in nats, that the tokens accepted in one step may have together, the largest left out.",
    )
    t_max: float = knob(
        0.8,
        minimum=0.01,
        maximum=10.0,
        slider=(0.05, 2.0),
        step=0.05,
        role="first temperature",
        symbol="T₁",
        help="What the logits of a block's first step are divided by. Falls in equal steps towards the last.",
    )
    t_min: float = knob(
        0.4,
        minimum=0.01,
        maximum=10.0,
        slider=(0.05, 2.0),
        step=0.05,
        role="last temperature",
        symbol="T₀",
        help="What the temperature falls towards; a block's last step is just above.",
    )
    stability: int = knob(
        1,
        minimum=0,
        maximum=4096,
        slider=(0, 8),
        step=1,
        integer=True,
        role="steady steps",
        symbol="k",
        help="How many steps in a row the best guesses must not have changed before a block may end early.",
    )
    confidence: float = knob(
        0.005,
        minimum=0.0,
        maximum=100.0,
        slider=(0.0, 0.1),
        step=0.001,
        role="entropy to end at",
        symbol="H",
        help="A block ends early once its guesses are steady and their mean entropy, in nats, is below this.",
    )

    def temperature(self, step: int) -> float:
        """Of a step of a block, counted from 0; a block that a change by hand keeps alive stays at the last one."""
        return self.t_min + (self.t_max - self.t_min) * (max(0, self.steps - step) / self.steps)


@dataclass(frozen=True)
class Scaled:
    """The predictions of one step, divided by its temperature."""

    plain: Predictions
    fused: Predictions  #: after credit; the plain ones where there is none
    fusion: Fusion | None = None  #: of the step's own predictions with credit

    def channels(self, credit: Tensor) -> dict[str, Tensor]:
        """What credit (N,) of the winners adds to the record."""
        return {} if self.fusion is None else {"credit": credit, "boost": self.fusion.alpha * torch.log1p(credit)}


@dataclass(frozen=True)
class UniformState:
    """What a block's steps hand on."""

    step: int  #: steps made
    guess: Tensor  #: (N,) int64 best guesses of the last step, -1 before the first
    steady: Tensor  #: () int64 steps in a row in which they did not change
    scaled: Scaled | None = None  #: of the last step


@dataclass(frozen=True)
class UniformEntropy(Decoder):
    """Every step draws every position, and keeps the draws of least entropy; all others become new noise.

    Source: DiffusionGemma's generation code in transformers; its bound is that of EB-Sampler (arXiv 2505.24857). Per
    step of a block, with all logits divided by a temperature that falls from t_max towards t_min: one draw per
    position; accepted is the longest row of least entropy with sum H - max H <= B, at least one. Acceptance is not
    remembered: a token accepted before is drawn again and stays, is replaced, or is taken back. The block ends after N
    steps, or once the best guesses have not changed for k steps and their mean entropy is below a bound; its text is
    then the best guesses of that step. The scaled logits are told to the next pass (self-conditioning).

    Differences: ids without a text are neither noise nor drawn (their code uses the whole embedding); the text ends at
    an end-of-text token only with early stop. Experimental: run on networks with random weights, and token for token
    equal to that code there.

    Presets: "DiffusionGemma" are the defaults of that code.
    """

    settings: UniformEntropySettings = UniformEntropySettings()

    name: ClassVar[str] = "uniform-entropy"
    title: ClassVar[str] = "Entropy bound, new noise (experimental)"
    rule: ClassVar[str] = (
        "each step draws every token and keeps the surest with Σ H − max H ≤ B; all others become random tokens again"
    )
    paper: ClassVar[str] = "DiffusionGemma, generation code; EB-Sampler, arXiv 2505.24857"
    group: ClassVar[str] = "Random tokens instead of a mask"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("steps", (48, 32, 24, 16, 8))
    settings_class: ClassVar[type[Settings]] = UniformEntropySettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType({"DiffusionGemma": UniformEntropySettings()})

    @property
    def score(self) -> str:
        """What the step would carry were it to go as far as this token, with a minus."""
        return "−summed entropy"

    @property
    def needs(self) -> Needs:
        """Noise instead of masks, and the right to take back what it wrote."""
        return Needs(rewrites=True, uniform=True)

    def start(self, block: Block) -> UniformState:
        """No guess yet."""
        unknown = torch.full((block.length,), -1, device=block.device)
        return UniformState(0, unknown, torch.zeros((), dtype=torch.int64, device=block.device))

    def step(self, view: View, state: UniformState, rng: torch.Generator) -> Decision:
        """Draw, accept, and look whether the block has settled; see `Decoder.step`."""
        settings, free = self.settings, ~view.given
        scaled = self._fuse(view, state, _scaled(view.predictions, settings.temperature(state.step)))
        drawn = torch.multinomial(scaled.fused.logits.softmax(-1), 1, generator=rng)[:, 0]
        score = raw = -carried_entropy(-scaled.fused.entropy, scaled.fused.entropy, free)
        if scaled.fusion is not None:
            raw = -carried_entropy(-scaled.plain.entropy, scaled.plain.entropy, free)
        accepted = accept_threshold(score, raw, free, -settings.entropy_bound)

        guess = scaled.fused.top_ids
        steady = torch.where(((guess == state.guess) | view.given).all(), state.steady + 1, 0)
        mean_entropy = torch.where(free, scaled.fused.entropy, 0.0).sum() / free.sum()
        settled = (steady >= settings.stability) & (mean_entropy < settings.confidence)
        done = settled | (state.step + 1 >= settings.steps)

        ids = torch.where(done, guess, drawn)
        kept = torch.where(accepted.commit | done, ids, view.predictions.mask_id)
        reasons = _reasons(view, kept, accepted, settled)
        taken_back = reasons == int(Reason.REMASKED)
        credit, fused = (values[:, 0] for values in _candidates(view.predictions, ids[:, None], scaled.fusion))
        p = view.predictions.probability(ids[:, None])[:, 0]
        return Decision(
            state=UniformState(state.step + 1, guess, steady, scaled),
            winner_ids=torch.where(taken_back, kept, ids),
            winner_p=torch.where(taken_back, 0.0, p),
            fused=torch.where(taken_back, 0.0, fused),
            commit=reasons > 0,
            reasons=reasons,
            channels={"bar": torch.where(done, torch.nan, accepted.bar), "score": score, **scaled.channels(credit)},
            done=done,
            told=scaled.plain.logits,
        )

    def _fuse(self, view: View, state: UniformState, plain: Predictions) -> Scaled:
        """What is drawn from and judged: here, what the model says."""
        return Scaled(plain, plain)

    def candidates(self, predictions: Predictions, ids: Tensor, decision: Decision) -> Candidates:
        """Credit and fused probability, both without the temperature, as every probability of a trace."""
        scaled: Scaled = decision.state.scaled
        return _candidates(predictions, ids, scaled.fusion)


def _candidates(predictions: Predictions, ids: Tensor, fusion: Fusion | None) -> Candidates:
    if fusion is not None:
        return fusion.candidates(predictions, ids)
    p = predictions.probability(ids)
    return Candidates(torch.zeros_like(p), p)


def _reasons(view: View, kept: Tensor, accepted: Accepted, settled: Tensor) -> Tensor:
    """(N,) uint8 why each position changes to what is kept there, 0 where it does not.

    A token that was not accepted is kept in a block's last step only.
    """
    last = torch.where(settled, int(Reason.ANSWERED), int(Reason.SCHEDULED))
    reasons = torch.where(accepted.commit, accepted.reasons, last)
    reasons = torch.where(view.masked, reasons, int(Reason.EDITED))
    reasons = torch.where(kept == view.predictions.mask_id, int(Reason.REMASKED), reasons)
    return torch.where(view.given | (kept == view.ids), 0, reasons).to(torch.uint8)


def _scaled(predictions: Predictions, temperature: float) -> Predictions:
    """At a temperature, without ids that have no text."""
    logits = predictions.logits.to(predictions.dtype) / temperature
    logits[:, predictions.token_limit :] = -torch.inf
    return Predictions(logits, predictions.mask_id, predictions.token_limit, with_entropy=True)
