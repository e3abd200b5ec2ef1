"""``openai:MODEL@URL``: a model behind a server that speaks OpenAI's chat completions.

The key is read from the environment when a request is made; it is in no result, message or identity.
"""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

import httpx
import torch
from PIL.Image import Image
from pydantic import JsonValue

from medimeta_c.errors import ConfigError, ModelError, short
from medimeta_c.models.answering.contract import Talk
from medimeta_c.models.contract import ModelIdentity

__all__ = ["KEY", "ChatServer", "load_server"]

KEY = "OPENAI_API_KEY"
"""The environment variable that holds the key."""

_AT_ONCE = 8
_PAUSES = (1.0, 4.0)
"""Seconds before a request is sent again."""

_TIMEOUT = 300.0
_BUSY = {408, 429, 500, 502, 503, 504}
_MAX_BYTES = 1 << 20
_KEPT = "run the same command again, finished cells are kept"


def load_server(spec: str, target: str) -> ChatServer:
    """Return the model that ``openai:MODEL@URL`` names, after one question to it.

    Raises
    ------
    ConfigError
        If there is no model or URL, or the URL holds a user, a key or a fragment, or the key would travel
        without encryption.
    ModelError
        If the server does not answer.
    """
    name, _, address = target.partition("@")
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not name or url.scheme not in {"http", "https"} or not url.host:
        raise ConfigError(
            f"the spec of openai:{name} is not of the form openai:MODEL@URL, such as "
            "openai:llava@http://localhost:8000/v1"
        )
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(
            f"the URL of openai:{name} holds a user, a query or a fragment, which a result would show: leave "
            f"them out, and put a key into {KEY}"
        )
    if os.environ.get(KEY) and url.scheme == "http" and not _is_here(url.host):
        raise ConfigError(
            f"{KEY} is set, and would be sent to {url.host} without encryption: use https, or unset it"
        )
    server = ChatServer(spec, name, str(url).rstrip("/"))
    server.generate([None], [("Say yes.",)], 4)
    return server


class ChatServer:
    """A model behind a server; satisfies `medimeta_c.models.Answerer`.

    Parameters
    ----------
    spec : str
        How the user names it.
    name : str
        What the server calls the model.
    url : str
        Where its API begins; ``/chat/completions`` is added.
    """

    def __init__(self, spec: str, name: str, url: str) -> None:
        self._name, self._url = name, f"{url}/chat/completions"
        self.settings: Mapping[str, JsonValue] = {
            "implementation": "chat completions",
            "images": "PNG, as they are stored",
        }
        # No weights are here to digest: the name is the user's word.
        self.identity = ModelIdentity(
            spec=spec,
            family="openai",
            weights_sha256=f"named {name}",
            architecture="behind a server",
            parameters=0,
        )
        self._client = httpx.Client(timeout=_TIMEOUT, trust_env=not _is_here(httpx.URL(url).host))

    def to(self, device: torch.device | str, dtype: torch.dtype) -> ChatServer:
        """Return the model, whose device and number format are the server's."""
        if dtype != torch.float32:
            raise ModelError(f"{self.identity.spec} has the precision of its server: leave it at fp32")
        return self

    def generate(self, images: Sequence[Image | None], talks: Sequence[Talk], tokens: int) -> list[str]:
        """Continue N conversations, a few at a time, at temperature 0.

        Raises
        ------
        ModelError
            If the server stops answering, refuses, or says something else than an answer.
        """
        bodies = [
            {
                "model": self._name,
                "messages": _messages(image, talk),
                "temperature": 0,
                "max_tokens": tokens,
                "seed": 0,
            }
            for image, talk in zip(images, talks, strict=True)
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._answer, bodies))

    def _answer(self, body: dict[str, Any]) -> str:
        """Return the text of one answer."""
        for pause in (*_PAUSES, None):
            try:
                reply = self._sent(body)
            except httpx.TransportError as error:
                if pause is None:
                    raise ModelError(
                        f"the server at {self._url} does not answer ({short(error)}): start it, then {_KEPT}"
                    ) from error
            else:
                if reply.status_code == 200:
                    return self._text(reply)
                if pause is None or reply.status_code not in _BUSY:
                    raise self._refusal(reply)
            time.sleep(pause)
        raise AssertionError("unreachable")

    def _sent(self, body: dict[str, Any]) -> httpx.Response:
        key = os.environ.get(KEY)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with self._client.stream("POST", self._url, json=body, headers=headers) as reply:
            content = b""
            for piece in reply.iter_bytes():
                content += piece
                if len(content) > _MAX_BYTES:
                    raise ModelError(
                        f"the server at {self._url} sent more than {_MAX_BYTES} bytes for one answer: check "
                        "that it serves chat completions"
                    )
        return httpx.Response(reply.status_code, content=content)

    def _text(self, reply: httpx.Response) -> str:
        try:
            content = reply.json()["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise ModelError(
                f"the server at {self._url} sent something else than a chat completion: check the URL"
            ) from error
        return content if isinstance(content, str) else ""

    def _refusal(self, reply: httpx.Response) -> ModelError:
        if reply.status_code in {401, 403}:
            return ModelError(
                f"the server at {self._url} refuses the request ({reply.status_code}): set {KEY} to a key "
                "that may use the model"
            )
        key = os.environ.get(KEY)
        said = reply.text.replace(key, "…") if key else reply.text
        return ModelError(
            f"the server at {self._url} answered {reply.status_code} ({short(said)}): correct the model's "
            f"name or the server, then {_KEPT}"
        )


def _messages(image: Image | None, talk: Talk) -> list[dict[str, Any]]:
    """Return a conversation as the API takes it, an image before the first text."""
    messages: list[dict[str, Any]] = [
        {"role": "assistant" if index % 2 else "user", "content": text} for index, text in enumerate(talk)
    ]
    if image is not None:
        stream = io.BytesIO()
        image.save(stream, "PNG")
        address = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
        messages[0]["content"] = [
            {"type": "image_url", "image_url": {"url": address}},
            {"type": "text", "text": talk[0]},
        ]
    return messages


def _is_here(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
