"""Small networks of the architectures that people train, each with samples that it can learn."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, pad

from gradclinic_torch import Recording

BATCH, STEPS = 8, 80
CLASSES, WORDS = 10, 64

Samples = Callable[[int], Iterator[dict[str, Tensor]]]
Fault = Literal["none", "rate", "small", "large"]
"""Nothing; the rate times 1000; initial weights times .01; or times 10."""


@dataclass(frozen=True)
class Architecture:
    """A network, its samples, and a rate at which it learns them with AdamW."""

    build: Callable[[], nn.Module]
    samples: Samples
    rate: float
    constant_loss: float = log(CLASSES)


def train(
    architecture: Architecture, *, fault: Fault = "none", steps: int = STEPS, record: bool = True
) -> tuple[nn.Module, Recording | None]:
    torch.manual_seed(0)
    model = architecture.build().train()
    if fault in ("small", "large"):
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim > 1:
                    parameter.mul_(0.01 if fault == "small" else 10.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=architecture.rate * (1000 if fault == "rate" else 1))
    recording = Recording(model, optimizer, constant_loss=architecture.constant_loss, steps=steps) if record else None
    for batch in architecture.samples(steps):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        if recording is not None:
            recording.after_backward(loss)
        optimizer.step()
        if not bool(torch.isfinite(loss)):
            break
    if recording is not None:
        recording.finish()
    return model, recording


# --- samples ---


def images(steps: int) -> Iterator[dict[str, Tensor]]:
    """One smooth picture a class, with noise: [8, 3, 32, 32]."""
    generator = torch.Generator().manual_seed(1)
    pictures = interpolate(torch.randn(CLASSES, 3, 8, 8, generator=generator), scale_factor=4, mode="bilinear")
    for _ in range(steps):
        labels = torch.randint(CLASSES, (BATCH,), generator=generator)
        yield {
            "pixel_values": pictures[labels] + 0.5 * torch.randn(BATCH, 3, 32, 32, generator=generator),
            "labels": labels,
        }


def masks(steps: int) -> Iterator[dict[str, Tensor]]:
    """Patches in one color a class, with noise, and the class of each pixel."""
    generator = torch.Generator().manual_seed(1)
    colors = torch.randn(4, 3, generator=generator)
    for _ in range(steps):
        patches = torch.randint(4, (BATCH, 1, 4, 4), generator=generator)
        labels = interpolate(patches.float(), scale_factor=8)[:, 0].long()
        noise = 0.5 * torch.randn(BATCH, 3, 32, 32, generator=generator)
        yield {"pixel_values": colors[labels].permute(0, 3, 1, 2) + noise, "labels": labels}


def text(steps: int, *, length: int = 24) -> Iterator[dict[str, Tensor]]:
    """Words of which each but one in ten follows from the one before."""
    generator = torch.Generator().manual_seed(1)
    following = torch.randperm(WORDS, generator=generator)
    for _ in range(steps):
        words = [torch.randint(WORDS, (BATCH,), generator=generator)]
        for _ in range(length - 1):
            any_word = torch.randint(WORDS, (BATCH,), generator=generator)
            any_now = torch.rand(BATCH, generator=generator) < 0.1
            words.append(torch.where(any_now, any_word, following[words[-1]]))
        found = torch.stack(words, dim=1)
        yield {"input_ids": found, "labels": found}


def topics(steps: int) -> Iterator[dict[str, Tensor]]:
    """Texts whose words are mostly those of their class."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        labels = torch.randint(CLASSES, (BATCH,), generator=generator)
        own = torch.randint(6, (BATCH, 20), generator=generator) + 6 * labels[:, None]
        any_now = torch.rand(BATCH, 20, generator=generator) < 0.2
        yield {
            "input_ids": torch.where(any_now, torch.randint(WORDS, (BATCH, 20), generator=generator), own),
            "labels": labels,
        }


def speech(steps: int) -> Iterator[dict[str, Tensor]]:
    """Two frames of sound a word: [8, 16, 32]."""
    sounds = torch.randn(WORDS, 16, generator=torch.Generator().manual_seed(1))
    for batch in text(steps, length=12):
        frames = pad(sounds[batch["labels"]].repeat_interleave(2, dim=1), (0, 0, 0, 8))
        yield {"input_features": frames.transpose(1, 2), "labels": batch["labels"]}


# --- networks that transformers does not have ---


@dataclass(frozen=True)
class Output:
    loss: Tensor


class Plain(nn.Module):
    """Returns its loss, as those of transformers do."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, pixel_values: Tensor, labels: Tensor) -> Output:
        return Output(cross_entropy(self.body(pixel_values), labels))


def vgg() -> nn.Module:
    layers: list[nn.Module] = []
    into = 3
    for width in (16, 0, 32, 0, 64, 64, 0, 64, 64, 0):
        layers += [nn.Conv2d(into, width, 3, padding=1), nn.ReLU(inplace=True)] if width else [nn.MaxPool2d(2)]
        into = width or into
    layers += [nn.Flatten(), nn.Linear(256, 64), nn.ReLU(inplace=True), nn.Linear(64, 64), nn.ReLU(inplace=True)]
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return Plain(nn.Sequential(*layers, nn.Linear(64, CLASSES)))


class Mixing(nn.Module):
    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens = nn.Sequential(nn.Linear(tokens, 32), nn.GELU(), nn.Linear(32, tokens))
        self.channels = nn.Sequential(nn.Linear(width, 128), nn.GELU(), nn.Linear(128, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 8, stride=8)
        self.blocks = nn.Sequential(*(Mixing(16, 64) for _ in range(4)))
        self.norm, self.head = nn.LayerNorm(64), nn.Linear(64, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.norm(self.blocks(self.stem(x).flatten(2).transpose(1, 2))).mean(dim=1))
        return found


def twice(into: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(into, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
        nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
    )  # fmt: skip


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.middle = twice(3, 8), twice(8, 16), twice(16, 32)
        self.up2, self.join2 = nn.ConvTranspose2d(32, 16, 2, stride=2), twice(32, 16)
        self.up1, self.join1 = nn.ConvTranspose2d(16, 8, 2, stride=2), twice(16, 8)
        self.pool, self.out = nn.MaxPool2d(2), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.down1(x)
        second = self.down2(self.pool(first))
        x = self.middle(self.pool(second))
        x = self.join2(torch.cat([self.up2(x), second], dim=1))
        found: Tensor = self.out(self.join1(torch.cat([self.up1(x), first], dim=1)))
        return found


# --- networks of transformers ---


def resnet() -> nn.Module:
    from transformers import ResNetConfig, ResNetForImageClassification

    return ResNetForImageClassification(
        ResNetConfig(
            embedding_size=16, hidden_sizes=[16, 32, 64], depths=[2, 2, 2], layer_type="basic", num_labels=CLASSES
        )
    )


def regnet() -> nn.Module:
    from transformers import RegNetConfig, RegNetForImageClassification

    return RegNetForImageClassification(
        RegNetConfig(embedding_size=16, hidden_sizes=[16, 32, 64], depths=[1, 2, 2], groups_width=8, num_labels=CLASSES)
    )


def convnext() -> nn.Module:
    from transformers import ConvNextConfig, ConvNextForImageClassification

    return ConvNextForImageClassification(
        ConvNextConfig(
            hidden_sizes=[16, 32, 64], depths=[2, 2, 2], num_stages=3, num_labels=CLASSES, layer_scale_init_value=0.1
        )
    )


def vit() -> nn.Module:
    from transformers import ViTConfig, ViTForImageClassification

    return ViTForImageClassification(
        ViTConfig(
            image_size=32, patch_size=8, hidden_size=64, num_hidden_layers=4, num_attention_heads=4,
            intermediate_size=128, num_labels=CLASSES,
        )
    )  # fmt: skip


def swin() -> nn.Module:
    from transformers import SwinConfig, SwinForImageClassification

    return SwinForImageClassification(
        SwinConfig(
            image_size=32, patch_size=4, embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=4,
            num_labels=CLASSES,
        )
    )  # fmt: skip


def gpt2(*, checkpoint: Literal["no", "reentrant", "other"] = "no") -> nn.Module:
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=WORDS, n_positions=32, n_embd=64, n_layer=4, n_head=4, bos_token_id=0, eos_token_id=0,
            use_cache=False,
        )
    )  # fmt: skip
    if checkpoint != "no":
        model.activation_checkpointing_enable({"use_reentrant": checkpoint == "reentrant"})
        model.enable_input_require_grads()
    return model


def llama() -> nn.Module:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=WORDS, hidden_size=64, intermediate_size=128, num_hidden_layers=4, num_attention_heads=4,
            num_key_value_heads=2, pad_token_id=0, bos_token_id=0, eos_token_id=0,
        )
    )  # fmt: skip


def mamba() -> nn.Module:
    from transformers import MambaConfig, MambaForCausalLM

    return MambaForCausalLM(
        MambaConfig(
            vocab_size=WORDS, hidden_size=64, state_size=8, num_hidden_layers=3, pad_token_id=0, bos_token_id=0,
            eos_token_id=0,
        )
    )  # fmt: skip


def bert() -> nn.Module:
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(
        BertConfig(
            vocab_size=WORDS, hidden_size=64, num_hidden_layers=4, num_attention_heads=4, intermediate_size=128,
            max_position_embeddings=32, num_labels=CLASSES,
        )
    )  # fmt: skip


def t5() -> nn.Module:
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(
        T5Config(vocab_size=WORDS, d_model=64, d_kv=16, d_ff=128, num_layers=3, num_heads=4, decoder_start_token_id=0)
    )


def whisper() -> nn.Module:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    return WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=WORDS, num_mel_bins=16, encoder_layers=3, decoder_layers=3, encoder_attention_heads=4,
            decoder_attention_heads=4, d_model=64, encoder_ffn_dim=128, decoder_ffn_dim=128, max_source_positions=16,
            max_target_positions=32, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0,
        )
    )  # fmt: skip


ARCHITECTURES: Mapping[str, Architecture] = {
    "resnet": Architecture(resnet, images, 1e-3),
    "regnet": Architecture(regnet, images, 5e-3),
    "convnext": Architecture(convnext, images, 1e-3),
    "vgg": Architecture(vgg, images, 1e-3),
    "vit": Architecture(vit, images, 1e-3),
    "swin": Architecture(swin, images, 1e-3),
    "mixer": Architecture(lambda: Plain(Mixer()), images, 1e-3),
    "unet": Architecture(lambda: Plain(UNet()), masks, 1e-2, log(4)),
    "gpt2": Architecture(gpt2, text, 1e-3, log(WORDS)),
    "gpt2_checkpointed": Architecture(lambda: gpt2(checkpoint="other"), text, 1e-3, log(WORDS)),
    "gpt2_checkpointed_reentrant": Architecture(lambda: gpt2(checkpoint="reentrant"), text, 1e-3, log(WORDS)),
    "llama": Architecture(llama, text, 1e-3, log(WORDS)),
    "mamba": Architecture(mamba, text, 3e-3, log(WORDS)),
    "bert": Architecture(bert, topics, 1e-3),
    "t5": Architecture(t5, text, 1e-3, log(WORDS)),
    "whisper": Architecture(whisper, speech, 2e-3, log(WORDS)),
}
