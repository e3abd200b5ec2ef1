"""How far each severity looks from the clean picture: ColorVideoVDP, measured once, on the pages' pictures.

The pages in docs/clinical say on which pictures, and have the numbers on others.

References
----------
.. [1] R. K. Mantiuk et al., "ColorVideoVDP: A visual difference predictor for image, video and display
   distortions", ACM Transactions on Graphics 43 (2024).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DISTANCES"]

DISTANCES: Mapping[str, tuple[float, ...]] = {
    "xray_quantum_noise": (9.7, 9.3, 8.8, 8.1, 7.3),
    "xray_scatter": (9.2, 7.7, 6.3, 5.2, 4.4),
    "xray_overexposure": (9.7, 8.8, 7.8, 6.8, 5.8),
    "xray_motion": (9.8, 9.3, 8.3, 7.4, 6.6),
    "xray_grid": (9.7, 9.3, 8.7, 8.1, 7.5),
    "xray_collimation": (8.3, 7.6, 7.1, 6.6, 6.1),
    "film_exposure": (9.7, 9.0, 8.1, 7.0, 6.1),
    "film_scratches": (9.1, 8.8, 8.5, 7.9, 7.5),
    "ct_low_dose": (9.0, 8.3, 7.7, 7.1, 6.5),
    "ct_sparse_view": (9.8, 9.0, 7.8, 6.9, 6.0),
    "ct_ring": (9.8, 9.5, 9.1, 8.6, 8.1),
    "ct_metal": (9.4, 9.2, 8.4, 8.0, 7.5),
    "ct_motion": (8.3, 7.2, 6.3, 5.6, 5.2),
    "ct_reformat_noise": (9.3, 8.6, 7.9, 7.2, 6.5),
    "ct_slice_thickness": (9.6, 8.4, 7.7, 7.1, 6.5),
    "ct_breathing": (8.5, 7.5, 6.6, 5.9, 5.3),
    "us_speckle": (9.5, 9.1, 8.5, 7.8, 7.0),
    "us_attenuation": (8.6, 7.7, 6.8, 5.8, 5.1),
    "us_gain": (9.4, 8.7, 8.0, 7.2, 6.4),
    "us_contact_loss": (9.3, 8.5, 7.6, 6.9, 6.0),
    "us_reverberation": (8.9, 8.5, 8.1, 7.7, 7.3),
    "us_clutter": (8.8, 8.0, 7.1, 6.3, 5.6),
    "us_annotations": (9.5, 9.3, 9.1, 8.9, 8.7),
    "oct_speckle": (9.2, 8.5, 7.8, 7.3, 6.6),
    "oct_low_signal": (9.7, 9.1, 7.6, 6.0, 4.6),
    "oct_shadow": (8.8, 7.8, 6.9, 6.2, 5.7),
    "oct_roll_off": (9.2, 8.2, 7.5, 6.9, 6.4),
    "oct_defocus": (9.6, 8.9, 8.2, 7.5, 6.8),
    "oct_axial_motion": (8.5, 7.6, 6.9, 6.4, 6.1),
    "fundus_defocus": (10.0, 9.6, 8.8, 8.0, 7.5),
    "fundus_illumination": (9.8, 9.6, 9.3, 8.7, 7.9),
    "fundus_haze": (9.7, 9.0, 8.2, 7.3, 6.6),
    "fundus_underexposure": (9.9, 9.7, 9.4, 8.7, 7.7),
    "fundus_lens_spots": (9.1, 8.6, 8.4, 8.1, 7.6),
    "fundus_crescent": (8.4, 7.6, 7.3, 7.0, 6.7),
    "fundus_eyelashes": (8.9, 8.5, 8.0, 7.5, 7.0),
    "defocus": (10.0, 9.7, 9.1, 8.4, 7.6),
    "camera_motion": (9.7, 8.9, 8.1, 7.5, 7.1),
    "uneven_illumination": (9.8, 9.4, 8.9, 8.4, 7.7),
    "white_balance": (9.8, 9.6, 9.3, 8.9, 8.3),
    "sensor_noise": (9.9, 9.8, 9.4, 8.9, 8.2),
    "dust": (9.2, 8.8, 8.5, 8.1, 7.8),
    "glare": (8.6, 8.3, 7.8, 7.3, 6.8),
    "giemsa_stain": (9.9, 9.6, 9.2, 8.7, 7.9),
    "he_stain": (9.8, 9.2, 8.4, 7.7, 7.0),
    "section_thickness": (9.6, 9.0, 8.1, 7.1, 6.2),
    "tissue_fold": (8.5, 8.0, 7.7, 7.2, 6.8),
    "stitching": (9.2, 8.2, 7.1, 6.3, 5.6),
    "pen_ink": (8.1, 7.3, 6.6, 5.8, 5.0),
    "air_bubble": (9.1, 8.4, 7.7, 7.2, 6.6),
    "hair": (8.2, 7.2, 6.2, 5.3, 4.5),
    "dark_corners": (8.8, 7.6, 6.5, 5.3, 3.9),
    "gel_bubbles": (9.1, 8.6, 8.0, 7.3, 6.5),
    "jpeg": (9.8, 9.4, 8.9, 8.2, 7.4),
    "downsampling": (9.7, 9.3, 8.5, 7.7, 6.6),
    "bit_depth": (9.9, 9.7, 8.9, 7.2, 5.2),
    "window_level": (9.5, 8.4, 7.4, 6.4, 5.5),
    "burnt_in_text": (9.3, 8.9, 8.4, 7.7, 7.1),
    "jpeg2000": (9.5, 8.8, 8.1, 7.4, 6.7),
    "mr_motion": (9.6, 8.7, 7.8, 7.0, 5.7),
    "mr_ghosting": (9.4, 8.6, 8.0, 7.2, 6.5),
    "mr_spike": (9.8, 9.4, 8.8, 8.2, 7.6),
    "mr_bias_field": (9.6, 9.0, 8.5, 7.9, 7.4),
    "mr_truncation": (9.9, 9.9, 9.6, 8.7, 7.3),
    "mr_rician_noise": (9.6, 9.0, 8.1, 7.1, 6.0),
}
"""Mean just-objectionable-difference score (JOD) at severities 1 to 5, of ColorVideoVDP 0.5.7 for the display
``standard_fhd``: 10 is no difference; at 9 about three quarters of viewers prefer the clean picture."""
