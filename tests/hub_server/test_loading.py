"""`datasets` and open_clip load by repository id from the loopback Hub."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hub_server import HubServer, hub_environment, run_client

CARD = """---
configs:
- config_name: pbc
  default: true
  data_files:
  - split: test
    path: data/pbc/*/*.parquet
- config_name: pbc-blur
  data_files:
  - split: test
    path: data/pbc/blur/*.parquet
---
"""
ROWS = 40


def shard(severity: int, filler: int = 50) -> bytes:
    """A Parquet file with a class label whose names are in the schema metadata; `filler` bytes a row."""
    columns = {
        "label": pa.array([row % 2 for row in range(ROWS)], pa.int64()),
        "severity": pa.array([severity] * ROWS, pa.int8()),
        "filler": pa.array([row.to_bytes(1, "big") * filler for row in range(ROWS)], pa.binary()),
    }
    features = {
        "label": {"names": ["benign", "malignant"], "_type": "ClassLabel"},
        "severity": {"dtype": "int8", "_type": "Value"},
        "filler": {"dtype": "binary", "_type": "Value"},
    }
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    stream = io.BytesIO()
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), stream, compression="none")
    return stream.getvalue()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, HubServer]]:
    """What one script made of the repositories below, and the hub it asked."""
    pytest.importorskip("datasets")
    viewed = {
        "config_name": "default",
        "splits": {"test": {"name": "test", "num_examples": ROWS, "num_bytes": 1}},
    }
    files = {"README.md": CARD, "data/pbc/clean/0.parquet": shard(0), "data/pbc/blur/3.parquet": shard(3)}
    script = """
        from datasets import load_dataset
        whole = load_dataset("org/bench", "pbc", split="test")
        streamed = {"path": "org/bench", "name": "pbc", "split": "test", "streaming": True}
        wanted = {"columns": ["label", "severity"], "filters": [("severity", "==", 3)]}
        rows = list(load_dataset(**streamed, **wanted))
        filtered = load_dataset("org/bench", "pbc-blur", split="test", filters=[("label", "==", 1)])
        one = {"columns": ["label"], "filters": [("label", "==", 1)]}
        report({
            "whole": len(whole), "names": whole.features["label"].names, "columns": whole.column_names,
            "streamed": [len(rows), rows[1]], "all streamed": sum(1 for _ in load_dataset(**streamed)),
            "filtered": [len(filtered), filtered[0]["severity"]],
            "tagged": len(load_dataset("org/bench", split="test", revision="v1")),
            "viewed": outcome(load_dataset, "org/viewed", split="test", **one),
            "viewed streaming": len(list(load_dataset("org/viewed", split="test", streaming=True, **one))),
            "missing": outcome(load_dataset, "org/missing"), "gated": outcome(load_dataset, "org/gated"),
            "no config": outcome(load_dataset, "org/bench", "oct"),
        })
    """
    with HubServer() as hub:
        repo = hub.store.add_repo("dataset", "org/bench", files)
        repo.tag("v1")
        repo.commit({"data/pbc/blur/5.parquet": shard(5)})
        hub.store.add_repo("dataset", "org/viewed", {"data/test-0.parquet": shard(0)}).viewer_info = {
            "default": viewed
        }
        hub.store.add_repo("dataset", "org/gated", {"README.md": CARD}, gated=True)
        environment = hub_environment(hub, tmp_path_factory.mktemp("loading"), token=None)
        # Streaming imports torch if it may, only to ask whether a worker of it is running.
        yield run_client(script, {**environment, "USE_TORCH": "0"}), hub


def test_load_dataset_by_name(loaded: tuple[Any, HubServer]) -> None:
    """A configuration of the card loads as a whole, with its class names, and at a tag."""
    answer, _ = loaded
    assert answer["whole"] == 3 * ROWS
    assert answer["names"] == ["benign", "malignant"]
    assert answer["columns"] == ["label", "severity", "filler"]
    assert answer["tagged"] == 2 * ROWS


def test_columns_and_filters(loaded: tuple[Any, HubServer]) -> None:
    """`columns` and `filters` work downloaded and streamed."""
    answer, _ = loaded
    assert answer["streamed"] == [ROWS, {"label": 1, "severity": 3}]
    assert answer["all streamed"] == 3 * ROWS
    assert answer["filtered"] == [ROWS, 3]


def test_viewer_counts_break_filters(loaded: tuple[Any, HubServer]) -> None:
    """What the dataset viewer knows of split sizes makes `filters` fail downloaded, not streamed."""
    answer, _ = loaded
    assert answer["viewed"] == "NonMatchingSplitsSizesError"
    assert answer["viewed streaming"] == ROWS // 2


def test_what_cannot_be_loaded(loaded: tuple[Any, HubServer]) -> None:
    """A missing and a gated dataset, and an unknown configuration, are told apart from failures."""
    answer, _ = loaded
    assert (answer["missing"], answer["gated"]) == ("DatasetNotFoundError", "DatasetNotFoundError")
    assert answer["no config"] == "ValueError"


def test_loading_stays_on_the_hub(loaded: tuple[Any, HubServer]) -> None:
    """Loading asks no other host, and streams by ranges."""
    _, hub = loaded
    assert hub.outside == []
    assert any(e.status == 206 and e.path.startswith("/storage/") for e in hub.requests)


def test_streaming_reads_a_part(hub: HubServer, tmp_path: Path) -> None:
    """A reader that wants one small column of a large remote file fetches a small part of it."""
    content = shard(1, filler=200_000)
    hub.store.add_repo("dataset", "org/bench", {"big.parquet": content})
    script = """
        import pyarrow.parquet as pq
        from huggingface_hub import HfFileSystem
        with HfFileSystem().open("datasets/org/bench@main/big.parquet", block_size=2**16) as stream:
            report(pq.read_table(stream, columns=["label"]).num_rows)
    """
    assert run_client(script, hub_environment(hub, tmp_path)) == ROWS
    sent = sum(exchange.sent for exchange in hub.requests if exchange.path.startswith("/storage/"))
    assert len(content) > 8_000_000
    assert 0 < sent < len(content) / 10


@pytest.mark.slow
def test_open_clip_from_the_hub(hub: HubServer, tmp_path: Path) -> None:
    """A model pushed as a folder loads with ``hf-hub:org/name``, weights and all."""
    pytest.importorskip("open_clip")
    script = """
        import json, pathlib
        import open_clip, torch
        from huggingface_hub import HfApi
        from safetensors.torch import save_file
        vision = {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}
        text = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
        model = open_clip.CLIP(embed_dim=32, vision_cfg=vision, text_cfg=text)
        folder = pathlib.Path("model")
        folder.mkdir()
        save_file(model.state_dict(), folder / "open_clip_model.safetensors")
        architecture = {"embed_dim": 32, "vision_cfg": vision, "text_cfg": text}
        preprocess = {"mean": [0.5] * 3, "std": [0.5] * 3}
        config = {"model_cfg": architecture, "preprocess_cfg": preprocess}
        (folder / "open_clip_config.json").write_text(json.dumps(config))
        HfApi().create_repo("org/tiny")
        HfApi().upload_folder(repo_id="org/tiny", folder_path=folder)
        loaded, _, preprocess = open_clip.create_model_and_transforms("hf-hub:org/tiny")
        tokens = open_clip.get_tokenizer("hf-hub:org/tiny")(["a cell"])
        loaded.eval(), model.eval()
        with torch.inference_mode():
            report([torch.equal(loaded.encode_text(tokens), model.encode_text(tokens)), list(tokens.shape)])
    """
    assert run_client(script, hub_environment(hub, tmp_path)) == [True, [1, 16]]
    assert hub.outside == []
    assert hub.store.repo("org/tiny", "model").paths()[1:] == [
        "open_clip_config.json",
        "open_clip_model.safetensors",
    ]
