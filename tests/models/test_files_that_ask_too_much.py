"""Files of models whose numbers would end the process, take hours, or fail only when they are used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from model_factories import write_bert_tokenizer

from medimeta_c.errors import ModelError
from medimeta_c.models.families.open_clip_build import build_module
from medimeta_c.models.tokenizers import HfTokens, read_tokenizer


def test_a_setting_that_fails_only_when_texts_are_split_is_one_sentence(tmp_path: Path) -> None:
    """Transformers takes any value for the longest text, and compares it with a length later."""
    write_bert_tokenizer(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_max_length": []}))
    tokens = HfTokens(read_tokenizer(tmp_path), 16)
    with pytest.raises(ModelError, match="cannot split texts into tokens"):
        tokens.lengths(["a photo"])


def test_tokens_numbered_far_beyond_their_count_are_refused(tmp_path: Path) -> None:
    """The library would take memory for every number up to the largest, and end the process."""
    write_bert_tokenizer(tmp_path)
    file = tmp_path / "tokenizer.json"
    values = json.loads(file.read_text())
    token = next(iter(values["model"]["vocab"]))
    values["model"]["vocab"][token] = 2**31
    file.write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"numbers \d+ tokens up to 2147483648"):
        read_tokenizer(tmp_path)


def test_a_file_that_a_setting_names_is_shown_on_one_line(tmp_path: Path) -> None:
    write_bert_tokenizer(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"vocab": "a\nb"}))
    with pytest.raises(ModelError, match="takes the setting vocab from the file a b, which is not read"):
        read_tokenizer(tmp_path)


@pytest.mark.parametrize("layers", [2**16, [1, 2**16, 1, 1]])
def test_a_configuration_of_more_layers_than_any_model_has_is_refused(layers: Any) -> None:
    """Building them would take hours."""
    cfg = {"embed_dim": 8, "vision_cfg": {"layers": layers}, "text_cfg": {"layers": 1}}
    with pytest.raises(ModelError, match="asks for 65536 layers in vision_cfg"):
        build_module(cfg, None, "a model")


def test_the_name_of_a_text_tower_is_shown_on_one_line(tmp_path: Path) -> None:
    cfg = {"embed_dim": 8, "vision_cfg": {}, "text_cfg": {"hf_model_name": "tow\ner"}}
    with pytest.raises(ModelError, match="and tow er did not come from the Hub") as caught:
        build_module(cfg, tmp_path, "a model")
    assert "\n" not in str(caught.value)
