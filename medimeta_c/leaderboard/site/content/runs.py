"""What a submission's page says of its run: view, input size, settings, and the line that repeats it."""

from __future__ import annotations

from medimeta_c.format.display import display_name
from medimeta_c.leaderboard.site.entries import View
from medimeta_c.leaderboard.submission import OVERLAPS, Submission
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.result import Result
from medimeta_c.results.words.views import word_text

__all__ = ["command_of", "facts_of", "has_weights", "input_size", "view_of", "warnings_of"]

_PUBLISHED = ("hf-hub:", "transformers:", "torchvision:", "timm:", "transformers-classifier:")
"""Specs by which weights are downloaded, unless a path stands behind them."""

_OWN_PROMPTS = ("paper", "reference", "reference-order", "ensemble")


def view_of(submission: Submission, result: Result) -> View:
    """Return how a model was made to name the classes."""
    run = result.run
    if result.is_unverified:
        return "unverified"
    if result.is_in_words:
        return "words"
    if run.head is not None:
        return "probe"
    if run.outputs or run.prompts is None:
        return "supervised"
    return "adapted" if submission.adapted else "zero-shot"


def input_size(run: RunIdentity) -> str:
    """Return the pixels a side that the model sees; of a rectangle height and width, empty if unknown."""
    size = run.preprocessing.get("size")
    if isinstance(size, int):
        return str(size)
    if not isinstance(size, list) or not all(isinstance(side, int) for side in size):
        return ""
    return "\N{MULTIPLICATION SIGN}".join(dict.fromkeys(map(str, size)))


def has_weights(submission: Submission, run: RunIdentity) -> bool:
    """Return whether readers can get the weights: they are linked, or the spec names published ones."""
    return submission.model is not None or (
        run.model.spec.startswith(_PUBLISHED) and not _is_path(run.model.spec.partition(":")[2])
    )


def _is_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name


def command_of(result: Result) -> dict[str, str]:
    """Return the options of the command that evaluates the model again, "" for a mere switch.

    Empty where no single command does: a head trained on features and predictions made elsewhere need more
    than a model and a benchmark.
    """
    run = result.run
    if result.is_unverified or run.head is not None:
        return {}
    options = {
        "model": run.model.spec,
        "benchmark": run.benchmark.name,
        "dataset": ",".join(entry.dataset for entry in run.benchmark.datasets),
    }
    if run.prompts is not None:
        own = run.prompts.name in _OWN_PROMPTS
        options["prompts"] = run.prompts.name if own else f"{run.prompts.name}.yaml"
    if run.precision != "fp32":
        options["precision"] = run.precision
    if run.activation is not None:
        options["activation"] = run.activation
    if run.preprocessing_variant is not None:
        options["preprocessing"] = run.preprocessing_variant
    if isinstance(mode := run.decoding.get("mode"), str):
        options["decode"] = mode
        if mode == "likelihood":
            options["orders"] = str(run.decoding.get("orders"))
    if "confidence" in run.decoding:
        options["confidence"] = ""
    return options


def facts_of(submission: Submission, result: Result) -> dict[str, str]:
    """Return what was run, in order of interest."""
    run = result.run
    return {
        **({"Names of that data": ", ".join(submission.trained_on)} if submission.trained_on else {}),
        "Date": submission.date or "unknown",
        "Specification": f"{run.model.spec} ({run.model.family})",
        **({"Head": run.head.words} if run.head else {}),
        "Architecture": run.model.architecture,
        **({"Revision": run.model.revision} if run.model.revision else {}),
        "Weights, SHA-256": run.model.weights_sha256,
        **({"Prompts": f"{run.prompts.name}, digest {run.prompts.digest}"} if run.prompts else {}),
        **({"Identity": run.model.caution} if run.model.caution else {}),
        **{f"Outputs for {name}": "; ".join(one.shown for one in used) for name, used in run.outputs.items()},
        "Benchmark": f"{run.benchmark.shown_title} (from {run.benchmark.name}), version "
        f"{run.benchmark.version}, {run.split} split",
        **({"Answers in words": word_text(result)} if result.is_in_words else {}),
        "Fingerprint": run.benchmark.fingerprint,
        "Precision": f"{run.precision} on {result.environment.device}",
        "Package": f"medimeta-c {run.package_version}",
    }


def warnings_of(submission: Submission, result: Result) -> tuple[str, ...]:
    """Return what readers must know before they read a number."""
    found = []
    if result.phantoms:
        found.append(
            f"Phantoms: the images of {', '.join(result.phantoms)} are generated, not medical. Nothing "
            "here says anything about a medical use."
        )
    if seen := result.seen_in_training:
        found.append(
            f"Trained on images with corruptions that it is scored on: {', '.join(map(display_name, seen))}."
        )
    if submission.training_data.overlap in ("test", "unknown"):
        found.append(f"Overlap with the benchmark: {OVERLAPS[submission.training_data.overlap]}.")
    return tuple(found)
