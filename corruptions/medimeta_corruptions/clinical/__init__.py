"""The clinical suite's corruptions: how images of each modality fail, with formula, unit and source.

Every one is simulated in an assumed domain, on pictures of 8 bits that were already processed for display.
The severities of one image are one artefact growing: what is drawn does not depend on the severity.
"""

from dataclasses import replace

from medimeta_corruptions.clinical.ct import CT
from medimeta_corruptions.clinical.dermatoscopy import DERMATOSCOPY
from medimeta_corruptions.clinical.digital import DIGITAL
from medimeta_corruptions.clinical.distances import DISTANCES
from medimeta_corruptions.clinical.fundus import FUNDUS
from medimeta_corruptions.clinical.microscopy import MICROSCOPY
from medimeta_corruptions.clinical.mr import MR
from medimeta_corruptions.clinical.oct import OCT
from medimeta_corruptions.clinical.optics import OPTICS
from medimeta_corruptions.clinical.radiograph import RADIOGRAPH
from medimeta_corruptions.clinical.ultrasound import ULTRASOUND

__all__ = ["CLINICAL"]

_RECORDS = (
    *RADIOGRAPH,
    *CT,
    *ULTRASOUND,
    *OCT,
    *FUNDUS,
    *OPTICS,
    *MICROSCOPY,
    *DERMATOSCOPY,
    *DIGITAL,
    *MR,
)

CLINICAL = tuple(replace(one, distances=DISTANCES[one.name]) for one in _RECORDS)
"""Their records."""
