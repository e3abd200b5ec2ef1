"""Low-rank adapters for the image tower of any CLIP-style model (RobustMedCLIP's method), and their files.

`medimeta_c.lora.adapters.attach` puts them on a loaded model; `medimeta_c.lora.adapterfile` writes and reads
them; `medimeta_c.lora.peft` exports them. What is named here needs no torch.
"""

from medimeta_c.lora.record import ATTENTION, CENTRES, CONVOLUTIONS, LoraConfig, LoraRecord, Target

__all__ = ["ATTENTION", "CENTRES", "CONVOLUTIONS", "LoraConfig", "LoraRecord", "Target"]
