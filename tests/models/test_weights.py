"""Checkpoints: nothing in them runs, their digest is of the tensors, and half a load is no load."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from medimeta_c.errors import ModelError
from medimeta_c.models.weights import load_strictly, read_checkpoint, weights_sha256


class Trap:
    """Touches a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.path,)


def test_a_pickle_that_runs_code_is_not_opened(tmp_path: Path) -> None:
    """The error is one sentence and the code has not run."""
    torch.save({"weight": torch.zeros(2), "extra": Trap(tmp_path / "ran")}, tmp_path / "model.bin")
    with pytest.raises(ModelError, match="would run code"):
        read_checkpoint(tmp_path / "model.bin")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_malicious_pickle_is_called_that_by_any_pytorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    """Judged by its instructions, not by the words of PyTorch's error; a cut file is still only damaged."""

    def load(*_: object, **__: object) -> None:
        raise pickle.UnpicklingError("words of another version")

    monkeypatch.setattr(torch, "load", load)
    (tmp_path / "model.bin").write_bytes(pickle.dumps({"w": Trap(tmp_path / "ran")}, protocol))
    with pytest.raises(ModelError, match="would run code"):
        read_checkpoint(tmp_path / "model.bin")
    for zipped in (True, False):
        state = {"w": torch.zeros(2)}
        torch.save(state, tmp_path / "model.bin", _use_new_zipfile_serialization=zipped)
        with pytest.raises(ModelError, match="damaged"):
            read_checkpoint(tmp_path / "model.bin")
        torch.save(
            state | {"x": Trap(tmp_path / "ran")},
            tmp_path / "model.bin",
            _use_new_zipfile_serialization=zipped,
        )
        with pytest.raises(ModelError, match="would run code"):
            read_checkpoint(tmp_path / "model.bin")
    assert not (tmp_path / "ran").exists()


class Nested:
    """A whole torch file inside a pickle, which would be opened without restriction."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        return torch.storage._load_from_bytes, (self.content,)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_inside_a_pickle_is_not_opened(tmp_path: Path, protocol: int, zipped: bool) -> None:
    """The outer one names torch alone, and loads the inner one, which touches a file."""
    inner, file = io.BytesIO(), tmp_path / "model.bin"
    torch.save(Trap(tmp_path / "ran"), inner)
    content = {"w": Nested(inner.getvalue())}
    if zipped:
        torch.save(content, file, pickle_protocol=protocol)
    else:
        file.write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(ModelError, match="would run code"):
        read_checkpoint(file)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x8c\x05torch\x94\x8c\x06Tensor\x940000h\x00h\x01\x93.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x05torch\x8c\x06Tensor00\x93.",
        b"\x80\x04\x8c\x05torch\x8c\x09os.system\x93.",
        b"ctorch\nload\n.",
        b"(S'x'\nios\nsystem\n.",
    ],
    ids=["from the memo", "below harmless names", "dotted", "a function of torch", "an instance"],
)
def test_names_are_those_that_a_pickle_would_import(tmp_path: Path, content: bytes) -> None:
    """Harmless texts beside them do not hide them."""
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(ModelError, match="would run code"):
        read_checkpoint(tmp_path / "model.bin")


def test_a_whole_pickled_module_is_not_opened(tmp_path: Path) -> None:
    """`torch.save(model)` needs the model's classes: refused with the way out."""
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(ModelError, match="save the state dict alone"):
        read_checkpoint(tmp_path / "model.pt")


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
@pytest.mark.filterwarnings("ignore:.*TorchScript.*")
def test_a_torchscript_program_is_not_opened(tmp_path: Path) -> None:
    """OpenAI's original files are programs; the message names the tag to use instead."""
    torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(tmp_path / "ViT-B-16.pt"))
    with pytest.raises(ModelError, match=r"TorchScript.*ViT-B-16/openai"):
        read_checkpoint(tmp_path / "ViT-B-16.pt")


@pytest.mark.parametrize("name", ["model.safetensors", "model.bin"])
@pytest.mark.parametrize(
    "content", [b"", b"version https://git-lfs.github.com/spec/v1\n", b"PK\x03\x04" + bytes(90)]
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    """Empty files, LFS pointers and cut archives are recognised."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        read_checkpoint(tmp_path / name)


def test_what_safetensors_quotes_of_a_damaged_header_is_shown_on_one_line(tmp_path: Path) -> None:
    """Its error repeats the name of an unknown type as the file has it, line breaks included."""
    header = b'{"x":{"dtype":"F\\n2","shape":[1],"data_offsets":[0,4]}}'
    path = tmp_path / "model.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ModelError, match="damaged") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*pickle.*")
@pytest.mark.parametrize("zipped", [True, False])
def test_any_damage_is_one_sentence(tmp_path: Path, zipped: bool) -> None:
    """PyTorch trips over changed bytes with a dozen kinds of errors."""
    file, generator = tmp_path / "model.bin", np.random.default_rng(0)
    torch.save({"a": torch.zeros(2)}, file, _use_new_zipfile_serialization=zipped)
    whole, refused = file.read_bytes(), 0
    for _ in range(300):
        content = bytearray(whole)
        content[generator.integers(300)] = generator.integers(256)
        file.write_bytes(content)
        try:
            read_checkpoint(file)
        except ModelError:
            refused += 1
    assert refused > 50


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path looked for is in the message."""
    with pytest.raises(ModelError, match=r"no checkpoint at .*absent\.bin"):
        read_checkpoint(tmp_path / "absent.bin")


@pytest.mark.parametrize(
    "content",
    [
        *([torch.zeros(1)], {}, {"weight": "text"}, {0: torch.zeros(1)}),
        {"weight": torch.zeros(2, device="meta")},
    ],
)
def test_only_named_tensors_are_weights(tmp_path: Path, content: object) -> None:
    """A list, nothing, texts, numbered tensors, and those without all their numbers are refused."""
    torch.save(content, tmp_path / "model.bin")
    with pytest.raises(ModelError, match="no table of named tensors"):
        read_checkpoint(tmp_path / "model.bin")


def test_wrappings_are_undone(tmp_path: Path) -> None:
    """`state_dict` and `module.` go; a `module.` that not every name has stays."""
    torch.save(
        {"epoch": 3, "state_dict": {"module.a": torch.ones(1), "module.b": torch.ones(1)}}, tmp_path / "a.pt"
    )
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "b.pt")
    assert set(read_checkpoint(tmp_path / "a.pt")) == {"a", "b"}
    assert set(read_checkpoint(tmp_path / "b.pt")) == {"module.a", "b"}


def test_the_digest_is_of_the_tensors_not_of_the_file(tmp_path: Path) -> None:
    """Container, order and integer constants do not matter; a name, a shape, a type and one bit do."""
    state = {
        "a": torch.arange(6.0).reshape(2, 3),
        "b": torch.tensor(0.5),
        "c": torch.ones(2, dtype=torch.bfloat16),
    }
    save_file(state, tmp_path / "m.safetensors")
    torch.save(dict(reversed(state.items())), tmp_path / "m.bin")
    digest = weights_sha256(state)
    assert weights_sha256(read_checkpoint(tmp_path / "m.safetensors")) == digest
    assert weights_sha256(read_checkpoint(tmp_path / "m.bin")) == digest
    assert weights_sha256({**state, "position_ids": torch.arange(4)}) == digest
    assert weights_sha256({**state, "a": state["a"].T.contiguous().T}) == digest
    flipped = state["a"].clone()
    flipped.view(torch.int32)[0, 0] ^= 1
    changes = [
        {**state, "a": flipped},
        {**state, "a": state["a"].reshape(3, 2)},
        {**state, "a": state["a"].double()},
        {"z": state["a"], "b": state["b"], "c": state["c"]},
    ]
    assert len({digest, *map(weights_sha256, changes)}) == 5


def test_the_digest_is_fixed() -> None:
    """The recipe, written out: results of different versions of this package compare by it."""
    import hashlib

    text = (
        b"b|torch.float32|()|"
        + bytes([0, 0, 0, 63])
        + b"w|torch.float32|(1, 2)|"
        + bytes([0, 0, 128, 63]) * 2
    )
    state = {"w": torch.ones(1, 2), "b": torch.tensor(0.5), "n": torch.tensor(3)}
    assert weights_sha256(state) == hashlib.sha256(text).hexdigest()


def test_a_strict_load_names_at_most_five_keys_of_a_kind() -> None:
    """Seven missing: five names, and the count."""
    module = torch.nn.Sequential(*(torch.nn.Linear(1, 1, bias=False) for _ in range(7)))
    before = [one.clone() for one in module.parameters()]
    with pytest.raises(ModelError, match=r"7 missing \((\d\.weight, ){5}…\); 1 unexpected \(stray\)"):
        load_strictly(module, {"stray": torch.zeros(1)}, "it")
    assert all(torch.equal(old, new) for old, new in zip(before, module.parameters(), strict=True))
