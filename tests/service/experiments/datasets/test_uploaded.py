import io
import tracemalloc
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from gradclinic.experiments.datasets import Upload
from gradclinic.experiments.datasets.uploaded import Uploaded
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.losses.mse import MeanSquaredError
from gradclinic.experiments.lowering import lower
from gradclinic.experiments.uploads import Table, from_csv, from_npz, from_parquet, unpacked
from gradclinic.kernel.errors import InvalidDataset, InvalidSpec
from gradclinic.remedies.add_batch_norm import AddBatchNorm
from gradclinic.remedies.standardize_inputs import StandardizeInputs

from .checks import check_samples, check_standard, differs_by_seed

ID = "data_" + "0" * 24
MOST = 1 << 20
RNG = np.random.default_rng(0)
CLASSES = np.arange(40) % 3


def as_npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def npz(inputs: np.ndarray, targets: np.ndarray) -> Table:
    return from_npz(as_npz(inputs=inputs, targets=targets), task=None, most_bytes=MOST)


def upload(table: Table) -> Upload:
    return Upload(table.task, len(table.inputs), table.shape, table.outputs, lambda: unpacked(table.packed().content))


@pytest.mark.parametrize(
    ("shape", "layout"), [((5,), "flat"), ((4, 3), "sequence"), ((2, 4, 4), "image")], ids=["flat", "sequence", "image"]
)
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_its_samples_are_as_declared_and_fixed_by_its_own_seed(shape, layout, task) -> None:
    inputs = RNG.normal(3, 5, (40, *shape))
    table = npz(inputs, CLASSES if task == "classification" else RNG.normal(size=(40, 2)))
    data = Uploaded(id=ID).with_uploads(lambda _: upload(table))
    assert data.task == task
    assert set(data.forms()) == {"flat", layout}
    assert data.size() == (30, 10)
    check_samples(data)
    check_standard(data)
    assert differs_by_seed(data)


def test_a_loss_of_standardized_targets_can_be_told_in_the_targets_own_unit() -> None:
    table = npz(RNG.normal(size=(40, 3)), RNG.normal(50, 1000, size=(40, 1)))
    as_they_are, standardized = (
        Uploaded(id=ID, standardize=standardize).with_uploads(lambda _: upload(table)).sample("flat")
        for standardize in (False, True)
    )
    own_unit = [
        MeanSquaredError().constant(split.train.targets) * split.target_variance
        for split in (as_they_are, standardized)
    ]
    assert as_they_are.target_variance == 1.0
    assert own_unit[1] == pytest.approx(own_unit[0], rel=1e-5)


EXPERIMENT = Experiment.model_validate(
    {
        "model": {"kind": "mlp", "depth": 1, "width": 4, "activation": "tanh"},
        "data": {"kind": "uploaded", "id": ID},
        "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    }
)
TABLE = npz(RNG.normal(size=(40, 7)), CLASSES)


def test_an_experiment_gets_its_shapes_from_the_upload_it_is_given() -> None:
    network = lower(EXPERIMENT.with_uploads({ID: upload(TABLE)}.get))
    assert (network.input_shape, network.outputs) == ((7,), 3)


def test_an_unknown_id_is_refused_at_its_place() -> None:
    with pytest.raises(InvalidSpec, match="there is no data set") as refused:
        EXPERIMENT.with_uploads(lambda _: None)
    assert refused.value.problems[0].pointer == "/data/id"


def test_an_experiment_that_nobody_gave_its_rows_cannot_be_lowered() -> None:
    with pytest.raises(RuntimeError, match="are not loaded"):
        lower(EXPERIMENT)


def test_the_rows_are_no_part_of_what_is_stored_and_stay_with_every_changed_copy() -> None:
    known = EXPERIMENT.with_uploads({ID: upload(TABLE)}.get)
    assert known.to_json() == EXPERIMENT.to_json()
    for changed in (known.with_seed(3), StandardizeInputs().apply(_raw(known)), AddBatchNorm().apply(known)):
        assert lower(changed).input_shape == (7,)


def _raw(experiment: Experiment) -> Experiment:
    return experiment.model_copy(update={"data": experiment.data.model_copy(update={"standardize": False})})


def test_the_same_rows_loaded_twice_are_the_same_data() -> None:
    known, again = (EXPERIMENT.with_uploads(lambda _: upload(TABLE)) for _ in range(2))
    assert known == again
    assert lower(known) is lower(again)


ROWS = "\n".join(f"{i},{i * 0.5},{'ab'[i % 2]}" for i in range(10))


def csv(text: str, **options) -> Table:
    return from_csv(text.encode(), **{"target": None, "task": None, "most_bytes": MOST} | options)


def test_a_csv_table_names_its_features_and_its_classes() -> None:
    table = csv(f"x,y,kind\n{ROWS}\n")
    assert (table.features, table.classes, table.task) == (("x", "y"), ("a", "b"), "classification")
    assert table.targets.tolist() == [0, 1] * 5
    assert table.inputs[3].tolist() == [3, 1.5]


def test_the_target_can_be_another_column_and_numbers_are_values() -> None:
    table = csv("y,x\n" + "\n".join(f"{i * 0.3},{i}" for i in range(10)), target="y")
    assert (table.task, table.outputs, table.classes, table.features) == ("regression", 1, None, ("x",))
    np.testing.assert_allclose(table.targets[:, 0], np.arange(10) * 0.3, rtol=1e-6)


def test_a_parquet_table_is_the_same_data_set_as_its_csv() -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    columns = {"x": list(range(10)), "y": [i * 0.5 for i in range(10)], "kind": ["ab"[i % 2] for i in range(10)]}
    pq.write_table(pa.table(columns), file)
    table = from_parquet(file.getvalue(), target=None, task=None, most_bytes=MOST)
    assert table.digest == csv(f"x,y,kind\n{ROWS}").digest
    with pytest.raises(InvalidDataset, match="column 'kind' has type string"):
        from_parquet(file.getvalue(), target="x", task=None, most_bytes=MOST)
    with pytest.raises(InvalidDataset, match="not a readable Parquet"):
        from_parquet(b"PAR1 nothing", target=None, task=None, most_bytes=MOST)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "header must name"),
        ("x,x,y\n" + ROWS, "duplicate column name 'x'"),
        ("1,2,3\n" + ROWS, "first row contains numbers"),
        ("x,y,kind\n" + ROWS + "\n1,2", "row 11 and the header have different lengths"),
        ("x,y,kind\n" + ROWS + "\n1,red,a", "row 11, column 'y': 'red' is not a number"),
        ("x,y,kind\n" + ROWS + "\n1,nan,a", "row 11, column 'y': nan is not a finite"),
        ("x,y,kind\n" + ROWS + "\n1e39,1,a", "row 11, column 'x': 1e.39 is not a finite"),
        ("x,y,kind\n" + ROWS + "\n1,2,", "row 11, column 'kind': the value is missing"),
        ("x,y\n1,0\n2,1", "data set has 2 rows"),
        ("x,y\n" + "1,a\n" * 10, "there are 1 classes"),
    ],
)
def test_a_csv_table_that_cannot_be_trained_on_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(InvalidDataset, match=said):
        csv(text)


def test_classes_with_a_gap_are_refused_and_are_values_on_request() -> None:
    with pytest.raises(InvalidDataset, match="row 6: class 9 leaves a gap"):
        npz(RNG.normal(size=(12, 2)), np.array([0, 1, 0, 1, 0, 9] * 2))
    bad = as_npz(inputs=RNG.normal(size=(9, 2)), targets=np.array([0, 1, np.nan] * 3))
    with pytest.raises(InvalidDataset, match="row 3, targets"):
        from_npz(bad, task="classification", most_bytes=MOST)
    text = "x,y\n" + "1,0\n1,9\n" * 5
    assert csv(text).task == "regression"
    with pytest.raises(InvalidDataset, match="row 2: class 9"):
        csv(text, task="classification")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"nothing", "not a readable npz"),
        (as_npz(inputs=np.zeros((9, 2))), "no array 'targets'"),
        (as_npz(inputs=np.zeros((9, 2)), targets=np.array([None] * 9)), "not a readable npz"),
        (as_npz(inputs=np.zeros(9), targets=np.zeros(9)), "inputs have the shape"),
        (as_npz(inputs=np.zeros((9, 2)), targets=np.zeros(8)), "9 rows of inputs, but targets have shape"),
        (as_npz(inputs=np.zeros((9, 2), complex), targets=np.zeros(9)), "inputs have type complex128"),
        (as_npz(inputs=np.zeros((9, 2)), targets=np.array(["a", "\ud800", "b"] * 3)), "not a readable npz"),
        (as_npz(inputs=np.zeros((9, 2)), targets=np.full(9, np.inf)), "row 1, targets.0.: inf"),
    ],
)
def test_an_npz_that_cannot_be_trained_on_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(InvalidDataset, match=said):
        from_npz(body, task=None, most_bytes=MOST)


def test_nothing_is_unpacked_that_would_be_too_large() -> None:
    bomb = io.BytesIO()
    np.savez_compressed(bomb, inputs=np.zeros((1000, 1000)), targets=np.zeros(1000))
    assert len(bomb.getvalue()) < 20_000
    with pytest.raises(InvalidDataset, match="would take 8,000,"):
        from_npz(bomb.getvalue(), task=None, most_bytes=MOST)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9)})
    lie = io.BytesIO()
    with zipfile.ZipFile(lie, "w") as archive:
        archive.writestr("inputs.npy", header.getvalue())
    with pytest.raises(InvalidDataset, match="would take 8,000,000,000"):
        from_npz(lie.getvalue(), task=None, most_bytes=MOST)


def peak_bytes(read: Callable[[], object]) -> int:
    """The most memory that Python and numpy held at once while `read` refused a file."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidDataset):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_long_label_does_not_make_all_labels_as_long() -> None:
    body = ("x,y\n1," + "b" * 100_000 + "\n" + "1,a\n" * 5_000).encode()
    with pytest.raises(InvalidDataset, match="row 1: the target has 100,000 characters"):
        from_csv(body, target=None, task=None, most_bytes=MOST)
    assert peak_bytes(lambda: from_csv(body, target=None, task=None, most_bytes=MOST)) < 2 * 2**20


def test_a_label_of_200_characters_is_the_longest() -> None:
    def named(length: int) -> Table:
        body = ("x,y\n" + f"1,{'b' * length}\n1,a\n" * 5).encode()
        return from_csv(body, target=None, task=None, most_bytes=MOST)

    assert named(200).classes == ("a", "b" * 200)
    assert named(200).targets.tolist() == [1, 0] * 5
    with pytest.raises(InvalidDataset, match="201 characters"):
        named(201)
    with pytest.raises(InvalidDataset, match="row 2: the target has 201 characters"):
        npz(RNG.normal(size=(8, 2)), np.array(["a", "b" * 201] * 4))


def test_long_labels_of_a_parquet_table_are_refused_and_short_ones_are_sorted() -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")

    def table(labels: list[str]) -> Table:
        file = io.BytesIO()
        pq.write_table(pa.table({"x": np.arange(len(labels), dtype=np.float32), "y": labels}), file, row_group_size=5)
        return from_parquet(file.getvalue(), target=None, task=None, most_bytes=MOST)

    read = table(["b", "a", "c", "a"] * 5)
    assert (read.classes, read.targets.tolist()) == (("a", "b", "c"), [1, 0, 2, 0] * 5)
    with pytest.raises(InvalidDataset, match="row 1: the target has 50,000 characters"):
        table(["b" * 50_000] + ["a"] * 20_000)


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_rows_are_counted_however_they_end(end: str) -> None:
    body = ("x,y\n" + f"1,1{end}" * 300).encode()
    with pytest.raises(InvalidDataset, match="more than the 512 values"):
        from_csv(body, target=None, task=None, most_bytes=1024)


def test_a_line_longer_than_4_mib_is_refused_before_it_is_split() -> None:
    body = b"a," * 3_000_000
    with pytest.raises(InvalidDataset, match="line 1 has more than 4,194,304 characters"):
        from_csv(body, target=None, task=None, most_bytes=1 << 26)
    assert peak_bytes(lambda: from_csv(body, target=None, task=None, most_bytes=1 << 26)) < 64 * 2**20


def test_finding_a_nan_takes_no_more_memory_than_the_array() -> None:
    inputs = np.full((64, 64, 32), np.nan, np.float32)
    body = as_npz(inputs=inputs, targets=np.arange(64) % 2)
    assert peak_bytes(lambda: from_npz(body, task=None, most_bytes=1 << 26)) < 4 * inputs.nbytes
