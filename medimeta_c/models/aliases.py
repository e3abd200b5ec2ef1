"""Short names of published models: what each stands for, at which revision, under which terms."""

from __future__ import annotations

from dataclasses import dataclass

from medimeta_c.errors import ConfigError
from medimeta_corruptions.registry import Registry

__all__ = ["ALIASES", "ALIAS_FORM", "Alias", "resolved"]

ALIAS_FORM = "model:ALIAS"
_PREFIX = ALIAS_FORM.partition(":")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A short name of a published model.

    Parameters
    ----------
    name : str
        What follows ``model:``.
    spec : str
        The model spec without a revision.
    revision : str or None, optional
        The Hub commit that the alias is pinned to, 40 hexadecimal digits; None if it is not pinned: the
        newest commit is loaded, and the result records which.
    seen : str, optional
        Where the revision was read, for a pinned alias.
    licence : str or None, optional
        Licence of the weights as their page states it; None if it is unknown here.
    gated : bool or None, optional
        Whether the Hub asks to accept terms before the download; None if it is unknown here.
    """

    name: str
    spec: str
    revision: str | None = None
    seen: str = ""
    licence: str | None = None
    gated: bool | None = False

    @property
    def pinned(self) -> str:
        """The model spec with the revision: what the alias resolves to."""
        return self.spec if self.revision is None else f"{self.spec}@{self.revision}"


_PAGE = "the Hub's page of the commit"
_CACHE = "the cache's path in a published script"

ALIASES = Registry(
    "medimeta_c.aliases",
    Alias,
    (
        Alias(
            name="biomedclip",
            spec="hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
            revision="9f341de24bfb00180f1b847274256e9b65a3a32e",
            seen=_CACHE,
            licence="MIT",
        ),
        Alias(
            name="medsiglip",
            spec="transformers:google/medsiglip-448",
            revision="9cea28a1a1195f665105faa6e8544c112fd960a4",
            seen=_CACHE,
            licence="HAI-DEF",
            gated=True,
        ),
        Alias(
            name="pubmedclip",
            spec="transformers:flaviagiammarino/pubmed-clip-vit-base-patch32",
            revision="26c0c67f6da303ad2a38909130bd35744ea93517",
            seen=f"{_CACHE}, and the Hub's list of commits",
            licence="MIT",
        ),
        Alias(
            name="bmc-clip",
            spec="ViT-L-14-gelu/hf-hub:BIOMEDICA/BMC_CLIP_CF/BMC_CLIP_CF.pt",
            licence="MIT",
            gated=None,
        ),
        Alias(
            name="plip",
            spec="transformers:vinid/plip",
            revision="67ade53ddd32195868f422585f72698ef5d15094",
            seen=_PAGE,
        ),
        Alias(
            name="quiltnet-b-32",
            spec="hf-hub:wisdomik/QuiltNet-B-32",
            revision="8ce77289ce35a90b2f1db1137dfa4bc2df175e33",
            seen=_CACHE,
            licence="MIT",
        ),
        Alias(
            name="quiltnet-b-16",
            spec="hf-hub:wisdomik/QuiltNet-B-16",
            revision="fffebfd558bb2e8dcb9a6aea22caaf981115cdcd",
            seen=_PAGE,
            licence="MIT",
        ),
        Alias(
            name="quiltnet-b-16-pmb",
            spec="hf-hub:wisdomik/QuiltNet-B-16-PMB",
            revision="813c35d85013ba9374397e9201335741083436a0",
            seen=_PAGE,
            licence="MIT",
        ),
        Alias(
            name="biovil-t",
            spec="biovil-t:microsoft/BiomedVLP-BioViL-T",
            revision="692f09e9be1bfe5fdd5f3efdd0e1eca7d2c10b23",
            seen=_PAGE,
            licence="MIT",
        ),
        Alias(
            name="medimageinsight",
            spec="medimageinsight:lion-ai/MedImageInsights",
            revision="c3a1ea9b7cb791fdd810a3ee2540ec2e8aa9af4f",
            seen=_PAGE,
            licence="MIT",
        ),
        Alias(name="keep", spec="keep:Astaxanthin/KEEP", gated=None),
        Alias(name="musk", spec="musk:xiangjx/musk", licence="CC BY-NC-ND 4.0", gated=True),
        Alias(name="flair", spec="flair:jusiro2/FLAIR", licence="Apache-2.0", gated=None),
        Alias(name="pmc-clip", spec="pmc-clip:axiong/pmc_oa_beta", gated=None),
        Alias(name="dermlip", spec="hf-hub:redlessone/DermLIP_ViT-B-16", licence="CC BY-NC 4.0"),
        Alias(name="monet", spec="transformers:suinleelab/monet"),
    ),
    noun="model alias",
    error=ConfigError,
)
"""Every alias by its name: our own, then those that other distributions add.

A revision stands here only if a public source shows it, which `Alias.seen` names.
"""


def resolved(spec: str) -> str:
    """Return what an alias stands for, and any other model spec as it is.

    Raises
    ------
    ConfigError
        If there is no such alias; the nearest is named.

    Examples
    --------
    >>> resolved("model:dermlip"), resolved("ViT-B-16/openai")
    ('hf-hub:redlessone/DermLIP_ViT-B-16', 'ViT-B-16/openai')
    """
    prefix, _, name = spec.partition(":")
    return ALIASES.find(name).pinned if prefix == _PREFIX and name else spec
