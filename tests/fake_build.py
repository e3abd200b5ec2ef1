"""A finished tree without the builder: sets rendered from `FakeSource`, and their manifest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from fake_source import FakeSource

from medimeta_c.building.render import RenderTask, render_set
from medimeta_c.format import stats
from medimeta_c.format.dataset import DatasetRecord
from medimeta_c.format.keys import CLEAN, SetKey
from medimeta_c.format.manifest.digests import dataset_fingerprint, fingerprint
from medimeta_c.format.manifest.file import write_manifest
from medimeta_c.format.manifest.records import Manifest, Protocol
from medimeta_c.format.png import OPENCV
from medimeta_corruptions import CORRUPTIONS


def fake_build(
    root: Path,
    sources: Sequence[FakeSource],
    *,
    corruptions: Iterable[str] = ("gaussian_noise", "contrast", "pixelate"),
    severities: Iterable[int] = (1, 3),
    channels: Literal["source", "rgb"] = "source",
) -> Manifest:
    """Render the clean and corrupted sets of every split of every source; write statistics and manifest."""
    protocol = Protocol(benchmark_version="1.0", seed=0, channels=channels)
    severities = tuple(severities)
    cells = [(CLEAN, 0), *((name, severity) for name in corruptions for severity in severities)]
    rendered = [
        render_set(
            RenderTask(
                root=root,
                corruption=CORRUPTIONS.get(corruption),
                source=source,
                key=SetKey(source.dataset, split, corruption, severity),
                protocol=protocol,
            )
        )
        for source in sources
        for split in source.splits
        for corruption, severity in cells
    ]
    sets = tuple(sorted(rendered, key=lambda record: record.key))
    datasets = tuple(
        DatasetRecord(
            **dict(source.info),
            checksum=source.checksum(),
            fingerprint=dataset_fingerprint(
                source.class_names, [record for record in sets if record.dataset == source.dataset]
            ),
        )
        for source in sorted(sources, key=lambda source: source.dataset)
    )
    manifest = Manifest(
        package_version="0.1.0",
        protocol=protocol,
        encoder=OPENCV,
        libraries={"python": "3.11.0", "numpy": "2.0.0"},
        datasets=datasets,
        sets=sets,
        files=(stats.write_spectra(root, sets),),
        fingerprint=fingerprint(datasets),
    )
    return write_manifest(root, manifest)
