"""Networks of torchvision, timm and transformers, most of them the smallest that their library names.

Those of the tests come first; they were tuned on. The others were not looked at one by one.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import log
from typing import Any

import torch
from tests.recorder.architectures import ARCHITECTURES, BATCH, CLASSES, WORDS, Architecture, text, topics
from tests.recorder.libraries import OF_PEFT, OF_TIMM, OF_TORCHVISION, of_timm, of_torchvision
from torch import Tensor, nn
from torch.nn.functional import interpolate

TUNED_ON: Mapping[str, Architecture] = {**ARCHITECTURES, **OF_TORCHVISION, **OF_TIMM, **OF_PEFT}
"""The networks of the tests."""

TORCHVISION = (
    "densenet121", "efficientnet_b0", "googlenet", "mnasnet0_5", "mobilenet_v2", "regnet_x_400mf", "regnet_y_400mf",
    "shufflenet_v2_x0_5", "squeezenet1_1",
)  # fmt: skip
TIMM = (
    "dla46_c", "edgenext_xx_small", "fastvit_t8", "ghostnet_050", "hardcorenas_a", "inception_next_atto", "lcnet_050",
    "mambaout_femto", "mobilenetv4_conv_small", "mobileone_s0", "nf_regnet_b0", "poolformer_s12", "pvt_v2_b0",
    "repvgg_a0", "resnest14d", "rexnet_100", "skresnet18", "starnet_s1", "tf_efficientnetv2_b0", "tinynet_e",
    "xcit_nano_12_p16_224",
)  # fmt: skip
TIMM_OF_PATCHES: Mapping[str, Mapping[str, Any]] = {
    "beit_base_patch16_224": {"embed_dim": 64, "depth": 4, "num_heads": 4},
    "cait_xxs24_224": {"embed_dim": 64, "depth": 4, "num_heads": 4},
    "deit3_small_patch16_224": {"embed_dim": 64, "depth": 4, "num_heads": 4},
    "eva02_tiny_patch14_224": {"embed_dim": 64, "depth": 4, "num_heads": 4},
    "hiera_tiny_224": {"embed_dim": 32, "stages": (1, 1, 2, 1)},
}
"""With the sizes that are changed."""


def pictures(steps: int, *, size: int = 64) -> Iterator[dict[str, Tensor]]:
    """One smooth picture a class, with noise: [8, 3, size, size]."""
    generator = torch.Generator().manual_seed(1)
    of_classes = interpolate(torch.randn(CLASSES, 3, 8, 8, generator=generator), size=(size, size), mode="bilinear")
    for _ in range(steps):
        labels = torch.randint(CLASSES, (BATCH,), generator=generator)
        noise = 0.5 * torch.randn(BATCH, 3, size, size, generator=generator)
        yield {"pixel_values": of_classes[labels] + noise, "labels": labels}


def _of_patches(name: str, changes: Mapping[str, Any]) -> nn.Module:
    size = {"img_size": 224 if "hiera" in name else 70 if "patch14" in name else 64}
    return of_timm(name, **size, **changes)


def _encoder(kind: str, **changes: Any) -> nn.Module:
    """A classifier of texts of transformers."""
    from transformers import AutoConfig, AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_config(
        _small(AutoConfig.for_model(kind), num_labels=CLASSES, **changes)
    )


def _decoder(kind: str, **changes: Any) -> nn.Module:
    """A language model of transformers."""
    from transformers import AutoConfig, AutoModelForCausalLM

    return AutoModelForCausalLM.from_config(_small(AutoConfig.for_model(kind), **changes))


def _small(config: Any, **changes: Any) -> Any:
    """The configuration with small sizes, by whichever names it knows them."""
    sizes = {
        "vocab_size": WORDS, "hidden_size": 64, "n_embd": 64, "d_model": 64, "dim": 64, "embedding_size": 64,
        "num_hidden_layers": 3, "n_layer": 3, "n_layers": 3, "num_layers": 3, "num_attention_heads": 4, "n_head": 4,
        "n_heads": 4, "num_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 128,
        "hidden_dim": 128, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip
    for name, value in {**{key: value for key, value in sizes.items() if hasattr(config, key)}, **changes}.items():
        setattr(config, name, value)
    return config


ENCODERS: Mapping[str, Mapping[str, Any]] = {
    "albert": {},
    "deberta-v2": {"pooler_hidden_size": 64},
    "distilbert": {"dim": 64, "hidden_dim": 128},
    "electra": {},
    "mpnet": {},
    "roberta": {},
    "xlm-roberta": {},
}
DECODERS: Mapping[str, Mapping[str, Any]] = {
    "bloom": {},
    "gemma": {},
    "gpt_neo": {
        "attention_types": [[["global", "local"], 1]],
        "num_layers": 2,
        "attention_layers": ["global", "local"],
    },
    "gpt_neox": {},
    "mistral": {},
    "opt": {"ffn_dim": 128, "word_embed_proj_dim": 64},
    "phi": {"num_key_value_heads": 4},
    "qwen2": {},
    "stablelm": {},
}


def _learned(build: Callable[[], nn.Module], rate: float = 1e-3) -> Architecture:
    return Architecture(build, pictures, rate)


def _of_torchvision(name: str) -> nn.Module:
    options = {"googlenet": {"aux_logits": False, "init_weights": False}}.get(name, {})
    return of_torchvision(name, **options)


OTHERS: Mapping[str, Architecture] = {
    **{f"torchvision_{name}": _learned(partial(_of_torchvision, name)) for name in TORCHVISION},
    **{f"timm_{name}": _learned(partial(of_timm, name)) for name in TIMM},
    **{
        f"timm_{name}": Architecture(
            partial(_of_patches, name, changes),
            partial(pictures, size=224 if "hiera" in name else 70 if "patch14" in name else 64),
            1e-3,
        )
        for name, changes in TIMM_OF_PATCHES.items()
    },
    **{
        f"{kind}_classifier": Architecture(partial(_encoder, kind, **own), topics, 1e-3)
        for kind, own in ENCODERS.items()
    },
    **{
        f"{kind}_language": Architecture(partial(_decoder, kind, **own), text, 1e-3, log(WORDS))
        for kind, own in DECODERS.items()
    },
}
"""The networks that nothing was tuned on."""
