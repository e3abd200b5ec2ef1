"""Image-text-to-text models: scores equal a plain loop over the model, whatever is batched or kept."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from model_factories import picture
from safetensors.torch import load_file, save_file
from tiny_vlm import WRITERS
from transformers import AutoModelForImageTextToText, AutoProcessor

from medimeta_c.errors import ModelError
from medimeta_c.models import Answerer, AnswerScorer, load_model

QUESTIONS = ("What does this image show?", "How sure are you?", "What does this image show, if anything?")
ANSWERS = ("class0", "benign cell", "a normal retina with class1", "x")
IMAGES = (picture(30, 40), picture(28, 28, grey=True, seed=2), None)


@pytest.fixture(scope="module", params=WRITERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WRITERS[request.param](tmp_path_factory.mktemp("vlm") / request.param)


@pytest.fixture(scope="module")
def model(folder: Path) -> AnswerScorer:
    loaded = load_model(f"vlm:{folder}")
    assert isinstance(loaded, AnswerScorer)
    return loaded


class Plain:
    """The model as transformers loads it, one prompt and one answer at a time, nothing kept."""

    def __init__(self, folder: Path) -> None:
        self.module = AutoModelForImageTextToText.from_pretrained(folder).eval()
        self.processor = AutoProcessor.from_pretrained(folder)
        self.tokenizer = self.processor.tokenizer

    def inputs(self, image: Any, *turns: str) -> dict[str, torch.Tensor]:
        messages: list[dict[str, Any]] = [
            {"role": ("user", "assistant")[i % 2], "content": [{"type": "text", "text": text}]}
            for i, text in enumerate(turns)
        ]
        if image is not None:
            messages[0]["content"].insert(0, {"type": "image", "image": image.convert("RGB")})
        return dict(
            self.processor.apply_chat_template(
                messages, tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True
            )
        )

    @torch.no_grad()
    def logits(self, inputs: dict[str, torch.Tensor], ids: list[int]) -> torch.Tensor:
        """Of each position after the prompt, then one more."""
        whole = dict(inputs)
        more = torch.tensor([ids], dtype=torch.long)
        whole["input_ids"] = torch.cat([inputs["input_ids"], more], dim=1)
        for name, value in (("attention_mask", 1), ("token_type_ids", 0), ("mm_token_type_ids", 0)):
            if name in inputs:
                whole[name] = torch.cat([inputs[name], torch.full_like(more, value)], dim=1)
        for part in self.module.modules():
            if hasattr(part, "rope_deltas"):
                part.rope_deltas = None
        found: torch.Tensor = self.module(**whole).logits[0, inputs["input_ids"].shape[1] - 1 :]
        return found

    def log_probability(self, image: Any, question: str, answer: str, end: int) -> float:
        ids = [*self.tokenizer(answer, add_special_tokens=False)["input_ids"], end]
        table = self.logits(self.inputs(image, question), ids).log_softmax(-1)
        return float(sum(table[step, token] for step, token in enumerate(ids)))

    def greedy(self, image: Any, turns: tuple[str, ...], tokens: int, end: int) -> str:
        inputs, ids = self.inputs(image, *turns), list[int]()
        while len(ids) < tokens and end not in ids:
            ids.append(int(self.logits(inputs, ids)[-1].argmax()))
        text: str = self.tokenizer.decode(ids, skip_special_tokens=True)
        return text


@pytest.fixture(scope="module")
def plain(folder: Path) -> Plain:
    return Plain(folder)


def end_of(model: Any, plain: Plain) -> int:
    return int(plain.tokenizer.convert_tokens_to_ids(model.settings["end"]))


def test_log_probabilities_are_those_of_a_plain_loop(model: AnswerScorer, plain: Plain) -> None:
    """Prompts of other lengths, with and without image, each with answers of 1 to many tokens: 1e-4."""
    found = model.log_probabilities(IMAGES, QUESTIONS, ANSWERS)
    wanted = torch.tensor(
        [
            [plain.log_probability(image, question, answer, end_of(model, plain)) for answer in ANSWERS]
            for image, question in zip(IMAGES, QUESTIONS, strict=True)
        ]
    )
    assert found.shape == (3, len(ANSWERS))
    assert (wanted.max(1).values - wanted.min(1).values).min() > 1  # answers differ, or nothing is tested
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


def test_keeping_and_batching_change_nothing(model: Any) -> None:
    """Alone, in a batch of equal prompts, and with every answer in a pass of its own: 1e-4."""
    images = [picture(30, 40, seed=seed) for seed in range(4)]
    asked = [QUESTIONS[0]] * 4
    together = model.log_probabilities(images, asked, ANSWERS)
    alone = torch.cat([model.log_probabilities([one], [QUESTIONS[0]], ANSWERS) for one in images])
    assert model.reuses_prompt
    model.reuses_prompt = False
    try:
        separate = model.log_probabilities(images, asked, ANSWERS)
    finally:
        model.reuses_prompt = True
    assert (together[0] - together[1]).abs().max() > 1e-3  # the image matters
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)
    torch.testing.assert_close(together, separate, rtol=0, atol=1e-4)


def test_generated_texts_are_the_greedy_ones(model: AnswerScorer, plain: Plain) -> None:
    """Of conversations of one and three turns: not sampled, though the checkpoint's settings say so."""
    talks = [(QUESTIONS[0],), (QUESTIONS[0],), (QUESTIONS[0], "class0", QUESTIONS[1])]
    images = [IMAGES[0], IMAGES[1], None]
    found = model.generate(images, talks, 6)
    end = end_of(model, plain)
    assert found == [plain.greedy(i, t, 6, end) for i, t in zip(images, talks, strict=True)]
    assert found[0]


def test_the_answer_ends_with_the_end_of_the_turn(model: AnswerScorer) -> None:
    """So no answer is more probable for being the start of another."""
    assert model.settings["end"] in {"<|im_end|>", "</s>", "<end_of_turn>"}
    assert "QUESTION" in str(model.settings["prompt"])
    one, other = model.answer_tokens(QUESTIONS[0], ("class0", "class0 x"))
    assert 1 < one.length < other.length


def test_an_answer_that_joins_the_prompt_is_found(tmp_path: Path) -> None:
    """LLaVA's prompt ends with a space, which a tokenizer takes into the answer's first token."""
    llava, qwen = (load_model(f"vlm:{WRITERS[name](tmp_path / name)}") for name in ("llava", "qwen2_vl"))
    assert isinstance(llava, AnswerScorer)
    assert isinstance(qwen, AnswerScorer)
    assert [one.is_joined for one in llava.answer_tokens(QUESTIONS[0], ["benign"])] == [True]
    assert [one.is_joined for one in qwen.answer_tokens(QUESTIONS[0], ["benign"])] == [False]


def test_identity_is_of_weights_template_tokenizer_and_images(folder: Path, tmp_path: Path) -> None:
    """Any of them changed is another model; the same files elsewhere are the same."""
    known = load_model(f"vlm:{folder}").identity

    def after(change: Callable[[Path], Any]) -> Any:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        shutil.copytree(folder, place)
        change(place)
        found = load_model(f"vlm:{place}").identity
        return found.weights_sha256, found.architecture

    def template(place: Path) -> None:
        path = place / "chat_template.jinja"
        path.write_text(path.read_text().replace("\n", "\n\n"))

    def images(place: Path) -> None:
        path = place / "processor_config.json"
        values = json.loads(path.read_text())
        values["image_processor"]["image_mean"] = [0.1, 0.2, 0.3]
        path.write_text(json.dumps(values))

    same = (known.weights_sha256, known.architecture)
    assert after(lambda place: None) == same
    assert known.family == "vlm"
    changed = [after(template), after(images)]
    assert all(one != same for one in changed)
    assert changed[0] != changed[1]


@pytest.mark.parametrize("key", ["missing", "left over"])
def test_weights_fill_the_model_exactly(tmp_path: Path, key: str) -> None:
    folder = WRITERS["llava"](tmp_path / "llava")
    state = load_file(folder / "model.safetensors")
    if key == "missing":
        del state[next(name for name in state if "mlp" in name)]
    else:
        state["model.language_model.extra.weight"] = torch.zeros(2)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="do not fit"):
        load_model(f"vlm:{folder}")


def _no_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()


def _dated(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text("{{ strftime_now('%d') }}" + path.read_text())


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _remote(folder: Path) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "model_type": "own", "auto_map": {"AutoConfig": "own.Config"}}))
    (folder / "own.py").write_text("raise SystemExit('this ran')")


def _damaged(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{% for")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            _no_template,
            "has no chat template, so it is unknown how the model is asked: add its chat_template",
        ),
        (_dated, "writes today's date"),
        (_pickled, "no weights in safetensors files"),
        (_remote, "transformers cannot load the model"),
        (_damaged, "chat template in .* cannot be used"),
    ],
)
def test_a_folder_that_cannot_be_asked(tmp_path: Path, change: Callable[[Path], None], message: str) -> None:
    folder = WRITERS["llava"](tmp_path / "llava")
    change(folder)
    with pytest.raises(ModelError, match=message):
        load_model(f"vlm:{folder}")


def test_a_gated_repository_says_where_its_terms_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx
    import huggingface_hub
    from huggingface_hub.errors import GatedRepoError

    reply: Any = httpx.Response(403, request=httpx.Request("GET", "http://h"))

    def refuse(*_: Any, **__: Any) -> None:
        raise GatedRepoError("gated", response=reply)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(ModelError, match="org/medvlm is gated: accept its terms at https://hugging"):
        load_model("vlm:org/medvlm")


def test_a_prompt_is_not_shared_where_that_changes_the_answers(
    folder: Path, model: AnswerScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An architecture whose kept keys and values cannot be copied is run in single passes, and right."""
    from medimeta_c.models.answering.torch_answerer import TorchAnswerer

    shared = TorchAnswerer._with_shared_prompt
    monkeypatch.setattr(TorchAnswerer, "_with_shared_prompt", lambda *given: shared(*given) + 0.01)
    loaded: Any = load_model(f"vlm:{folder}")
    monkeypatch.undo()
    assert not loaded.reuses_prompt
    found, wanted = (each.log_probabilities(IMAGES, QUESTIONS, ANSWERS) for each in (loaded, model))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-4)


def test_half_precision_is_near(folder: Path, model: AnswerScorer) -> None:
    half = load_model(f"vlm:{folder}", precision="bf16")
    assert isinstance(half, AnswerScorer)
    found, wanted = (each.log_probabilities(IMAGES, QUESTIONS, ANSWERS) for each in (half, model))
    assert 0 < (found - wanted).abs().max() < 1
    assert half.generate([IMAGES[0]], [(QUESTIONS[0],)], 3)


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    from model_factories import write_siglip

    with pytest.raises(ModelError, match="does not answer in words"):
        load_model(f"vlm:{write_siglip(tmp_path / 'siglip')}")


def test_it_is_an_answerer_and_nothing_else(model: Any) -> None:
    from medimeta_c.models import Classifier, ImageEncoder, Model

    assert isinstance(model, Answerer)
    assert not isinstance(model, Model | Classifier | ImageEncoder)
