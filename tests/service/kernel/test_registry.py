"""Every entry is found by its tag, describes itself, and has a test that is its own."""

import ast
from pathlib import Path

import pytest
from pydantic import BaseModel

from gradclinic.diagnosis.rules import RULES
from gradclinic.experiments.activations import ACTIVATIONS, Activation
from gradclinic.experiments.clipping import CLIPPINGS
from gradclinic.experiments.datasets import DATASETS
from gradclinic.experiments.initializations import INITIALIZATIONS
from gradclinic.experiments.layers import LAYERS
from gradclinic.experiments.lr_schedules import LR_SCHEDULES
from gradclinic.experiments.optimizers import OPTIMIZERS
from gradclinic.experiments.presets import PRESETS
from gradclinic.kernel import registry
from gradclinic.kernel.spec import first_line
from gradclinic.measurements.statistics import STATISTICS, TensorStatistic
from gradclinic.remedies import REMEDIES

REGISTRIES: dict[str, dict[str, type[BaseModel]]] = {
    "activations": ACTIVATIONS,
    "initializations": INITIALIZATIONS,
    "layers": LAYERS,
    "presets": PRESETS,
    "datasets": DATASETS,
    "optimizers": OPTIMIZERS,
    "lr_schedules": LR_SCHEDULES,
    "clipping": CLIPPINGS,
    "remedies": REMEDIES,
    "rules": {name: type(rule) for name, rule in RULES.items()},
}
ROOMS = {"remedies": "", "rules": "diagnosis"}
"""Where a registry's folder is; the others are the experiments'."""
COMPUTED = sorted(
    {each.reduce.__module__.rpartition(".")[2] for each in STATISTICS.values() if isinstance(each, TensorStatistic)}
)
"""Files of statistics; those that a training loop computes are tested with the recorder."""
ENTRIES = [(package, name) for package, members in REGISTRIES.items() for name in members]


@pytest.mark.parametrize(("package", "name"), ENTRIES)
def test_every_entry_has_a_test_file_of_its_own(package: str, name: str):
    path = Path(__file__).parents[1] / ROOMS.get(package, "experiments") / package / f"test_{name}.py"
    assert path.is_file(), f"write {path.relative_to(Path(__file__).parents[3])}"
    tests = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    assert any(test.name.startswith("test_") for test in tests)


@pytest.mark.parametrize(("package", "name"), ENTRIES)
def test_every_entry_says_what_it_is_and_where_it_comes_from(package: str, name: str):
    cls = REGISTRIES[package][name]
    assert first_line(cls).endswith((".", ":"))
    assert cls.source
    schema = cls.model_json_schema()
    fields = schema.get("properties") or schema["$defs"][cls.__name__]["properties"]
    tags = ("kind", "name", "scheme", "condition")
    assert [key for key, field in fields.items() if key not in tags and not field.get("description")] == []


@pytest.mark.parametrize("name", COMPUTED)
def test_every_statistic_has_a_test_file_of_its_own(name: str):
    path = Path(__file__).parents[1] / "measurements" / "statistics" / f"test_{name}.py"
    assert path.is_file(), f"write {path.relative_to(Path(__file__).parents[3])}"
    assert "def test_" in path.read_text()


def test_remedies_come_in_the_order_of_common_advice():
    assert list(REMEDIES)[:6] == [
        "swap_activation",
        "add_batch_norm",
        "lower_learning_rate",
        "add_skip_connections",
        "set_initialization",
        "clip_gradients",
    ]
    assert list(REMEDIES)[6:] == sorted(list(REMEDIES)[6:])


def test_two_entries_with_one_tag_are_a_mistake_that_is_noticed(tmp_path, monkeypatch):
    (tmp_path / "twins").mkdir()
    (tmp_path / "twins" / "__init__.py").write_text("")
    body = (
        "from typing import Literal\nfrom gradclinic.experiments.activations.base import Activation\n"
        "class Twin(Activation):\n    name: Literal['twin'] = 'twin'\n"
    )
    for module in ("one", "two"):
        (tmp_path / "twins" / f"{module}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TypeError, match="'twin' is defined by"):
        registry.members("twins", Activation, tag="name")


def test_a_base_without_a_tag_is_no_entry():
    assert registry.tag_of(Activation, tag="name") is None
