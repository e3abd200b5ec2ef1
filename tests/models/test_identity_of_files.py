"""Equal identity means equal outputs: one bit of a model's files is flipped, part by part, family by family.

Either the model is refused, or its identity or preprocessing changes, or every output stays the same.
"""

from __future__ import annotations

import json
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from model_factories import WORDS, make_biomedclip_folder, make_open_clip_folder, picture, write_siglip
from published_folders import PUBLISHED
from tiny_vlm import write_gemma3, write_llava, write_qwen2_vl
from transformers import CLIPModel
from transformers_folders import write_clip

from medimeta_c.errors import MediMetaError, ModelError
from medimeta_c.models import AnswerScorer, Model, load_model

Writer = Callable[[Path], str]
"""Writes a small model of a family into a folder, and returns its spec."""


def in_shards(folder: Path) -> Path:
    """Save the weights again, in several files with an index."""
    model = CLIPModel.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="60KB")
    assert (folder / "model.safetensors.index.json").is_file()
    return folder


FAMILIES: dict[str, Writer] = {
    "open_clip": lambda folder: f"local-dir:{make_open_clip_folder(folder, image_size=28)}",
    "biomedclip": lambda folder: f"local-dir:{make_biomedclip_folder(folder)}",
    "clip": lambda folder: f"transformers:{write_clip(folder)}",
    "clip in shards": lambda folder: f"transformers:{in_shards(write_clip(folder))}",
    "siglip": lambda folder: f"transformers:{write_siglip(folder)}",
    "qwen2-vl": lambda folder: f"vlm:{write_qwen2_vl(folder)}",
    "llava": lambda folder: f"vlm:{write_llava(folder)}",
    "gemma3": lambda folder: f"vlm:{write_gemma3(folder)}",
    **PUBLISHED,
}
POSITIONS, OF_LARGE = 14, 4
"""Positions tried in each file, and in a large one; a file with fewer parts has one in each."""

LARGE = 20_000_000
EXPENSIVE = {"biovil-t", "cxr-clip resnet", "cxr-clip swin", "flair", "medclip resnet", "medclip vit"}
"""Families of one size alone, with files of a hundred megabytes and more."""

TEXTS = [
    *WORDS,
    "A photo of The (normal) Retina, x-ray 3-7",
    "abcdefghijklmnopqrstuvwxyz 0123456789",
    "naïve 網膜",
]
QUESTION = "What does this image show?"
PICTURES = [picture(224, 224), picture(60, 45), picture(31, 90, grey=True)]


def load(spec: str) -> Model | AnswerScorer:
    model = load_model(spec)
    assert isinstance(model, Model | AnswerScorer)
    return model


def outputs(model: Model | AnswerScorer) -> list[torch.Tensor]:
    """What the model makes of some texts and pictures, through its own transform."""
    if isinstance(model, AnswerScorer):
        scores = [model.log_probabilities([one], [QUESTION], WORDS[-3:]) for one in (None, *PICTURES)]
        said = model.generate(PICTURES, [(QUESTION,)] * len(PICTURES), 4)
        return [*scores, *(torch.tensor(list(text.encode())) for text in said)]
    texts = [model.encode_texts([text]) for text in TEXTS]
    images = [model.encode_images(model.preprocess(one)[None]) for one in PICTURES]
    return [*texts, *images, torch.tensor([model.logit_scale, model.logit_bias or 0.0])]


def known(model: Model | AnswerScorer) -> dict[str, Any]:
    """What a result holds of a model: identity, apart from where it lies, and preprocessing."""
    prepared = model.preprocessing.plain_values() if isinstance(model, Model) else dict(model.settings)
    return {**model.identity.model_dump(exclude={"spec"}), "preprocessing": prepared}


def parts_of(path: Path) -> list[tuple[int, int]]:
    """Return the parts of a file as spans: tensors and header, members of an archive, lines of a text."""
    data = path.read_bytes()
    if path.suffix == ".safetensors":
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        tensors = [one["data_offsets"] for name, one in header.items() if name != "__metadata__"]
        return [(0, 8), (8, 8 + size), *((8 + size + a, 8 + size + b) for a, b in tensors if b > a)]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            starts = sorted(info.header_offset for info in archive.infolist())
        return list(zip(starts, [*starts[1:], len(data)], strict=True))
    if path.suffix in {".json", ".txt"} and data.count(b"\n") < 3:  # written without lines
        data = data.replace(b",", b"\n")
    ends = [index + 1 for index, byte in enumerate(data) if byte == ord("\n")] or [len(data)]
    spans = zip([0, *ends], [*ends, len(data)], strict=False)
    return [(start, end) for start, end in spans if end > start]


def flips(path: Path, seed: int) -> Iterator[tuple[int, int]]:
    """Yield a byte and a bit in some parts of a file; of a float the highest byte, so that it is noticed."""
    draw = random.Random(seed)
    parts = parts_of(path)
    wanted = OF_LARGE if path.stat().st_size > LARGE else POSITIONS
    for start, end in draw.sample(parts, min(wanted, len(parts))):
        at = draw.randrange(start, end)
        if path.suffix == ".safetensors" and end - start >= 4 and start > 8:
            at = start + (at - start) // 4 * 4 + 3
        yield at, draw.randrange(7)


def marked(name: str) -> object:
    """An expensive family waits for the slow tier."""
    return pytest.param(name, marks=pytest.mark.slow) if name in EXPENSIVE else name


@pytest.fixture(params=[marked(name) for name in FAMILIES])
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.slow
def test_a_flipped_bit_is_refused_or_another_model_or_changes_nothing(family: str, tmp_path: Path) -> None:
    """In every file below the model's folder, one position in each of its parts."""
    spec = FAMILIES[family](tmp_path / "model")
    model = load(spec)
    identity, before = known(model), outputs(model)
    files = sorted(one for one in (tmp_path / "model").rglob("*") if one.is_file())
    tried = 0
    for path in files:
        for at, bit in flips(path, seed=len(path.name)):
            whole = path.read_bytes()
            path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << bit)]) + whole[at + 1 :])
            tried += 1
            try:
                other = load(spec)
                if known(other) == identity:
                    for one, two in zip(outputs(other), before, strict=True):
                        assert torch.equal(one, two), (
                            f"{path.name}, byte {at}, bit {bit}: {whole[at - 20 : at + 20]!r}"
                        )
            except MediMetaError:
                continue  # refused, by loading or for a text that has become too long
            finally:
                path.write_bytes(whole)
    assert tried >= min(POSITIONS, sum(len(parts_of(path)) for path in files))
    assert known(load(spec)) == identity


def test_the_same_files_elsewhere_are_the_same_model(family: str, tmp_path: Path) -> None:
    """Where a model lies is no part of what it is."""
    spec = FAMILIES[family](tmp_path / "model")
    shutil.copytree(tmp_path / "model", tmp_path / "copy")
    other = spec.replace(str(tmp_path / "model"), str(tmp_path / "copy"))
    assert known(load(spec)) == known(load(other))


@pytest.mark.parametrize("change", ["activation", "vocabulary", "merges", "stale shard"])
def test_what_the_weights_do_not_show_is_part_of_the_identity(change: str, tmp_path: Path) -> None:
    """Another activation, or other tokens for a text: another model. A stale shard: no model."""
    folder = in_shards(write_clip(tmp_path / "model"))
    before = known(load_model(f"transformers:{folder}"))
    if change == "stale shard":
        shard = next(folder.glob("model-0*.safetensors"))
        shutil.copy(shard, folder / "model-00099-of-00099.safetensors")
        with pytest.raises(ModelError, match=r"holds the tensor .* and in another file"):
            load_model(f"transformers:{folder}")
        return
    name = "config.json" if change == "activation" else "tokenizer.json"
    values = json.loads((folder / name).read_text())
    if change == "activation":
        values["text_config"]["hidden_act"] = values["vision_config"]["hidden_act"] = "gelu"
    elif change == "vocabulary":  # two letters that no probe has
        vocab = values["model"]["vocab"]
        vocab["9"], vocab["8"] = vocab["8"], vocab["9"]
    else:
        values["model"]["merges"].reverse()
    (folder / name).write_text(json.dumps(values))
    try:
        assert known(load_model(f"transformers:{folder}")) != before
    except MediMetaError:
        assert change == "merges"  # a merge of what is not there yet
