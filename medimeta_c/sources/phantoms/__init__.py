"""Phantoms: drawn stand-ins for datasets, to try everything without data.

They look like the modality, their classes differ in visible structure, and they are written as genuine
MedIMeta folders. They show nobody's body and say nothing about how a model does on medical images.
"""

from __future__ import annotations

from pathlib import Path

from medimeta_c.errors import unknown_name
from medimeta_c.format.keys import PHANTOMS
from medimeta_c.sources.contract import Source

__all__ = ["PHANTOM_DATASETS", "open_phantoms"]

PHANTOM_DATASETS = (
    "pbc",
    "mammo_calc",
    "pneumonia",
    "fundus",
    "oct",
    "aml",
    "bus",
    "mammo_mass",
    "cxr",
    "glaucoma",
    "dr_regular",
    "dr_uwf",
    "derm",
    "organs_axial",
    "organs_coronal",
    "organs_sagittal",
    "crc",
    "skinl_photo",
    "skinl_derm",
    "mr_phantom",
)
"""The datasets that have phantoms: the suite's five, MedIMeta's others, and MR, which MedIMeta lacks."""


def open_phantoms(dataset: str, data_dir: Path, *, task: str | None = None) -> Source:
    """Open the phantoms of a dataset, drawing them first if they are not there.

    They are kept in ``<data_dir>/phantoms-<version>/<dataset>``, a MedIMeta folder, and reused while it is
    complete. Several processes may ask for them at once.

    Parameters
    ----------
    dataset : str
        One of `PHANTOM_DATASETS`.
    data_dir : pathlib.Path
        The folder of all datasets.
    task : str, optional
        The task whose labels are read; by default the benchmark's.

    Returns
    -------
    Source
        Its ``info.kind`` is ``"phantoms"``, and its title says that the images are synthetic.

    Raises
    ------
    ConfigError
        If there are no phantoms of that dataset, or it has no such task.
    SourceError
        If the folder cannot be written or read.
    """
    if dataset not in PHANTOM_DATASETS:
        raise unknown_name("dataset of phantoms", dataset, PHANTOM_DATASETS)
    # Drawing needs SciPy and h5py; importing the names above must not wait for them.
    from medimeta_c.sources.medimeta import open_medimeta  # noqa: PLC0415
    from medimeta_c.sources.phantoms.plan import PLANS  # noqa: PLC0415
    from medimeta_c.sources.phantoms.record import PHANTOM_VERSION  # noqa: PLC0415
    from medimeta_c.sources.phantoms.writer import ensure_phantoms  # noqa: PLC0415

    parent = Path(data_dir) / f"phantoms-{PHANTOM_VERSION}"
    ensure_phantoms(PLANS[dataset], parent)
    source = open_medimeta(dataset, parent, task=task)
    # The real dataset's address would credit its publishers with our drawings.
    source.info = source.info.model_copy(update={"kind": PHANTOMS, "homepage": ""})
    return source
