"""Each file of each family's checkpoint damaged in turn: one line that names the file, exit code 2, nothing loaded."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from credit_viz.cli import main
from credit_viz.errors import CheckpointError
from credit_viz.models.loading import load_model
from tests.models.checkpoints import FAMILY_NAMES

FIXTURES = Path(__file__).parents[1] / "fixtures"
INDEX = "model.safetensors.index.json"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
#: loading uses them where they are there, and needs them not.
OPTIONAL = ("generation_config.json", "special_tokens_map.json", "added_tokens.json")
ALL_FILES = [
    (family, file.name)
    for family in FAMILY_NAMES
    for file in sorted((FIXTURES / family).iterdir())
    if file.name != "reference.npz"
]
NEEDED = [(family, name) for family, name in ALL_FILES if name not in OPTIONAL]
SMALL = [(family, name) for family, name in ALL_FILES if name.endswith((".json", ".txt"))]
WEIGHTS = [(family, name) for family, name in ALL_FILES if name.endswith(".safetensors")]

Refused = Callable[..., str]


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a family's checkpoint, to damage."""

    def copy(family: str) -> Path:
        return Path(
            shutil.copytree(FIXTURES / family, tmp_path / family, ignore=shutil.ignore_patterns("reference.npz"))
        )

    return copy


FolderOf = Callable[[str], Path]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Refused:
    """The refusal of a folder, the same from Python and from the shell, having checked its form."""

    def load(folder: Path, dtype: str = "float32") -> str:
        with pytest.raises(CheckpointError) as raised:
            load_model(folder, device="cpu", dtype=dtype)
        message = str(raised.value)
        assert "\n" not in message
        assert capsys.readouterr() == ("", "")
        code = main(["trace", "hello", "--model", str(folder), "--device", "cpu", "--dtype", dtype])
        printed = capsys.readouterr()
        assert code == 2
        assert printed.out == ""
        assert printed.err == f"credit-viz: error: {message}\n"
        return message

    return load


# ------------------------------------------------------------------ every file


@pytest.mark.parametrize(("family", "name"), NEEDED)
def test_deleted(family: str, name: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    (folder / name).unlink()
    assert name in refused(folder)


@pytest.mark.parametrize(("family", "name"), [case for case in ALL_FILES if case not in NEEDED])
def test_what_is_not_needed_may_be_absent(family: str, name: str, folder_of: FolderOf) -> None:
    folder = folder_of(family)
    (folder / name).unlink()
    prompt = "Hi there <|im_end|>"
    assert load_model(folder, device="cpu").encode(prompt) == load_model(FIXTURES / family, device="cpu").encode(prompt)


@pytest.mark.parametrize(("family", "name"), ALL_FILES)
def test_emptied(family: str, name: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    (folder / name).write_bytes(b"")
    assert name in refused(folder)


@pytest.mark.parametrize(("family", "name"), ALL_FILES)
@pytest.mark.parametrize("keep", ["1", "10", "half", "but one"])
def test_truncated(family: str, name: str, keep: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    whole = (folder / name).read_bytes().rstrip()  # a last line feed is no loss
    left = {"half": len(whole) // 2, "but one": len(whole) - 1}.get(keep) or int(keep)
    (folder / name).write_bytes(whole[:left])
    if name == "merges.txt" and left > 5:
        (folder / name).write_bytes(whole[:5])  # the fixture's is one line, which says that there are none
    assert name in refused(folder)


@pytest.mark.parametrize(("family", "name"), SMALL)
@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"text"', b"\xff\xfe\x00", b"\x00", b"[" * 100_000, b"{}"])
def test_something_else(family: str, name: str, content: bytes, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    (folder / name).write_bytes(content)
    if content == b"{}" and name in (*OPTIONAL, "tokenizer_config.json"):
        return  # an object, as it should be; that of the tokenizer may name nothing, and then what is missing is named
    assert name in refused(folder)


def refusal_of(folder: Path) -> str:
    """What the folder is refused with, "" if it loads."""
    try:
        load_model(folder, device="cpu")
    except CheckpointError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(("family", "name"), SMALL)
def test_flipped_bits_are_refused_in_one_line_or_harmless(
    family: str, name: str, folder_of: FolderOf, capfd: pytest.CaptureFixture[str]
) -> None:
    """A letter of a template may change unseen; but nothing fails in another way."""
    folder = folder_of(family)
    whole = (folder / name).read_bytes()
    refusals = 0
    for place in range(0, len(whole), max(1, len(whole) // 8)):
        for bit in (1, 128):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            (folder / name).write_bytes(damaged)
            refusal = refusal_of(folder)
            assert "\n" not in refusal
            refusals += bool(refusal)
    assert refusals
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_more_layers_than_could_be_counted_in_a_life(family: str, folder_of: FolderOf, refused: Refused) -> None:
    """They would be built one by one, if only without weights."""
    folder = folder_of(family)
    config = json.loads((folder / "config.json").read_text())
    name = "n_layers" if "n_layers" in config else "num_hidden_layers"
    (folder / "config.json").write_text(json.dumps(config | {name: 10**12}))
    assert refused(folder) == f"config.json has {name}=1000000000000; valid: 1..512"


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("size", [10**12, 2**63, 10**400])
def test_weights_larger_than_any_memory(family: str, size: int, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    config = json.loads((folder / "config.json").read_text())
    width = "d_model" if "d_model" in config else "hidden_size"
    (folder / "config.json").write_text(json.dumps(config | {width: size}))
    message = refused(folder)
    assert "config.json asks for weights larger than any memory" in message or " GB are free" in message


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_number_larger_than_any_float(family: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rope_theta": 10**400}))
    assert "config.json has rope_theta=1000" in refused(folder)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_how_the_stock_class_would_generate_does_not_matter(family: str, folder_of: FolderOf) -> None:
    """The project's own loop writes; wrong defaults of another's must not fail either."""
    folder = folder_of(family)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"pad_token_id": "none"}))
    load_model(folder, device="cpu")
    (folder / "generation_config.json").write_text('{"pad_token_id": "none", "temperature": "warm"}')
    load_model(folder, device="cpu")


def test_an_architecture_of_two_lines_is_named_in_one(folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of("llada")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"architectures": ["a\nb"]}))
    assert r"'a\nb'" in refused(folder)


# ------------------------------------------------------------------ shards


@pytest.mark.parametrize(("family", "name"), WEIGHTS)
def test_flipped_bits_of_a_header(family: str, name: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    whole = (folder / name).read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    names_start = whole.index(b"model.")  # before it are metadata, of which nothing depends
    for place in (0, 1, 3, 7, 8, *range(names_start, 8 + length, max(1, length // 6))):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        (folder / name).write_bytes(damaged)
        message = refused(folder)
        # a name that was changed is missed where the index says it is
        assert name in message, (place, whole[place - 10 : place + 10])


@pytest.mark.parametrize(("family", "name"), WEIGHTS)
@pytest.mark.parametrize("change", [-1, -4096, 1, 4096])
def test_too_short_and_too_long(family: str, name: str, change: int, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:change] if change < 0 else whole + b"\0" * change)
    message = refused(folder)
    assert name in message
    assert f"it has {len(whole) + change} bytes, its header says {len(whole)}" in message
    assert ("truncated" in message) is (change < 0)


def change_shard(folder: Path, change: Callable[[dict[str, torch.Tensor]], None], shard: str = SHARDS[0]) -> None:
    weights = load_file(folder / shard)
    change(weights)
    save_file(weights, folder / shard, metadata={"format": "pt"})


def change_index(folder: Path, change: Callable[[dict[str, str]], None]) -> None:
    index = json.loads((folder / INDEX).read_text())
    change(index["weight_map"])
    (folder / INDEX).write_text(json.dumps(index))


def a_weight(folder: Path, dimensions: int = 2) -> str:
    """Name of a weight of the first shard."""
    return min(name for name, tensor in load_file(folder / SHARDS[0]).items() if tensor.ndim == dimensions)


@pytest.mark.parametrize("family", FAMILY_NAMES)
class TestWeights:
    """Files that are sound, each, and wrong together."""

    def test_a_weight_that_the_index_promises(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        name = a_weight(folder)
        change_shard(folder, lambda weights: weights.__delitem__(name))
        message = refused(folder)
        assert f"{SHARDS[0]} lacks" in message
        assert name in message

    def test_a_weight_that_the_index_does_not_know(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        change_shard(folder, lambda weights: weights.update(extra=torch.zeros(2)))
        message = refused(folder)
        assert f"{SHARDS[0]} has unknown weights" in message
        assert "extra" in message

    def test_a_weight_in_another_shard(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        name = a_weight(folder)
        change_index(folder, lambda names: names.update({name: SHARDS[1]}))
        message = refused(folder)
        assert any(shard in message for shard in SHARDS)
        assert name in message

    def test_a_weight_that_nothing_has(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        name = a_weight(folder)
        change_shard(folder, lambda weights: weights.__delitem__(name))
        change_index(folder, lambda names: names.__delitem__(name))
        message = refused(folder)
        assert f"{INDEX} lacks weights that config.json asks for" in message
        assert name in message

    @pytest.mark.parametrize("extra", ["lm_head.bias", "model.layers.46.mlp.up_proj.weight", "model.layers.92.x", "y"])
    def test_a_weight_that_nothing_asks_for(
        self, family: str, extra: str, folder_of: FolderOf, refused: Refused
    ) -> None:
        folder = folder_of(family)
        change_shard(folder, lambda weights: weights.update({extra: torch.zeros(2)}))
        change_index(folder, lambda names: names.update({extra: SHARDS[0]}))
        message = refused(folder)
        assert f"{SHARDS[0]} has unknown weights" in message
        assert extra in message

    @pytest.mark.parametrize("how", ["transposed", "flat", "more rows"])
    def test_a_weight_of_another_shape(self, family: str, how: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        weights = load_file(folder / SHARDS[0])
        name = min(key for key, tensor in weights.items() if tensor.ndim == 2 and tensor.shape[0] != tensor.shape[1])
        changed = {
            "transposed": lambda t: t.T.contiguous(),
            "flat": lambda t: t.reshape(-1),
            "more rows": lambda t: torch.cat([t, t[:1]]),
        }[how]
        change_shard(folder, lambda weights: weights.update({name: changed(weights[name])}))
        message = refused(folder)
        assert f"{SHARDS[0]} has wrongly shaped weights: {name}" in message

    @pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.bool, torch.int64, torch.float8_e4m3fn])
    def test_a_weight_of_another_kind(
        self, family: str, dtype: torch.dtype, folder_of: FolderOf, refused: Refused
    ) -> None:
        folder = folder_of(family)
        name = a_weight(folder)
        change_shard(folder, lambda weights: weights.update({name: weights[name].to(dtype)}))
        message = refused(folder)
        assert SHARDS[0] in message
        assert f"{name} as " in message
        assert "valid weights: F64, F32, F16, BF16" in message

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    @pytest.mark.parametrize("dimensions", [1, 2])
    def test_a_number_that_is_none(
        self, family: str, value: float, dimensions: int, folder_of: FolderOf, refused: Refused
    ) -> None:
        """One element is enough, wherever it is: one forward pass need not meet it."""
        folder = folder_of(family)
        name = a_weight(folder, dimensions)

        def spoil(weights: dict[str, torch.Tensor]) -> None:
            weights[name].view(-1)[-1] = value

        change_shard(folder, spoil)
        message = refused(folder)
        assert f"{SHARDS[0]} is damaged: {name} has numbers that are not finite" in message

    def test_weights_too_large_for_float16(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        name = a_weight(folder)
        change_shard(folder, lambda weights: weights[name].view(-1)[:1].fill_(1e5))
        load_model(folder, device="cpu", dtype="float32")
        assert "too large for float16" in refused(folder, dtype="float16")

    def test_logits_that_are_no_numbers(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        """Every weight is finite, but what comes of them is not."""
        folder = folder_of(family)
        head = "model.transformer.ff_out.weight" if family == "llada" else "lm_head.weight"
        shard = json.loads((folder / INDEX).read_text())["weight_map"][head]
        change_shard(folder, lambda weights: weights[head].copy_(weights[head].sign() * 3e38), shard)
        message = refused(folder)
        assert str(folder) in message
        assert "logits that are not finite in float32" in message

    def test_two_answers_to_where_the_weights_are(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        shutil.copy(folder / SHARDS[0], folder / "model.safetensors")
        message = refused(folder)
        assert "model.safetensors" in message
        assert INDEX in message

    def test_an_adapter(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "some/where"}')
        assert "adapter_config.json" in refused(folder)

    @pytest.mark.parametrize("metadata", [None, "none", 3, []])
    def test_an_index_without_metadata(
        self, family: str, metadata: object, folder_of: FolderOf, refused: Refused
    ) -> None:
        """The loader writes into them."""
        folder = folder_of(family)
        index = json.loads((folder / INDEX).read_text())
        (folder / INDEX).write_text(json.dumps(index | {"metadata": metadata}))
        assert f"{INDEX} is damaged: it has no object of metadata" in refused(folder)

    def test_a_weight_of_two_lines(self, family: str, folder_of: FolderOf, refused: Refused) -> None:
        folder = folder_of(family)
        change_index(folder, lambda names: names.update({"a\nb": SHARDS[0]}))
        assert r"lacks weights that model.safetensors.index.json places there: a\nb" in refused(folder)

    @pytest.mark.parametrize("name", ["a\nb.safetensors", "a" * 5000 + ".safetensors", "a\0.safetensors"])
    def test_an_index_that_names_what_no_file_is_called(
        self, family: str, name: str, folder_of: FolderOf, refused: Refused
    ) -> None:
        folder = folder_of(family)
        change_index(folder, lambda names: names.update({min(names): name}))
        assert f"{INDEX} names 'a" in refused(folder)

    @pytest.mark.parametrize("name", ["/etc/passwd", "../llada/model.safetensors", "pytorch_model.bin", "", 5, None])
    def test_an_index_that_names_no_file_beside_it(
        self, family: str, name: Any, folder_of: FolderOf, refused: Refused
    ) -> None:
        folder = folder_of(family)
        change_index(folder, lambda names: names.update({min(names): name}))
        message = refused(folder)
        assert INDEX in message
        assert repr(name) in message


def with_header(folder: Path, header: Any) -> None:
    """The first shard with another header before its numbers."""
    path = folder / SHARDS[0]
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {},
        {"dtype": "F32", "shape": [64], "data_offsets": None},
        {"dtype": "F32", "shape": "64", "data_offsets": [0, 256]},
        {"dtype": 32, "shape": [64], "data_offsets": [0, 256]},
        {"dtype": "F32", "shape": [64], "data_offsets": [0, 128]},
        {"dtype": "F32", "shape": [64], "data_offsets": [256, 0]},
        {"dtype": "F32", "shape": [-64], "data_offsets": [0, -256]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [64.0], "data_offsets": [0, 256]},
        {"dtype": "F32", "shape": [64], "data_offsets": [4, 260]},
        {"dtype": "F32", "shape": [10**30], "data_offsets": [0, 4 * 10**30]},
    ],
)
def test_a_header_that_makes_no_sense(entry: Any, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of("llada")
    with_header(folder, {"a": entry})
    assert SHARDS[0] in refused(folder)


@pytest.mark.parametrize(
    "header",
    ["[]", "3", "", "{", '{"__metadata__": 5}', '{"__metadata__": {"format": "np"}}', '{"__metadata__": {"a": 5}}'],
)
def test_a_header_that_is_none(header: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of("llada")
    with_header(folder, header)
    assert f"{SHARDS[0]} has a damaged header" in refused(folder)


# ------------------------------------------------------------------ tokenizers


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize(
    "template", ["{% for %}", "{{ nothing.at.all }}", "{{ raise_exception('no') }}", "{{ 1 / 0 }}"]
)
def test_a_template_that_cannot_render(family: str, template: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": template}))
    assert "tokenizer_config.json has a damaged chat template" in refused(folder)
    (folder / "chat_template.jinja").write_text(template)
    assert "chat_template.jinja has a damaged chat template" in refused(folder)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_template_that_leaves_nothing_of_a_prompt(family: str, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of(family)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {"chat_template": "{% if no %}x{% endif %}"}))
    assert "tokenizer_config.json has a damaged chat template: it leaves nothing of a prompt" in refused(folder)
    path.write_text(json.dumps(config | {"chat_template": ""}))
    model = load_model(folder, device="cpu")
    assert model.encode("hi") == model.encode("hi", raw=True)


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("length", ["long", -5, None])
def test_how_long_a_text_the_tokenizer_likes_does_not_matter(family: str, length: object, folder_of: FolderOf) -> None:
    path = folder_of(family) / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": length}))
    assert load_model(path.parent, device="cpu").encode("hi")


@pytest.mark.parametrize("template", [5, True, [5], {"default": 5}, [{"name": "default", "template": 5}]])
def test_a_template_that_is_no_text(template: Any, folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of("llada")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": template}))
    assert "tokenizer_config.json" in refused(folder)


def test_a_bias_that_is_no_number(folder_of: FolderOf, refused: Refused) -> None:
    """The experts' bias only orders them: the logits stay numbers, and mean nothing."""
    folder = folder_of("llada2")
    name = "model.layers.2.mlp.gate.expert_bias"
    change_shard(folder, lambda weights: weights[name][:1].fill_(float("nan")))
    assert f"{name} has numbers that are not finite" in refused(folder)


def test_more_tokens_than_rows_of_the_embedding(folder_of: FolderOf, refused: Refused) -> None:
    for family, name in (("llada", "tokenizer.json"), ("dream", "vocab.json")):
        folder = folder_of(family)
        field = "embedding_size" if family == "llada" else "vocab_size"
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {field: 200}))
        message = refused(folder)
        assert name in message
        assert "0..199" in message


def dream_with_words(folder: Path) -> list[str]:
    """The byte alphabet and some longer tokens; returns the lines of merges that make them."""
    vocabulary = json.loads((folder / "vocab.json").read_text())
    config = json.loads((folder / "tokenizer_config.json").read_text())
    words = ["th", "the", "in", "ing"]
    moved = {str(int(i) + len(words)): token for i, token in config["added_tokens_decoder"].items()}
    added = {token["content"]: int(i) for i, token in moved.items()}
    (folder / "vocab.json").write_text(json.dumps(vocabulary | {word: 256 + n for n, word in enumerate(words)}))
    (folder / "added_tokens.json").write_text(json.dumps(added))
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"added_tokens_decoder": moved}))
    model = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(model | {"mask_token_id": added["<|mask|>"], "eos_token_id": 260}))
    return ["#version: 0.2", "t h", "th e", "i n", "in g"]


def test_merges(folder_of: FolderOf, refused: Refused) -> None:
    folder = folder_of("dream")
    lines = dream_with_words(folder)
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    model = load_model(folder, device="cpu")
    assert [model.token_text(i) for i in model.encode("thing the", raw=True)] == ["th", "ing", " ", "the"]
    assert model.mask_id == 264
    for damaged in (lines[:3], lines[:4], [*lines[:4], "in"], [*lines[:4], "in gs"], [*lines, ""], lines[1:]):
        (folder / "merges.txt").write_text("\n".join(damaged) + "\n")
        assert "merges.txt is damaged" in refused(folder)
