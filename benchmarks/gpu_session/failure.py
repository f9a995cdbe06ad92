"""What a device survives: exhausted memory, an assertion in a kernel; and the way through a whole service."""

import subprocess
import sys
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gradclinic.client import Clinic
from gradclinic.kernel.errors import OutOfMemory
from gradclinic.schemas.run import RunDetailAnswer
from gradclinic_torch import Recording
from gradclinic_workers.train.fit import train

from .check import Result, check
from .example import experiment

TIMES = 5


@check(limit_s=60, needs_gpu=True)
def survives_exhausted_memory(device: str) -> Iterator[Result]:
    """Five runs that do not fit, then one that does, in the same process."""
    for time in range(TIMES):
        torch.cuda.set_per_process_memory_fraction(1e-6)
        try:
            train(experiment("mlp, wide", device=device), device=device)
            said = "it fitted"
        except OutOfMemory as error:
            said = str(error)
        yield Result(f"run {time + 1}", said, "out of memory, and what is free", "are free" in said)
    torch.cuda.set_per_process_memory_fraction(1.0)
    record = train(experiment("mlp", device=device), device=device)
    ended = record.outcome is not None and record.outcome.steps_done == record.steps
    yield Result("a run after them", "ended" if ended else "did not end", "ended", ended)


@check(limit_s=60, needs_gpu=True)
def survives_a_device_assertion(device: str) -> Iterator[Result]:
    """A target that is no class ends its process; the next process trains."""
    wrong = (
        "import sys, torch; there = {'device': sys.argv[1]}; "
        "torch.nn.functional.cross_entropy(torch.zeros(2, 3, **there), torch.tensor([1, 99], **there)).item()"
    )
    ended = subprocess.run([sys.executable, "-c", wrong, device], capture_output=True, text=True, check=False)
    yield Result("a target that is no class", ended.returncode, "an error", ended.returncode != 0)
    record = train(experiment("mlp", device=device), device=device)
    yield Result("a run after it", "ended", "ended", record.outcome is not None)


@check(limit_s=60)
def sees_the_same_sites(device: str) -> Iterator[Result]:
    """The sites of a recorded network with residual blocks whose shortcuts have a norm, as on a CPU."""
    there, here = _sites(device), _sites("cpu")
    yield Result("sites", len(there), f"{len(here)}, of the same names", there == here)


@check(limit_s=120)
def works_through_a_whole_service(device: str) -> Iterator[Result]:
    """A run through API, queue, worker and database."""
    with Clinic.local() as clinic:
        run = clinic.get_run(clinic.run(experiment("mlp", device=device).to_json()).wait(timeout_s=100).id)
        environment = run.answer.environment if isinstance(run.answer, RunDetailAnswer) else None
        yield Result("status", run.status, "succeeded", run.status == "succeeded")
        trained_on = (environment or {}).get("device")
        yield Result("device", trained_on, device, str(trained_on).startswith(device))


class _Block(nn.Module):
    """A residual block of ResNet, whose shortcut has a convolution and a norm."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(before, after, 3, 2, 1), nn.Conv2d(after, after, 3, 1, 1)
        self.norm, self.last_norm = nn.BatchNorm2d(after), nn.BatchNorm2d(after)
        self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, 2), nn.BatchNorm2d(after))

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, channels, height, width], of half the height and width."""
        inside = self.last_norm(self.second(torch.relu(self.norm(self.first(inputs)))))
        outputs: Tensor = torch.relu(inside + self.shortcut(inputs))
        return outputs


def _sites(device: str) -> list[str]:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), _Block(8, 16), _Block(16, 32),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
    ).to(device)  # fmt: skip
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.01), nn.CrossEntropyLoss()
    inputs, targets = torch.randn(16, 1, 16, 16, device=device), torch.arange(16, device=device) % 10
    with Recording(model, optimizer, criterion) as recording:
        for _ in range(3):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    return [site.name for site in recording.record.sites]
