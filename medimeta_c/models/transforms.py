"""open_clip's inference transform, and what it does in words and numbers; CLIP's own is its default."""

from __future__ import annotations

from open_clip.transform import PreprocessCfg, image_transform_v2

from medimeta_c.models.contract import Preprocess, Preprocessing

__all__ = ["clips_own", "open_clip_transform"]


def clips_own() -> tuple[Preprocess, Preprocessing]:
    """Return that of OpenAI's CLIP: RGB, the shortest side to 224, the centre, CLIP's mean and std."""
    return open_clip_transform(PreprocessCfg())


def open_clip_transform(cfg: PreprocessCfg) -> tuple[Preprocess, Preprocessing]:
    """Return the transform that open_clip makes of its settings."""
    return image_transform_v2(cfg, is_train=False), _described(cfg)


def _described(cfg: PreprocessCfg) -> Preprocessing:
    """Return what the inference transform does with these settings."""
    height, width = (cfg.size, cfg.size) if isinstance(cfg.size, int) else tuple(cfg.size)
    mean = (cfg.mean,) * 3 if isinstance(cfg.mean, int | float) else cfg.mean
    std = (cfg.std,) * 3 if isinstance(cfg.std, int | float) else cfg.std
    return Preprocessing(
        size=(height, width),
        resize=cfg.resize_mode,
        resize_size=(height, width),
        interpolation="bilinear" if cfg.interpolation == "bilinear" else "bicubic",
        center_crop=cfg.resize_mode != "squash",
        mean=tuple(float(one) for one in mean),
        std=tuple(float(one) for one in std),
        channels="rgb",
        implementation="open_clip.image_transform_v2",
        plain=True,
    )
