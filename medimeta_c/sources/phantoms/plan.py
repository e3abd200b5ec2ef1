"""Plans of the phantom datasets: the suite's five, then those of the other modalities."""

from __future__ import annotations

from medimeta_c.sources.phantoms.clinical.plans import OTHER_PLANS
from medimeta_c.sources.phantoms.record import PhantomPlan, PhantomTask, classification

__all__ = ["PLANS"]

PLANS: dict[str, PhantomPlan] = {
    plan.dataset: plan
    for plan in (
        PhantomPlan(
            dataset="pbc",
            title="Peripheral Blood Cells",
            domain="Microscopy",
            shows="one blood cell amid red cells on a stained smear",
            channels=3,
            tasks=(
                classification(
                    "cell class",
                    "neutrophil",
                    "eosinophil",
                    "basophil",
                    "lymphocyte",
                    "monocyte",
                    "immature granulocyte",
                    "erythroblast",
                    "platelet",
                ),
            ),
            per_class={"train": 6, "val": 2, "test": 3},
            draw="pbc:render",
        ),
        PhantomPlan(
            dataset="mammo_calc",
            title="Mammography (Calcifications)",
            domain="Mammography",
            shows="calcifications on breast parenchyma",
            channels=1,
            tasks=(classification("pathology", "benign", "malignant"),),
            per_class={"train": 24, "val": 6, "test": 12},
            draw="mammo_calc:render",
        ),
        PhantomPlan(
            dataset="pneumonia",
            title="Pediatric Pneumonia",
            domain="Chest X-ray",
            shows="chest X-rays with clear lungs, a consolidation or interstitial streaks",
            channels=1,
            tasks=(
                classification("disease class", "NORMAL", "BACTERIA", "VIRUS"),
                PhantomTask(
                    name="pneumonia presence",
                    target="BINARY_CLASSIFICATION",
                    class_names=("NORMAL", "PNEUMONIA"),
                    label_of=(0, 1, 1),
                ),
            ),
            per_class={"train": 16, "val": 4, "test": 8},
            draw="pneumonia:render",
        ),
        PhantomPlan(
            dataset="fundus",
            title="Fundus",
            domain="Retinal fundus",
            shows="colour fundus photographs with and without lesions",
            channels=3,
            tasks=(classification("disease presence", "normal", "abnormal"),),
            per_class={"train": 24, "val": 6, "test": 12},
            draw="fundus:render",
        ),
        PhantomPlan(
            dataset="oct",
            title="Retinal OCT",
            domain="OCT",
            shows="optical coherence tomography scans of the layers of a retina",
            channels=1,
            tasks=(classification("disease class", "CNV", "DME", "DRUSEN", "NORMAL"),),
            per_class={"train": 12, "val": 3, "test": 6},
            draw="oct:render",
        ),
        *OTHER_PLANS,
    )
}
"""Every dataset of phantoms by its id. Class names are MedIMeta's, in its label order."""
