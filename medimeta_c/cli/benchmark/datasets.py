"""``medimeta-c datasets``."""

from __future__ import annotations

from medimeta_c.cli import console
from medimeta_c.cli.common import prints_tables
from medimeta_c.cli.options import DataOption, JsonOption, data_dir

__all__ = ["datasets"]


@prints_tables
def datasets(data: DataOption = None, json: JsonOption = False) -> None:
    """List the known datasets: images, modality, task, licence, and whether the data is on this disk.

    [b]Examples[/b]

      medimeta-c datasets

      medimeta-c datasets --data ~/medimeta --json
    """
    from medimeta_c.format.suites import SUITES
    from medimeta_c.io.tables.table import Column, Table, texts
    from medimeta_c.sources import family
    from medimeta_c.sources.catalog import catalog

    folder = data_dir(data)
    suites = {name for suite in SUITES.values() for five in suite.headline.values() for name in five}
    rows = [
        {
            "dataset": entry.dataset,
            "collection": entry.kind,
            "suite": entry.dataset in suites,
            "title": entry.title,
            "modality": entry.modality,
            "task": entry.task,
            "channels": entry.channels,
            "splits": dict(entry.splits),
            "license": entry.license,
            "buildable": entry.single_label,
            "on_disk": family(entry.kind).present(entry.dataset, folder),
        }
        for entry in catalog().values()
    ]
    if json:
        console.say_json({"data": str(folder), "datasets": rows})
        return
    console.show(
        Table(
            name=f"Datasets (clean data in {folder})",
            columns=(
                Column("dataset", "label"),
                Column("train/val/test"),
                *(Column(header, "text") for header in ("modality: task", "CC 4.0", "here")),
            ),
            rows=tuple(
                texts(
                    f"{row['dataset']}{' *' if row['suite'] else ''}",
                    "/".join(map(str, catalog()[str(row["dataset"])].splits.values())),
                    f"{row['modality']}: {row['task']}{'' if row['buildable'] else ' (not supported)'}",
                    str(row["license"]).rpartition("(CC ")[2].removesuffix(" 4.0)"),
                    "yes" if row["on_disk"] else "no",
                )
                for row in rows
            ),
        )
    )
    console.say(
        "* part of the benchmark. Download MedIMeta or MedMNIST+ data: `medimeta-c download --dataset ID`."
    )
    console.say("  Without data, use synthetic images in place of a MedIMeta dataset: --source phantoms.")
