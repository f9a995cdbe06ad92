"""Modules that are compiled or wrapped: hooks stay out of the graph, and modules keep their names."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from .quiet import THREAD, Hook, is_transformed

WRAPPED = "_orig_mod"
"""The name under which a compiled module holds the original one."""


class OutsideGraph(Hook):
    """The same hook, called as plain Python where a module is compiled, between two graphs; not where it is unobserved.

    Where the program asked for one whole graph (`fullgraph=True`), the compiled module runs without the hook.
    """

    def __call__(self, *args: Any) -> Any:
        if not torch.compiler.is_compiling():
            return None if THREAD.is_unobserved or is_transformed() else self.hook(*args)
        torch._dynamo.comptime.comptime(_ask)
        return None if _tracing["whole"] else _as_python(self.hook, *args)


@torch.compiler.disable  # type: ignore[untyped-decorator]  # torch's own
def _as_python(hook: Callable[..., Any], *args: Any) -> Any:
    return None if THREAD.is_unobserved or is_transformed() else hook(*args)


def takes_hooks(module: nn.Module) -> bool:
    """Whether torch calls hooks of a module; a TorchScript program has none."""
    return not isinstance(module, torch.jit.ScriptModule)


def named_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """All modules, named as in the model that was compiled or trains in parallel; the model as it is called is ''."""
    plain: dict[str, str] = {}
    within: set[str] = set()
    """The names of wrappers."""
    for name, module in model.named_modules():
        parent, _, last = name.rpartition(".")
        plain[name] = plain[parent] if name and parent in within else f"{plain.get(parent, '')}.{last}".strip(".")
        if is_wrapper(module):
            within.add(name)
        if not name or (plain[name] and name not in within):
            yield plain[name], module


def is_wrapper(module: nn.Module) -> bool:
    """Whether a module holds another one and computes what that does: of `torch.compile`, DDP and `DataParallel`."""
    return WRAPPED in module._modules or is_data_parallel(module) or isinstance(module, nn.DataParallel)


def is_compiled(model: nn.Module) -> bool:
    """Whether the compiler makes code of some part of a model."""
    return any(
        WRAPPED in module._modules or getattr(module, "_compiled_call_impl", None) is not None
        for module in model.modules()
    )


def is_data_parallel(module: nn.Module) -> bool:
    """Whether a module trains copies of another one in several processes."""
    return torch.distributed.is_available() and isinstance(module, nn.parallel.DistributedDataParallel)


_tracing = {"whole": True}
"""Whether the graph being traced may not be broken; a dictionary, so that the compiler reads what `_ask` wrote."""


def _ask(context: Any) -> None:
    """Note, while a graph is traced, whether it may be broken; if torch does not tell, it may not."""
    tracer = getattr(context, "_ComptimeContext__tx", None)
    root = getattr(getattr(tracer, "output", None), "root_tx", None)  # before torch 2.5, only this one knows
    whole = getattr(tracer, "one_graph", getattr(root, "one_graph", True))
    _tracing["whole"] = bool(whole or getattr(tracer, "error_on_graph_break", False))
