"""Networks of torchvision and timm, small and for pictures of 32 x 32, and of transformers with LoRA of peft."""

from collections.abc import Callable, Mapping
from functools import partial
from math import log
from typing import Any
from warnings import catch_warnings, simplefilter

from torch import nn

from .architectures import CLASSES, WORDS, Architecture, Plain, bert, images, llama, text, topics


def of_torchvision(name: str, **arguments: Any) -> nn.Module:
    from torchvision import models

    return Plain(models.get_model(name, weights=None, num_classes=CLASSES, **arguments))


def vgg11() -> nn.Module:
    """With a quarter of the channels, and with the head that is usual for small pictures."""
    from torchvision.models.vgg import VGG, make_layers

    model = VGG(make_layers([16, "M", 32, "M", 64, 64, "M", 128, 128, "M", 128, 128, "M"]), num_classes=CLASSES)
    model.avgpool = nn.AdaptiveAvgPool2d(1)
    model.classifier = nn.Sequential(nn.Linear(128, 64), nn.ReLU(inplace=True), nn.Linear(64, CLASSES))
    return Plain(model)


def densenet() -> nn.Module:
    """Half as deep as densenet121."""
    from torchvision.models import DenseNet

    return Plain(DenseNet(growth_rate=8, block_config=(3, 6, 12, 8), num_init_features=16, num_classes=CLASSES))


def convnext() -> nn.Module:
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    stages = [CNBlockConfig(32, 64, 2), CNBlockConfig(64, 128, 2), CNBlockConfig(128, None, 2)]
    return Plain(ConvNeXt(stages, layer_scale=0.1, num_classes=CLASSES))


def vit() -> nn.Module:
    from torchvision.models import VisionTransformer

    return Plain(
        VisionTransformer(
            image_size=32, patch_size=8, num_layers=4, num_heads=4, hidden_dim=64, mlp_dim=128, num_classes=CLASSES
        )
    )


def swin() -> nn.Module:
    from torchvision.models import SwinTransformer

    return Plain(
        SwinTransformer(
            patch_size=[4, 4], embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=[4, 4], num_classes=CLASSES
        )
    )


def of_timm(name: str, **arguments: Any) -> nn.Module:
    import timm

    return Plain(timm.create_model(name, num_classes=CLASSES, **arguments))


def mixer() -> nn.Module:
    from timm.models.mlp_mixer import MlpMixer

    return Plain(MlpMixer(img_size=32, patch_size=8, num_blocks=4, embed_dim=64, num_classes=CLASSES))


def with_lora(build: Callable[[], nn.Module], *, layers: list[str], trained: str) -> nn.Module:
    """With low-rank changes of these layers; beside them only the new readout is trained, as on another task."""
    from peft import LoraConfig, get_peft_model

    changes = LoraConfig(r=4, lora_alpha=8, target_modules=layers, modules_to_save=[trained])
    with catch_warnings():
        simplefilter("ignore", FutureWarning)  # it asks transformers about checkpoints by an old name
        return get_peft_model(build(), changes)


def learned(build: Callable[[], nn.Module], rate: float = 1e-3) -> Architecture:
    return Architecture(build, images, rate)


NORM = partial(nn.BatchNorm2d, momentum=0.1)
"""With torchvision's momentum of 0.01, the running statistics would need several hundred steps."""

OF_TORCHVISION: Mapping[str, Architecture] = {
    "torchvision_resnet18": learned(partial(of_torchvision, "resnet18")),
    "torchvision_vgg11": learned(vgg11),
    "torchvision_mobilenet_v3": learned(partial(of_torchvision, "mobilenet_v3_small", width_mult=0.5, norm_layer=NORM)),
    "torchvision_densenet": learned(densenet),
    "torchvision_convnext": learned(convnext),
    "torchvision_vit": learned(vit),
    "torchvision_swin": learned(swin),
}
OF_TIMM: Mapping[str, Architecture] = {
    "timm_resnet": learned(partial(of_timm, "resnet18", channels=(16, 32, 64, 128), stem_width=16)),
    "timm_convnext": learned(partial(of_timm, "convnext_atto", depths=(2, 2, 2, 2), dims=(16, 32, 64, 128))),
    "timm_vit": learned(
        partial(of_timm, "vit_tiny_patch16_224", img_size=32, patch_size=8, depth=4, embed_dim=64, num_heads=4)
    ),
    "timm_swin": learned(
        partial(
            of_timm, "swin_tiny_patch4_window7_224", img_size=32, patch_size=4, window_size=4, embed_dim=32,
            depths=(2, 2), num_heads=(2, 4),
        )
    ),
    "timm_mixer": learned(mixer),
}  # fmt: skip
OF_PEFT: Mapping[str, Architecture] = {
    "peft_llama": Architecture(
        partial(with_lora, llama, layers=["q_proj", "v_proj", "up_proj", "down_proj"], trained="lm_head"),
        text,
        1e-2,
        log(WORDS),
    ),
    "peft_bert": Architecture(partial(with_lora, bert, layers=["query", "value"], trained="classifier"), topics, 2e-2),
}
