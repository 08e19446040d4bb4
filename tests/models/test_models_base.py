"""A loaded model: rows, refused canvases, and text both ways."""

from __future__ import annotations

import pytest
import torch

import credit_viz
from credit_viz.errors import PromptError
from credit_viz.models.base import DiffusionLM
from credit_viz.text import clean_text


def canvas(model: DiffusionLM, length: int = 12) -> torch.Tensor:
    return torch.randint(0, model.token_limit, (2, length), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("rows", [[0], [11], [3, 4, 5], [7, 2, 9]])
def test_rows_are_rows_of_the_whole(peaky: DiffusionLM, rows: list[int]) -> None:
    ids = canvas(peaky)
    whole, some = peaky.token_logits(ids), peaky.token_logits(ids, torch.tensor(rows))
    assert some.shape == (2, len(rows), peaky.vocab_size)
    torch.testing.assert_close(some, whole[:, rows], rtol=1e-5, atol=1e-5)


def test_a_batch_is_its_canvases(peaky: DiffusionLM) -> None:
    ids = canvas(peaky)
    together = peaky.token_logits(ids)
    for row in range(2):
        torch.testing.assert_close(peaky.token_logits(ids[row : row + 1])[0], together[row], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bad", [-1, 288, 10**9])
def test_ids_outside_the_vocabulary_are_refused(peaky: DiffusionLM, bad: int) -> None:
    ids = canvas(peaky)
    ids[1, 3] = bad
    with pytest.raises(PromptError, match=rf"{bad}.*0\.\.287"):
        peaky.token_logits(ids)


def test_as_many_positions_as_the_model_has(peaky: DiffusionLM) -> None:
    assert peaky.token_logits(canvas(peaky, 128)).shape == (2, 128, 288)
    with pytest.raises(PromptError, match=r"129.*1\.\.128"):
        peaky.token_logits(canvas(peaky, 129))
    with pytest.raises(PromptError, match="0 positions"):
        peaky.token_logits(torch.zeros(1, 0, dtype=torch.int64))


@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(4, dtype=torch.int64),
        torch.zeros(1, 1, 4, dtype=torch.int64),
        torch.zeros(1, 4),
        torch.zeros(1, 4, dtype=torch.bool),
    ],
)
def test_what_is_no_canvas_is_refused(peaky: DiffusionLM, bad: torch.Tensor) -> None:
    with pytest.raises(PromptError, match=r"expected \(B, L\) int64"):
        peaky.token_logits(bad)


def test_the_embedding_is_larger_than_the_tokenizer(peaky: DiffusionLM) -> None:
    assert peaky.token_limit == 268 < peaky.vocab_size == 288
    assert peaky.token_text(270) == "<270>"
    assert peaky.token_text(-1) == "<-1>"
    with pytest.raises(PromptError, match="270"):
        credit_viz.decode(peaky, prompt_ids=[5, 270], gen_length=4, block_length=4)


def test_prompts_go_through_the_chat_template(peaky: DiffusionLM) -> None:
    ids = peaky.encode("hi")
    texts = [peaky.token_text(i) for i in ids]
    assert texts[0] == "<|startoftext|>"
    assert texts[1] == "<|start_header_id|>"
    assert "<|eot_id|>" in texts
    assert texts.count("<|startoftext|>") == 1
    assert peaky.decode_ids(ids).startswith("user")


@pytest.mark.parametrize("blank", ["", " ", "\n\t "])
def test_a_blank_prompt_is_refused(peaky: DiffusionLM, blank: str) -> None:
    with pytest.raises(PromptError, match="empty"):
        peaky.encode(blank)


@pytest.mark.parametrize("prompt", ["\ud800lone", "\x00", "<|mdm_mask|>", "{{ x }}", "{% raise %}", "🙂" * 5, "a" * 50])
def test_hostile_prompts_are_encoded(peaky: DiffusionLM, prompt: str) -> None:
    ids = peaky.encode(prompt)
    assert ids
    assert all(0 <= i < peaky.token_limit for i in ids)


def test_special_tokens_have_names_but_are_no_text(peaky: DiffusionLM) -> None:
    assert peaky.token_text(peaky.mask_id) == "<|mdm_mask|>"
    assert peaky.decode_ids([peaky.mask_id, *peaky.eos_ids]) == ""
    assert peaky.decode_ids([]) == ""


def test_every_token_has_a_text_that_can_be_encoded(peaky: DiffusionLM) -> None:
    for i in range(peaky.token_limit):
        assert peaky.token_text(i)
        peaky.token_text(i).encode()


def test_lone_surrogates_are_made_printable() -> None:
    assert clean_text("a\ud800b\udfffc") == "a\ufffdb\ufffdc"
    assert clean_text("🙂 ok") == "🙂 ok"


def test_a_long_prompt_is_encoded_without_a_warning(peaky: DiffusionLM, capfd: pytest.CaptureFixture[str]) -> None:
    assert len(peaky.encode("a b " * 3000)) > peaky.max_positions
    assert capfd.readouterr().err == ""
