"""Rows of a report or of a model's page that say how a model was run."""

from __future__ import annotations

from medimeta_c.io.records import canonical_json
from medimeta_c.reports.tables import percent
from medimeta_c.results.identity import RunIdentity
from medimeta_c.results.result import Result

__all__ = ["further_facts", "further_settings", "software"]

_PACKAGE = "medimeta-c"


def further_settings(run: RunIdentity) -> dict[str, str]:
    """Return by label the settings that predictions depend on and that only some runs have."""
    found = {}
    if suite := run.benchmark.suite:
        found["Suite"] = f"{suite.name}, version {suite.version}"
    if head := run.head:
        shots = "all training images" if head.shots is None else f"{head.shots} training images a class"
        found["Classifier"] = f"{head.name}, trained on {shots}, seed {head.seed}"
    if run.preprocessing_variant:
        found["Preprocessing variant"] = run.preprocessing_variant
    if run.activation:
        found["Activation"] = run.activation
    if run.decoding:
        found["Decoding"] = canonical_json(run.decoding)
    if run.option_orders:
        orders = (f"{len(each)} of {dataset}" for dataset, each in run.option_orders.items())
        found["Orders of options"] = ", ".join(orders)
    return found


def further_facts(result: Result) -> dict[str, str]:
    """Return `further_settings`, the plug-ins that took part, and accuracies without the image."""
    found = further_settings(result.run)
    if result.plugins:
        brought = (f"{one.name} of {one.distribution} {one.version}" for one in result.plugins)
        found["Plug-ins"] = ", ".join(brought)
    if result.blind:
        shares = (f"{name} {percent(number.value)} %" for name, number in result.blind.items())
        found["Accuracy without the image"] = ", ".join(shares)
    return found


def software(result: Result) -> str:
    """Return the packages of a run in one line, this one first and once."""
    others = {name: text for name, text in result.environment.packages.items() if name != _PACKAGE}
    versions = {_PACKAGE: result.run.package_version, **others}
    return ", ".join(f"{name} {text}" for name, text in versions.items())
