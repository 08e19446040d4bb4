"""WINO: write boldly, look again, take back what does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from torch import Tensor

from credit_viz.decoding.acceptance import by_rank, just_above
from credit_viz.decoding.base import Block, Decision, Decoder, Needs, View
from credit_viz.decoding.settings import Settings, knob
from credit_viz.decoding.threshold import threshold_knob
from credit_viz.trace.record import Reason

__all__ = ["Wino", "WinoSettings"]

#: at most 7/10 of the masks are drafted in one step, but always 5 and never more than 20, as in the authors' code.
_SHARE, _LEAST, _MOST = (7, 10), 5, 20
#: drafts of the step "before" a block's first one; larger than any real one, so that it limits nothing.
_NO_LIMIT = 30


@dataclass(frozen=True)
class WinoSettings(Settings):
    """Knobs of WINO."""

    threshold: float = threshold_knob(0.7)
    verify: float = knob(
        0.9,
        minimum=0.0,
        maximum=1.0,
        step=0.01,
        role="verification threshold",
        symbol="τ₂",
        help="A written token is taken back if, seen without itself, its probability is below this.",
    )


@dataclass(frozen=True)
class Wino(Decoder):
    """Each step drafts tokens with p > tau1, and takes back earlier ones that the rest of the text does not support.

    Source: WINO (arXiv 2507.18578), "wide-in, narrow-out", as in the authors' code. Draft: masked positions with
    p > tau1, at most min(max(.7 masks, 5), 20) of them, the best ones; where there is none, the single best. Verify, in
    the same forward pass: a token this block has written before counts as wrong if its probability under the shadow
    block (mask tokens in the block's places that do not see the token itself) is below tau2. Unless the step drafts a
    single token, wrong ones become masks again, the least probable first, always fewer than the last step drafted: so
    a block takes at most as many steps as it has positions. Earlier blocks stay as they are, and the tokens of a
    block's last step are never verified.

    Differences: given tokens are never taken back, and guesses without a text never drafted.

    Presets: "Sudoku" is the authors' configuration for that task, "WINO" the defaults of their function; both on blocks
    of 128.
    """

    settings: WinoSettings = WinoSettings()

    name: ClassVar[str] = "wino"
    title: ClassVar[str] = "WINO"
    rule: ClassVar[str] = "each step writes every token with p > τ, and takes back those that look wrong from outside"
    paper: ClassVar[str] = "WINO, arXiv 2507.18578"
    group: ClassVar[str] = "Can change its mind"
    sweep: ClassVar[tuple[str, tuple[float, ...]]] = ("threshold", (0.95, 0.9, 0.8, 0.7, 0.6))
    settings_class: ClassVar[type[Settings]] = WinoSettings
    presets: ClassVar[Mapping[str, Settings]] = MappingProxyType(
        {"Sudoku": WinoSettings(), "WINO": WinoSettings(threshold=0.6)}
    )

    @property
    def score(self) -> str:
        """What is held against the bars."""
        return "probability; of a written token, that without itself"

    @property
    def needs(self) -> Needs:
        """It takes tokens back, on the word of positions that do not see them."""
        return Needs(rewrites=True, shadow=True)

    def start(self, block: Block) -> Tensor:
        """Number of tokens that the last step drafted."""
        return torch.full((), _NO_LIMIT, device=block.device)

    def step(self, view: View, state: Any, rng: torch.Generator) -> Decision:
        """Draft and verify; see `Decoder.step`."""
        assert view.shadow is not None
        predictions, settings = view.predictions, self.settings
        p, support = predictions.top_p, view.shadow.probability(view.ids[:, None])[:, 0]

        draft_bar = just_above(settings.threshold, p.dtype)
        eligible = view.eligible(predictions.top_ids)
        sure = (eligible & (p >= draft_bar)).sum()
        cap = (view.masked.sum() * _SHARE[0] // _SHARE[1]).clamp(_LEAST, _MOST)
        drafted = _best(p, eligible, torch.minimum(sure, cap).clamp(min=1))
        count = drafted.sum()

        judged = view.rewritable & (count > 1)
        doubtful = judged & (support < settings.verify)
        taken_back = _best(-support, doubtful, state - 1)

        standing = torch.where(view.masked, predictions.top_ids, view.ids)
        ids = torch.where(taken_back, predictions.mask_id, standing)
        winner_p = predictions.probability(ids[:, None])[:, 0]
        why = torch.where(sure > 0, int(Reason.CONFIDENT), int(Reason.FORCED))
        reasons = drafted * why + taken_back * int(Reason.REMASKED)
        bar = torch.where(view.masked, draft_bar, torch.where(judged, settings.verify, torch.nan))
        channels = {"bar": bar, "score": torch.where(view.masked, p, support)}
        # the loop may write one token where nothing could be drafted
        after = count.clamp(min=1)
        return Decision(after, ids, winner_p, winner_p, drafted | taken_back, reasons.to(torch.uint8), channels)


def _best(score: Tensor, among: Tensor, count: Tensor) -> Tensor:
    """(N,) bool: the `count` positions with the best score; the leftmost among equals."""
    order = by_rank(score, among).order
    first = torch.arange(len(order), device=order.device) < count
    return torch.empty_like(among).scatter_(0, order, first) & among
