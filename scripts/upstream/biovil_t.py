"""Write tests/golden/upstream/biovil-t.json: what BioViL-T's own code computes with seeded weights.

Upstream is hi-ml-multimodal of https://github.com/microsoft/hi-ml at commit
b67c1d27c6b17d8e8ff01f8c507f3cabdb307388 (MIT). Give the folder of a checkout of that commit, in an environment
with transformers 4.46, pydicom, SimpleITK and scikit-image; nothing is fetched.

    python scripts/upstream/biovil_t.py CHECKOUT

The image tower is the published one. The text tower is small: upstream lets its size be chosen. Beside the
numbers, biovil-t-shapes.json gets the names and shapes of the published size.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from torch.nn import ModuleDict

TESTS = Path(__file__).parents[2] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "models"), str(Path(sys.argv[1]) / "hi-ml-multimodal/src")]

from health_multimodal.image.data.transforms import create_chest_xray_transform_for_inference  # noqa: E402
from health_multimodal.image.inference_engine import ImageInferenceEngine  # noqa: E402
from health_multimodal.image.model.model import ImageModel  # noqa: E402
from health_multimodal.image.model.types import ImageEncoderType  # noqa: E402
from health_multimodal.image.utils import TRANSFORM_RESIZE  # noqa: E402
from health_multimodal.text.inference_engine import TextInferenceEngine  # noqa: E402
from health_multimodal.text.model.configuration_cxrbert import CXRBertConfig, CXRBertTokenizer  # noqa: E402
from health_multimodal.text.model.modelling_cxrbert import CXRBertModel  # noqa: E402
from seeded_weights import lively_state  # noqa: E402
from upstream_numbers import (  # noqa: E402
    checked_commit,
    pictures,
    shapes_of,
    write_numbers,
    write_shapes,
    write_vocabulary,
)

COMMIT = "b67c1d27c6b17d8e8ff01f8c507f3cabdb307388"
TOWER = {"hidden_size": 128, "num_attention_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96}
TEXTS = [
    "There is a small left pleural effusion.",
    "No acute cardiopulmonary process!?",
    "pneumonia of 2 [MASK]",
]


def livelier_state(shapes: dict[str, list[int]]) -> dict[str, torch.Tensor]:
    """Return weights with which the vectors of two images differ by more than a hundredth."""
    state = lively_state(shapes)
    state["encoder.backbone_to_vit.weight"] *= 64
    return state


@torch.no_grad()
def main() -> None:
    checked_commit(Path(sys.argv[1]), COMMIT)
    image = ImageModel(img_encoder_type=ImageEncoderType.RESNET50_MULTI_IMAGE, joint_feature_size=128)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = CXRBertModel(CXRBertConfig(vocab_size=write_vocabulary(folder), **TOWER))
        tokenizer = CXRBertTokenizer.from_pretrained(name)
        image.load_state_dict(livelier_state(shapes_of(image)))
        state = lively_state(shapes_of(text))
        state["cls.predictions.decoder.weight"] = state[
            "bert.embeddings.word_embeddings.weight"
        ]  # one tensor
        text.load_state_dict(state)
        image.eval(), text.eval()
        transform = create_chest_xray_transform_for_inference(TRANSFORM_RESIZE, 448)
        engine = ImageInferenceEngine(image, transform)
        for index, picture in enumerate(pictures()):
            picture.save(folder / f"{index}.png")
        files = sorted(folder.glob("*.png"))
        pixels = [engine.load_and_transform_input_image(file, transform)[0] for file in files]
        images = torch.stack([engine.get_projected_global_embedding(file) for file in files])
        raw = torch.cat([image(each).projected_global_embedding for each in pixels])
    words = TextInferenceEngine(tokenizer, text)
    texts = words.get_embeddings_from_prompt(TEXTS, normalize=False, verbose=False)
    write_numbers(
        "biovil-t",
        commit=COMMIT,
        texts=TEXTS,
        pixels=[each[0, :, ::37, ::41] for each in pixels],
        image_features=raw,
        text_features=texts,
        logits=images @ words.get_embeddings_from_prompt(TEXTS, verbose=False).T,
        text_shapes=shapes_of(text),
    )
    write_shapes("biovil-t", shapes_of(ModuleDict({"image": image, "text": CXRBertModel(CXRBertConfig())})))


if __name__ == "__main__":
    main()
