"""Whether compared runs were trained on the same device and with the same versions."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .results import RunResult

_FACTS: Mapping[str, str] = {
    "device": "on different devices",
    "machine": "on processors of different kinds",
    "cpu_capability": "with different vector instructions",
    "site_dtypes": "with activations in different precisions",
    "torch": "with different versions of torch",
    "cuda": "with different versions of CUDA",
    "cudnn": "with different versions of cuDNN",
    "numpy": "with different versions of numpy",
    "gradclinic": "with different versions of gradclinic",
}
"""Facts of an environment that a run's numbers depend on, and what it means if they differ."""


def notes_on(runs: Iterable[RunResult]) -> tuple[str, ...]:
    """A sentence for each fact in which the environments of ended runs differ; runs that do not state it are left out.

    Sums are rounded differently there, so that the same experiment and seed give slightly different numbers.
    """
    known = [run.environment for run in runs if run.succeeded and run.environment is not None]
    counts = {name: Counter(_fact(each, name) for each in known if _fact(each, name)) for name in _FACTS}
    return tuple(_note(name, values) for name, values in counts.items() if len(values) > 1)


def device_of(run: RunResult) -> str | None:
    """The name of the device that a run was trained on; None if it is not known."""
    return _fact(run.environment or {}, "device") or None


def on_one_device(runs: Sequence[RunResult]) -> bool:
    """Whether times and memory can be compared: no two runs are known to be of different devices."""
    return len({device_of(run) for run in runs} - {None}) < 2


def _fact(environment: Mapping[str, object], name: str) -> str:
    """One fact in words; empty if it is not stated. A CPU is `cpu` to a recording, and `CPU` to a worker."""
    value = environment.get(name)
    if name == "device":
        named = environment.get("device_name", value)
        return "" if named is None else "CPU" if str(named).lower() == "cpu" else str(named)
    return "" if value is None else str(value)


def _note(name: str, values: Mapping[str, int]) -> str:
    each = ", ".join(f"{value} in {count}" for value, count in sorted(values.items()))
    costs = " Their times and memory are not compared." if name == "device" else ""
    return f"Runs were trained {_FACTS[name]} ({each}). These round differently, which may cause small effects.{costs}"
