"""``medimeta-c export-peft``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medimeta_c.cli import console
from medimeta_c.errors import ConfigError, importing_models

__all__ = ["export_peft"]


def export_peft(
    adapters: Annotated[
        str,
        typer.Argument(
            help="Adapters written by [b]finetune[/b]: [b]robustmedclip:DIR_OR_REPO[+base=SPEC][/b]."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write; it must be empty or not exist.")],
) -> None:
    """Convert adapters to the format of Hugging Face's PEFT library.

    PEFT supports adapters on timm's fused qkv, on the separate projections of transformers models, and on
    plain convolutions. It does not support adapters in open_clip's own attention.

    [b]Example[/b]

      medimeta-c export-peft robustmedclip:rmc --out rmc-peft
    """
    with importing_models("medimeta-c export-peft"):
        from medimeta_c.lora.peft import export_peft as export
        from medimeta_c.lora.robustmedclip import open_adapters

    folder = out.expanduser()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is not an empty folder: choose another --out")
    loaded = open_adapters(adapters)
    export(folder, loaded)
    console.say(f"{folder}: {loaded.report()}")
    console.say("next: peft.PeftModel.from_pretrained(BASE, FOLDER); BASE is the base model's torch module")
