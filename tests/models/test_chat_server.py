"""Models behind a server, on loopback: what is sent, and every way in which the server fails."""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from model_factories import picture
from PIL import Image

from medimeta_c.errors import ConfigError, ModelError
from medimeta_c.models import Answerer, AnswerScorer, load_model
from medimeta_c.models.answering import server as module


class Chat:
    """A server that answers as `reply` says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.reply: Callable[[dict[str, Any]], tuple[int, bytes]] = lambda body: (200, completion("class1"))
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                chat.sent.append((body, dict(self.headers)))
                status, content = chat.reply(body)
                if not status:
                    self.connection.close()
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.spec = f"openai:tiny/vlm@http://127.0.0.1:{self.server.server_address[1]}/v1"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def completion(text: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


@pytest.fixture
def offline() -> None:
    """Loopback is needed here."""


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0))
    monkeypatch.delenv(module.KEY, raising=False)
    made = Chat()
    yield made
    made.close()


def test_questions_images_and_settings_are_sent(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image losslessly before the question; turns in order; temperature 0; the key as a header only."""
    monkeypatch.setenv(module.KEY, "secret-key")
    model = load_model(chat.spec)
    assert isinstance(model, Answerer)
    assert not isinstance(model, AnswerScorer)
    image = picture(20, 30)
    assert model.generate([image, None], [("What?",), ("What?", "class0", "How sure?")], 7) == ["class1"] * 2
    bodies = sorted((body for body, _ in chat.sent[1:]), key=lambda body: len(body["messages"]))
    assert all(
        (each["model"], each["temperature"], each["max_tokens"]) == ("tiny/vlm", 0, 7) for each in bodies
    )
    ((shown, text),) = [bodies[0]["messages"][0]["content"]]
    content = base64.b64decode(shown["image_url"]["url"].removeprefix("data:image/png;base64,"))
    assert Image.open(io.BytesIO(content)).tobytes() == image.tobytes()
    assert text == {"type": "text", "text": "What?"}
    assert [each["role"] for each in bodies[1]["messages"]] == ["user", "assistant", "user"]
    assert {headers["Authorization"] for _, headers in chat.sent} == {"Bearer secret-key"}
    assert "secret-key" not in repr((model.identity, model.settings))


def test_the_order_of_answers_is_that_of_the_questions(chat: Chat) -> None:
    chat.reply = lambda body: (200, completion(body["messages"][0]["content"]))
    model = load_model(chat.spec)
    assert isinstance(model, Answerer)
    texts = [f"question {index}" for index in range(30)]
    assert model.generate([None] * 30, [(text,) for text in texts], 4) == texts


def test_a_busy_server_is_asked_again(chat: Chat) -> None:
    model = load_model(chat.spec)
    assert isinstance(model, Answerer)
    states = iter([(503, b"busy"), (429, b"slow down"), (200, completion("yes"))])
    chat.reply = lambda body: next(states)
    assert model.generate([None], [("What?",)], 4) == ["yes"]


def test_an_answer_without_text_is_an_empty_one(chat: Chat) -> None:
    """A refusal has null content: no answer, not an error."""
    chat.reply = lambda body: (200, completion(None))
    model = load_model(chat.spec)
    assert isinstance(model, Answerer)
    assert model.generate([None], [("What?",)], 4) == [""]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ((0, b""), "does not answer .* start it, then run the same command again, finished cells are kept"),
        ((503, b"busy"), r"answered 503 \(busy\)"),
        ((404, b"no such model"), r"answered 404 \(no such model\): correct the model's name"),
        ((401, b""), "refuses the request .401.: set OPENAI_API_KEY"),
        ((200, b"<html>"), "something else than a chat completion"),
        ((200, b"{}"), "something else than a chat completion"),
        ((200, b" " * (1 << 21)), "more than 1048576 bytes"),
        ((302, b""), "answered 302"),
    ],
)
def test_a_server_that_fails_is_one_sentence(chat: Chat, reply: tuple[int, bytes], message: str) -> None:
    chat.reply = lambda body: reply
    with pytest.raises(ModelError, match=message):
        load_model(chat.spec)


def test_a_key_that_the_server_repeats_is_not_shown(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(module.KEY, "secret-key")
    chat.reply = lambda body: (400, b"bad key secret-key")
    with pytest.raises(ModelError) as caught:
        load_model(chat.spec)
    assert "secret-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("openai:tiny", "not of the form openai:MODEL@URL"),
        ("openai:tiny@ftp://host/v1", "not of the form"),
        ("openai:@http://localhost/v1", "not of the form"),
        ("openai:tiny@http://me:secret-key@localhost/v1", "holds a user"),
        ("openai:tiny@http://localhost/v1?key=1", "a query or a fragment"),
        ("openai:tiny@http://example.org/v1", "without encryption"),
    ],
)
def test_a_spec_that_would_show_or_leak_a_key(
    spec: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(module.KEY, "secret-key")
    with pytest.raises(ConfigError, match=message) as caught:
        load_model(spec)
    assert "secret-key" not in str(caught.value)


def test_a_server_that_dies_midway_keeps_finished_cells(chat: Chat, small: Path, tmp_path: Path) -> None:
    """One sentence; the same command resumes, on the same port."""
    from medimeta_c.results.folder.saved import read_saved
    from medimeta_c.scoring.config import EvaluateConfig
    from medimeta_c.scoring.evaluation import evaluate

    left = [1 + 8 + 6 + 4]

    def reply(body: dict[str, Any]) -> tuple[int, bytes]:
        left[0] -= 1
        return (0, b"") if left[0] < 0 else (200, completion("class1"))

    chat.reply = reply
    values = {"benchmark": str(small), "baseline": "none", "device": "cpu", "out": tmp_path}
    config = EvaluateConfig(model=chat.spec, batch_size=2, **values)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="finished cells are kept"):
        evaluate(config)
    assert len(list(tmp_path.rglob("*.answers"))) == 1
    left[0] = 1000
    saved = evaluate(config)
    assert read_saved(saved.path).result.complete
    assert saved.result.run.decoding["mode"] == "generate"
    assert saved.result.run.model.weights_sha256 == "named tiny/vlm"
