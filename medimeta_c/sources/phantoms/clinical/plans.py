"""Plans of the phantom datasets beyond the suite's five; ids and class names are MedIMeta's."""

from __future__ import annotations

from medimeta_c.sources.phantoms.record import PhantomPlan, PhantomTask, classification

__all__ = ["OTHER_PLANS"]

_ORGANS = classification(
    "organ label",
    "heart",
    "left lung",
    "right lung",
    "liver",
    "spleen",
    "pancreas",
    "left kidney",
    "right kidney",
    "bladder",
    "left femoral head",
    "right femoral head",
)
_GRADES = PhantomTask(
    name="DR level",
    target="ORDINAL_REGRESSION",
    class_names=(
        "Grade 0: No apparent retinopathy",
        "Grade 1: Mild – NPDR",  # noqa: RUF001  (MedIMeta's dash)
        "Grade 2: Moderate – NPDR",  # noqa: RUF001
        "Grade 3: Severe – NPDR",  # noqa: RUF001
        "Grade 4: PDR",
    ),
    label_of=(0, 1, 2, 3, 4),
)
_DIAGNOSES = classification(
    "Diagnosis grouped", "basal cell carcinoma", "nevus", "melanoma", "miscellaneous", "seborrheic keratosis"
)

OTHER_PLANS = (
    PhantomPlan(
        dataset="aml",
        title="AML Cytomorphology",
        domain="Microscopy",
        shows="one cell of the blood or marrow amid red cells on a stained smear",
        channels=3,
        tasks=(
            classification(
                "morphological class",
                "BAS Basophil",
                "EBO Erythroblast",
                "EOS Eosinophil",
                "KSC Smudge cell",
                "LYA Lymphocyte (atypical)",
                "LYT Lymphocyte (typical)",
                "MMZ Metamyelocyte",
                "MOB Monoblast",
                "MON Monocyte",
                "MYB Myelocyte",
                "MYO Myeloblast",
                "NGB Neutrophil (band)",
                "NGS Neutrophil (segmented)",
                "PMB Promyelocyte (bilobled)",  # MedIMeta's spelling
                "PMO Promyelocyte",
            ),
        ),
        per_class={"train": 4, "val": 1, "test": 2},
        draw="clinical.leukaemia:render",
    ),
    PhantomPlan(
        dataset="bus",
        title="Breast Ultrasound",
        domain="Breast ultrasound",
        shows="layers of the breast under ultrasound, with and without a lesion",
        channels=1,
        tasks=(
            classification("case category", "normal", "benign", "malignant"),
            PhantomTask(
                name="malignancy",
                target="BINARY_CLASSIFICATION",
                class_names=("no malignant finding", "malignant finding"),
                label_of=(0, 0, 1),
            ),
        ),
        per_class={"train": 16, "val": 4, "test": 8},
        draw="clinical.ultrasound:render",
    ),
    PhantomPlan(
        dataset="mammo_mass",
        title="Mammography (Masses)",
        domain="Mammography",
        shows="masses in breast parenchyma",
        channels=1,
        tasks=(classification("pathology", "benign", "malignant"),),
        per_class={"train": 24, "val": 6, "test": 12},
        draw="clinical.mass:render",
    ),
    PhantomPlan(
        dataset="cxr",
        title="Chest X-ray Multi-disease",
        domain="Chest X-ray",
        shows="chest X-rays without disease, of women and men",
        channels=1,
        tasks=(classification("patient sex", "F", "M"),),
        per_class={"train": 24, "val": 6, "test": 12},
        draw="clinical.chest:render",
    ),
    PhantomPlan(
        dataset="glaucoma",
        title="Glaucoma-specific fundus images",
        domain="Retinal fundus",
        shows="colour fundus photographs around optic discs with small and large cups",
        channels=3,
        tasks=(classification("Glaucoma suspect", "Normal", "Suspect"),),
        per_class={"train": 24, "val": 6, "test": 12},
        draw="clinical.retina:render_glaucoma",
    ),
    PhantomPlan(
        dataset="dr_regular",
        title="Diabetic Retinopathy (Regular Fundus)",
        domain="Retinal fundus",
        shows="colour fundus photographs with the lesions of diabetic retinopathy",
        channels=3,
        tasks=(_GRADES,),
        per_class={"train": 12, "val": 3, "test": 6},
        draw="clinical.retina:render_dr",
    ),
    PhantomPlan(
        dataset="dr_uwf",
        title="Diabetic Retinopathy (Ultra-widefield Fundus)",
        domain="Retinal fundus",
        shows="ultra-widefield laser images of the fundus with the lesions of diabetic retinopathy",
        channels=3,
        tasks=(_GRADES,),
        per_class={"train": 12, "val": 3, "test": 6},
        draw="clinical.widefield:render",
    ),
    PhantomPlan(
        dataset="derm",
        title="Dermatoscopy",
        domain="Dermatoscopy",
        shows="pigmented lesions of the skin through a dermatoscope",
        channels=3,
        tasks=(
            classification(
                "disease category",
                "Melanoma",
                "Melanocytic nevus",
                "Basal cell carcinoma",
                "Actinic keratosis / Bowen’s disease (intraepithelial carcinoma)",  # noqa: RUF001
                "Benign keratosis (solar lentigo / seborrheic keratosis / lichen planus-like keratosis)",
                "Dermatofibroma",
                "Vascular lesion",
            ),
        ),
        per_class={"train": 8, "val": 2, "test": 4},
        draw="clinical.skin:render_derm",
    ),
    *(
        PhantomPlan(
            dataset=f"organs_{plane}",
            title=f"{plane.capitalize()} Organ Slices",
            domain="Abdominal CT",
            shows=f"{plane} slices of computed tomography, each cropped to one organ",
            channels=1,
            tasks=(_ORGANS,),
            per_class={"train": 6, "val": 1, "test": 3},
            draw=draw,
        )
        for plane, draw in (
            ("axial", "clinical.organs:render_axial"),
            ("coronal", "clinical.organs:render_coronal"),
            ("sagittal", "clinical.organs:render_sagittal"),
        )
    ),
    PhantomPlan(
        dataset="crc",
        title="Colorectal Cancer Histopathology",
        domain="Histopathology",
        shows="tiles of stained sections of the bowel",
        channels=3,
        tasks=(
            classification(
                "tissue class",
                "adipose (ADI)",
                "background (BACK)",
                "debris (DEB)",
                "lymphocytes (LYM)",
                "mucus (MUC)",
                "smooth muscle (MUS)",
                "normal colon mucosa (NORM)",
                "cancer-associated stroma (STR)",
                "colorectal adenocarcinoma epithelium (TUM)",
            ),
        ),
        per_class={"train": 6, "val": 1, "test": 3},
        draw="clinical.histology:render",
    ),
    PhantomPlan(
        dataset="skinl_photo",
        title="Skin Lesion Evaluation (Clinical Photography)",
        domain="Clinical skin photography",
        shows="lesions of the skin photographed from a distance",
        channels=3,
        tasks=(_DIAGNOSES,),
        per_class={"train": 12, "val": 3, "test": 6},
        draw="clinical.skin:render_skinl_photo",
    ),
    PhantomPlan(
        dataset="skinl_derm",
        title="Skin Lesion Evaluation (Dermoscopy)",
        domain="Dermatoscopy",
        shows="lesions of the skin through a dermatoscope",
        channels=3,
        tasks=(_DIAGNOSES,),
        per_class={"train": 12, "val": 3, "test": 6},
        draw="clinical.skin:render_skinl_derm",
    ),
    PhantomPlan(
        dataset="mr_phantom",
        title="Brain MR",
        domain="Brain MR",
        shows="sections of a head under magnetic resonance, with and without lesions",
        channels=1,
        tasks=(classification("finding", "no lesion", "tumour", "white matter lesions"),),
        per_class={"train": 16, "val": 4, "test": 8},
        draw="clinical.brain:render",
    ),
)
"""In the catalogue's order; ``mr_phantom`` stands in for no dataset of MedIMeta, which has no MR."""
