"""Batches to predictions: the model's own numbers, whatever the batches, workers or paths."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from model_factories import make_open_clip_folder  # noqa: E402
from PIL import Image  # noqa: E402

from medimeta_c.errors import ConfigError, ModelError, ShardError  # noqa: E402
from medimeta_c.format import png  # noqa: E402
from medimeta_c.format.benchmark import open_benchmark  # noqa: E402
from medimeta_c.format.keys import SetKey  # noqa: E402
from medimeta_c.format.shards import Row, ShardWriter  # noqa: E402
from medimeta_c.format.spectrum import spectrum  # noqa: E402
from medimeta_c.models import Model, load_model  # noqa: E402
from medimeta_c.prompts.templates import ClassPrompts  # noqa: E402
from medimeta_c.results.predictions import NO_PREDICTION, CellPredictions  # noqa: E402
from medimeta_c.scoring.decoding import Chunk, Prepare, chunks_of, decode, decode_all  # noqa: E402
from medimeta_c.scoring.devices import choose_device  # noqa: E402
from medimeta_c.scoring.inference import Predictor, normalise  # noqa: E402
from medimeta_c.scoring.zero_shot import ZeroShot, class_embeddings  # noqa: E402

CPU = torch.device("cpu")
NAMES = {"cells": ("class0", "class1", "class2"), "rays": ("class0", "class1")}
KEYS = [
    SetKey("cells", "test", "clean", 0),
    SetKey("cells", "test", "contrast", 3),
    SetKey("rays", "test", "clean", 0),
    SetKey("rays", "test", "motion_blur", 5),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    make_open_clip_folder(folder, seed=3, image_size=32)
    return load_model(f"local-dir:{folder}")


def prompts(dataset: str, templates: Sequence[str] = ("a photo of {}",)) -> ClassPrompts:
    names = NAMES[dataset]
    texts = tuple(tuple(template.format(name) for template in templates) for name in names)
    return ClassPrompts(dataset=dataset, class_names=names, class_words=names, prompts=texts)


def predictor(model: Model, **options: int) -> Predictor:
    embeddings = {name: class_embeddings(model, prompts(name)) for name in NAMES}
    return Predictor(ZeroShot(model, embeddings), device=CPU, **{"batch_size": 8, "workers": 0, **options})


def predict(model: Model, root: Path, **options: int) -> list[CellPredictions]:
    return list(predictor(model, **options).predict(open_benchmark(root), KEYS))


def test_probabilities_are_the_softmax_of_scaled_cosines(model: Model, built: Path) -> None:
    """Each cell equals the definition, image by image through the model's own transform."""
    bench = open_benchmark(built)
    for cell in predict(model, built):
        text = class_embeddings(model, prompts(cell.key.dataset))
        (batch,) = bench.batches(cell.key, batch_size=100)
        assert cell.image_ids == batch.image_ids
        assert cell.labels.tolist() == batch.labels.tolist()
        pixels = torch.stack([model.preprocess(Image.fromarray(image)) for image in batch.images])
        image = torch.nn.functional.normalize(model.encode_images(pixels), dim=-1)
        logits = (image @ text.T * model.logit_scale).double()
        np.testing.assert_allclose(cell.probabilities, torch.softmax(logits, -1).numpy(), atol=1e-5)
        assert cell.predictions.tolist() == logits.argmax(-1).tolist()


@pytest.mark.parametrize(
    "options", [{"batch_size": 1}, {"batch_size": 7}, {"batch_size": 64}, {"workers": 2}]
)
def test_batches_and_workers_change_nothing(model: Model, built: Path, options: dict[str, int]) -> None:
    """Predictions in fp32 are the same for every batch size, across sets, and with worker processes."""
    for one, other in zip(predict(model, built), predict(model, built, **options), strict=True):
        assert one.key == other.key
        assert one.image_ids == other.image_ids
        assert one.predictions.tolist() == other.predictions.tolist()
        np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-5)


@pytest.mark.parametrize("shape", [(5, 32, 32, 3), (5, 32, 32)])
def test_device_normalisation_is_the_models_own(model: Model, shape: tuple[int, ...]) -> None:
    """Raw pixels of the model's size, normalised as a batch, are bit for bit its transform's tensors."""
    images = np.random.Generator(np.random.Philox(key=4)).integers(0, 256, shape, dtype=np.uint8)
    assert model.preprocessing.is_normalise_only(32, 32)
    ours = normalise(torch.from_numpy(images), model.preprocessing)
    theirs = torch.stack([model.preprocess(Image.fromarray(image)) for image in images])
    assert torch.equal(ours, theirs)


def test_images_of_the_models_size_stay_raw_and_others_are_transformed(model: Model, built: Path) -> None:
    """Whether pixels travel as uint8 depends on their size alone."""
    key, bench = KEYS[0], open_benchmark(built)
    chunks = list(chunks_of(bench, [key]))
    is_raw = model.preprocessing.is_normalise_only
    (prepared,) = decode_all(chunks, Prepare(transform=model.preprocess, is_raw=is_raw), workers=0)
    assert (prepared.images.dtype, prepared.images.shape[1:]) == (np.float32, (3, 32, 32))
    (raw,) = decode_all(
        chunks,
        Prepare(
            transform=model.preprocess,
            is_raw=model.preprocessing.model_copy(update={"size": (22, 26)}).is_normalise_only,
        ),
        workers=0,
    )
    assert (raw.images.dtype, raw.images.shape[1:]) == (np.uint8, (22, 26, 3))


def _written(folder: Path, images: Sequence[np.ndarray]) -> Chunk:
    """Write images as one row group of a shard."""
    key = SetKey("cells", "test", "contrast", 3)
    with ShardWriter(folder, key, ("class0",)) as writer:
        for index, image in enumerate(images):
            row = Row(
                image_id=f"{index:06d}",
                label=0,
                data=png.encode(image),
                pixels_sha256=png.digest(image),
                spectrum=spectrum(image),
            )
            writer.add(row)
        (record,) = writer.finish()
    return Chunk(key=key, path=folder / record.path, row_group=0)


def test_of_a_row_group_two_pictures_at_most_are_in_memory_decoded(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures larger than the model's are let go one by one, in order, and come out as its transform's."""
    images = [np.full((40, 60), index, np.uint8) for index in range(20)]
    chunk = _written(tmp_path, images)
    alive: list[weakref.ref[np.ndarray]] = []
    most: list[int] = []
    plain = png.decode

    def watched(data: bytes) -> np.ndarray:
        image = plain(data)
        alive.append(weakref.ref(image))
        most.append(sum(one() is not None for one in alive))
        return image

    monkeypatch.setattr(png, "decode", watched)
    is_raw = model.preprocessing.is_normalise_only
    found = decode(chunk, Prepare(transform=model.preprocess, is_raw=is_raw))
    assert max(most) <= 2
    assert len(most) == 20
    assert found.pixels_sha256 == tuple(map(png.digest, images))
    expected = [model.preprocess(Image.fromarray(image)).numpy() for image in images]
    np.testing.assert_array_equal(found.images, np.stack(expected))


@pytest.mark.parametrize("odd", [0, 2, 4])
@pytest.mark.parametrize("shape", [(40, 60), (32, 32), (32, 32, 3)], ids=str)
def test_a_chunk_is_of_one_kind_wherever_its_odd_picture_stands(
    model: Model, tmp_path: Path, odd: int, shape: tuple[int, ...]
) -> None:
    """Pictures of the model's size stay raw if all are alike; an odd one has all transformed, in order."""
    draw = np.random.Generator(np.random.Philox(key=6)).integers
    images = [draw(0, 256, (32, 32), dtype=np.uint8) for _ in range(5)]
    images[odd] = draw(0, 256, shape, dtype=np.uint8)
    is_raw = model.preprocessing.is_normalise_only
    found = decode(_written(tmp_path, images), Prepare(transform=model.preprocess, is_raw=is_raw))
    if shape == (32, 32):
        np.testing.assert_array_equal(found.images, np.stack(images))
    else:
        expected = [model.preprocess(Image.fromarray(image)).numpy() for image in images]
        np.testing.assert_array_equal(found.images, np.stack(expected))


def test_several_templates_are_averaged_after_normalising(model: Model) -> None:
    """A class of several prompts is the normalised mean of the normalised embeddings."""
    several = class_embeddings(model, prompts("rays", ("a photo of {}", "an image of {}")))
    for index, name in enumerate(NAMES["rays"]):
        one = torch.nn.functional.normalize(
            model.encode_texts([f"a photo of {name}", f"an image of {name}"]), dim=-1
        )
        expected = torch.nn.functional.normalize(one.mean(0), dim=-1)
        torch.testing.assert_close(several[index], expected)


class Wrapped:
    """A model with one method replaced."""

    def __init__(self, model: Model, encode_images) -> None:
        self._model, self._encode = model, encode_images

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def encode_images(self, pixels):
        return self._encode(self._model, pixels)


def test_memory_shortage_halves_the_batch_and_says_so(
    model: Model, built: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A device that holds three images at a time gives the same predictions, with a warning."""

    def small(inner: Model, pixels):
        if len(pixels) > 3:
            raise torch.OutOfMemoryError("full")
        return inner.encode_images(pixels)

    short = predictor(Wrapped(model, small), batch_size=16)  # type: ignore[arg-type]
    cells = list(short.predict(open_benchmark(built), KEYS))
    assert short.batch_size == 3  # a quarter of a set of 12, which is less than a batch
    assert "continuing with batches of 6" in caplog.text
    for one, other in zip(predict(model, built), cells, strict=True):
        assert one.predictions.tolist() == other.predictions.tolist()


def test_no_memory_at_all_is_one_sentence(model: Model, built: Path) -> None:
    """When a single image does not fit, the message says what to change."""

    def none(inner: Model, pixels):
        raise torch.OutOfMemoryError("full")

    with pytest.raises(ModelError, match="too little memory for a single image"):
        list(predictor(Wrapped(model, none)).predict(open_benchmark(built), KEYS))  # type: ignore[arg-type]


def test_nan_is_counted_not_hidden(model: Model, built: Path) -> None:
    """An image whose embedding is NaN has no prediction; the others keep theirs."""

    def sometimes(inner: Model, pixels):
        features = inner.encode_images(pixels).clone()
        features[0] = torch.nan
        return features

    cell = next(predictor(Wrapped(model, sometimes), batch_size=12).predict(open_benchmark(built), KEYS))  # type: ignore[arg-type]
    assert cell.predictions[0] == NO_PREDICTION
    assert (cell.predictions[1:] >= 0).all()
    assert np.isnan(cell.probabilities[0]).all()


def test_what_is_scored_is_what_the_manifest_states(model: Model, built: Path, tmp_path: Path) -> None:
    """A label or image changed since the build stops the evaluation at its cell."""
    import shutil

    import pyarrow as pa
    import pyarrow.parquet as pq

    copy = Path(shutil.copytree(built, tmp_path / "copy"))
    path = copy / open_benchmark(copy).record(KEYS[1]).shards[0].path
    table = pq.read_table(path)
    labels = pa.array([0] * table.num_rows, pa.int64())
    pq.write_table(table.set_column(table.schema.get_field_index("label"), "label", labels), path)
    cells = predictor(model).predict(open_benchmark(copy), KEYS)
    assert next(cells).key == KEYS[0]
    with pytest.raises(ShardError, match="cells/test/contrast/severity-3 are not those its manifest states"):
        next(cells)
    pq.write_table(table.slice(0, 5), path)
    with pytest.raises(ShardError, match="contrast"):
        list(predictor(model).predict(open_benchmark(copy), KEYS))


def test_double_precision_is_asked_of_the_cpu_alone(
    model: Model, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apple's devices have none: logits leave the device first."""

    class OnDevice(torch.Tensor):
        def double(self):
            raise TypeError("the device has no double")

        def cpu(self):
            return self.as_subclass(torch.Tensor)

    logits = ZeroShot.logits
    monkeypatch.setattr(ZeroShot, "logits", lambda *arguments: logits(*arguments).as_subclass(OnDevice))
    assert [cell.key for cell in predict(model, built)] == KEYS


@pytest.mark.parametrize("name", ["cud", "tpu", "gpu"])
def test_a_device_that_does_not_exist_is_named(name: str) -> None:
    """The message lists what may be used, and names the nearest, which a CPU is not to a GPU."""
    with pytest.raises(ConfigError, match=f"unknown device '{name}'.*known: auto") as caught:
        choose_device(name)
    assert ("did you mean 'cuda'" in str(caught.value)) == (name == "cud")
    assert "mean 'cpu'" not in str(caught.value)


@pytest.mark.parametrize("name", ["cuda:77", "meta"])
def test_a_device_that_is_not_there_is_named(name: str) -> None:
    """The message lists what may be used."""
    with pytest.raises(ConfigError, match=f"device '{name}' cannot be used here"):
        choose_device(name)
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
