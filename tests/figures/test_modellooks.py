"""Models look the same in every figure, and no two alike."""

from __future__ import annotations

from medimeta_c.figures.drawing.modellooks import model_looks, short_names


def test_a_model_looks_the_same_in_every_figure() -> None:
    """Looks depend on the list of models alone, and no two are alike."""
    names = ["CLIP", "MedCLIP", "BioMedCLIP", "UniMedCLIP", "RobustMedCLIP", "mine", "yours", "RMC-ResNet"]
    looks = model_looks(names)
    assert looks == model_looks(names)
    assert len({(one.colour, one.marker) for one in looks.values()}) == len(names)
    assert len({one.marker for one in looks.values()}) == len(names)
    again = model_looks(["hf-hub:microsoft/BiomedCLIP-PubMedBERT_256", "other"])
    assert again["hf-hub:microsoft/BiomedCLIP-PubMedBERT_256"] == looks["BioMedCLIP"]


def test_forty_models_all_look_different() -> None:
    """Colours and markers come again in other pairs."""
    looks = model_looks([f"model {index}" for index in range(40)])
    assert len({(one.colour, one.marker) for one in looks.values()}) == 40


def test_short_names_stay_distinct_and_printable() -> None:
    """Names are shortened in their middle, unless two would become one; control characters go."""
    long = ["a" * 30 + str(index) + "b" * 30 for index in range(2)]
    assert short_names(long, 20) == {one: one for one in long}
    assert short_names([long[0], "c\x07"], 20) == {
        long[0]: "aaaaaaaaa\N{HORIZONTAL ELLIPSIS}bbbbbbbbb",
        "c\x07": "c",
    }
