"""Workers ahead of the model, and batches on their way to it: the same results, in order."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the evaluate extra")

from medimeta_c.errors import ShardError  # noqa: E402
from medimeta_c.format import png  # noqa: E402
from medimeta_c.format.benchmark import open_benchmark  # noqa: E402
from medimeta_c.scoring.decoding import Decoded, Prepare, chunks_of, decode_all  # noqa: E402
from medimeta_c.scoring.feeding import pools  # noqa: E402
from medimeta_c.scoring.feeding.transfer import Transfer  # noqa: E402

# Of height and width, which differ here. Functions of this module would have workers import all of it.
RAW = Prepare(transform=np.asarray, is_raw=operator.ne)
TRANSFORMED = Prepare(transform=np.asarray, is_raw=operator.eq)


def refused(**options: object) -> None:
    raise AssertionError(options)


def decoded(root: Path, prepare: Prepare, workers: int) -> list[Decoded]:
    bench = open_benchmark(root)
    return list(decode_all(chunks_of(bench, bench.sets[:6]), prepare, workers=workers))


@pytest.mark.parametrize(("prepare", "workers"), [(RAW, 1), (RAW, 2), (RAW, 5), (TRANSFORMED, 2)])
def test_any_number_of_workers_gives_the_same_bytes(built: Path, prepare: Prepare, workers: int) -> None:
    for one, other in zip(decoded(built, prepare, 0), decoded(built, prepare, workers), strict=True):
        assert (one.key, one.image_ids, one.pixels_sha256) == (
            other.key,
            other.image_ids,
            other.pixels_sha256,
        )
        assert one.images.dtype == other.images.dtype
        assert one.images.tobytes() == other.images.tobytes()
        assert one.labels.tobytes() == other.labels.tobytes()


def test_raw_images_are_decoded_in_threads(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No pixel is pickled."""
    monkeypatch.setattr(pools, "ProcessPoolExecutor", refused)
    assert decoded(built, RAW, 2)


def test_what_a_models_own_transform_prepares_is_decoded_in_processes(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds the lock that threads share."""
    monkeypatch.setattr(pools, "ThreadPoolExecutor", refused)
    assert decoded(built, TRANSFORMED, 2)


def test_an_error_of_a_thread_is_raised_here(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png, "decode", lambda data: refuse())
    for workers in (0, 2):
        with pytest.raises(ShardError, match="not an image"):
            decoded(built, RAW, workers)


def refuse() -> None:
    raise ShardError("not an image")


def numbers(count: int, started: list[int]) -> Iterator[tuple[Callable[[], int], bool]]:
    for index in range(count):
        started.append(index)
        yield partial(pow, index, 2), False


def test_results_come_in_order_and_tasks_are_asked_for_as_results_are_taken() -> None:
    started: list[int] = []
    results = pools.ahead(numbers(1000, started), workers=2)
    assert next(results) == 0
    assert len(started) <= 2 * 3 + 2
    assert list(results) == [index * index for index in range(1, 1000)]


def test_no_thread_outlives_a_reader_that_stops() -> None:
    before = {*threading.enumerate()}
    results = pools.ahead(numbers(1000, []), workers=3)
    next(results)
    results.close()
    assert {*threading.enumerate()} <= before


PARTS = (np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.full((2, 2, 2), 7, np.uint8))


def test_a_batch_for_the_cpu_is_its_parts() -> None:
    transfer = Transfer(torch.device("cpu"))
    batch = transfer.moved(transfer.joined(PARTS))
    assert batch.numpy().tobytes() == np.concatenate(PARTS).tobytes()
    assert transfer.joined(PARTS[:1]).data_ptr() == PARTS[0].ctypes.data  # a part alone is not copied


class FakeStream:
    def __init__(self, name: str, calls: list[str]) -> None:
        self.name, self._calls = name, calls

    def wait_stream(self, other: FakeStream) -> None:
        self._calls.append(f"{self.name} waits for {other.name}")

    def __enter__(self) -> None:
        self._calls.append(f"in {self.name}")

    def __exit__(self, *_: object) -> None:
        self._calls.append(f"out of {self.name}")


def test_to_cuda_a_batch_goes_from_locked_memory_beside_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied in another stream without waiting; the model's stream waits, and holds the copy's memory."""
    calls: list[str] = []
    side, main = FakeStream("side", calls), FakeStream("model", calls)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: side)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: main)
    empty = torch.empty

    def locked(shape: tuple[int, ...], *, dtype: Any, pin_memory: bool) -> Any:
        calls.append(f"locked {pin_memory}")
        return empty(shape, dtype=dtype)

    monkeypatch.setattr(torch, "empty", locked)

    class Batch:
        def to(self, device: object, *, non_blocking: bool) -> Any:
            calls.append(f"to {device}, non-blocking {non_blocking}")
            return SimpleNamespace(record_stream=lambda stream: calls.append(f"held by {stream.name}"))

    transfer = Transfer(torch.device("cuda:1"))
    joined = transfer.joined(PARTS)
    assert joined.numpy().tobytes() == np.concatenate(PARTS).tobytes()
    transfer.moved(Batch())  # type: ignore[arg-type]
    assert calls == [
        "locked True",
        "in side",
        "to cuda:1, non-blocking True",
        "out of side",
        "model waits for side",
        "held by model",
    ]
