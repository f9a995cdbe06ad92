"""Synthetic run records, for rules that must fire on exactly what they name."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.record import Outcome, RunRecord, Series, SiteInfo, WeightInfo

LAYERS = 10
STEPS = 300

Levels = float | np.ndarray | Callable[[np.ndarray], np.ndarray]


def outcome(**changes: object) -> Outcome:
    """How a healthy training ends: the loss at 2 % of the constant predictor's 2.3 nats."""
    healthy = Outcome(
        steps_done=STEPS,
        nonfinite_step=None,
        initial_train_loss=2.4,
        final_train_loss=0.046,
        constant_loss=2.3,
        final_validation_loss=0.1,
        final_validation_accuracy=0.97,
        steps_to_target=40,
        train_seconds=1.0,
        recording_seconds=0.02,
    )
    return replace(healthy, **changes)


def failed(**changes: object) -> Outcome:
    """How a training ends that learned nothing."""
    return outcome(
        **{
            "final_train_loss": 2.3,
            "final_validation_loss": 2.3,
            "final_validation_accuracy": 0.1,
            "steps_to_target": None,
            **changes,
        }
    )


def healthy_record(
    *, activation: str = "relu", bounded: bool = False, can_die: bool = True, layers: int = LAYERS
) -> RunRecord:
    """A network that trains as it should: level gradients, moderate steps, a falling probe loss."""
    steps = np.arange(STEPS, dtype=np.int32)
    full = np.unique(np.concatenate([np.arange(10), np.arange(0, STEPS, 10)])).astype(np.int32)
    probes = np.append(np.arange(0, STEPS, 5), STEPS).astype(np.int32)
    sites = tuple(
        SiteInfo(
            f"{2 * k}.linear",
            "pre_activation",
            in_profile=True,
            units=32,
            activation=activation,
            bounded=bounded,
            can_die=can_die,
        )
        for k in range(layers)
    )
    weights = tuple(WeightInfo(f"{2 * k}.linear", (32, 32), readout=k == layers) for k in range(layers + 1))
    falling = 2.3 * (0.02 + 0.98 * np.exp(-np.arange(STEPS + 1) / 40))
    series = {
        "site_grad_rms": series_of(steps, 0.3, layers),
        "train_loss": Series(steps, falling[steps][:, None].astype(np.float32)),
        "grad_norm_l2": series_of(steps, 1.0, 1),
        "learning_rate": series_of(steps, 0.1, 1),
        "weight_grad_norm_l2": series_of(steps, 0.3, layers + 1),
        "weight_norm_l2": series_of(full, 6.0, layers + 1),
        "update_to_weight_ratio": series_of(full, 0.005, layers + 1),
        "saturated_fraction": series_of(full, 0.02 if bounded else 0.0, layers),
        "dead_fraction": series_of(probes, 0.05 if can_die else float("nan"), layers),
        "probe_loss": Series(probes, falling[probes][:, None].astype(np.float32)),
    }
    return RunRecord(STEPS, 64, sites, weights, series, outcome())


def series_of(steps: np.ndarray, level: Levels, columns: int) -> Series:
    """The same level everywhere, one level a column, or a level for each step."""
    rows = level(steps)[:, None] if callable(level) else level
    values = np.broadcast_to(np.asarray(rows, np.float32), (len(steps), columns))
    return Series(steps.astype(np.int32), np.array(values))


def changed(record: RunRecord, statistics: Mapping[str, Levels] | None = None, **fields: object) -> RunRecord:
    """The record with other levels of some statistics, or with other fields."""
    series = dict(record.series)
    for name, level in (statistics or {}).items():
        old = record.series[name]
        series[name] = series_of(old.steps, level, old.values.shape[1])
    return replace(record, series=series, **fields)


def with_levels(record: RunRecord, level: float) -> RunRecord:
    """The record with the size of every layer's outputs before the first step."""
    levels = series_of(np.zeros(1, np.int32), level, len(record.sites))
    return replace(record, series={**record.series, "activation_rms": levels})


def with_slope(record: RunRecord, decades: float) -> RunRecord:
    """The record with gradients that lose that many decades, evenly, from output to input."""
    levels = 10.0 ** np.linspace(-decades, 0.0, len(record.sites))
    return changed(record, {"site_grad_rms": levels})


def truncated(record: RunRecord, steps: int) -> RunRecord:
    """What was recorded before that step."""
    series = {
        name: Series(old.steps[old.steps < steps], old.values[old.steps < steps]) for name, old in record.series.items()
    }
    return replace(record, series=series)


def vanishing() -> RunRecord:
    return with_slope(changed(healthy_record(), outcome=failed()), 6.0)


def exploding() -> RunRecord:
    return with_slope(
        changed(
            truncated(healthy_record(), 3),
            outcome=failed(steps_done=2, nonfinite_step=2, final_train_loss=float("nan")),
        ),
        -3.0,
    )


def dead() -> RunRecord:
    levels = np.full(LAYERS, 0.1)
    levels[4:] = 1.0
    return changed(healthy_record(), {"dead_fraction": levels}, outcome=failed())


def saturated() -> RunRecord:
    record = healthy_record(activation="tanh", bounded=True, can_die=False)
    return changed(record, {"saturated_fraction": 0.96}, outcome=failed())


def diverging() -> RunRecord:
    record = changed(truncated(healthy_record(), 3), {"train_loss": lambda steps: 2.3 * 100.0**steps})
    return replace(record, outcome=failed(steps_done=2, nonfinite_step=2, final_train_loss=float("nan")))


def oscillating() -> RunRecord:
    swings = {"probe_loss": lambda steps: 2.3 * (0.9 + 0.3 * ((steps // 5) % 2)), "update_to_weight_ratio": 0.3}
    return changed(healthy_record(), swings, outcome=failed())


def slow() -> RunRecord:
    return changed(healthy_record(), {"update_to_weight_ratio": 1e-6, "probe_loss": 2.3}, outcome=failed())


SICK: dict[str, Callable[[], RunRecord]] = {
    "vanishing_gradients": vanishing,
    "exploding_gradients": exploding,
    "dead_units": dead,
    "saturated_activations": saturated,
    "divergence": diverging,
    "oscillating_loss": oscillating,
    "slow_convergence": slow,
}


def restless(*, height: float, net_fall: float = 0.0) -> RunRecord:
    """A network that learned, whose probe loss rises by `height` of the constant predictor's at every fifth probe."""

    def losses(steps: np.ndarray) -> np.ndarray:
        late = np.clip((steps - 150) / 150, 0.0, 1.0)
        return 2.3 * (0.1 + net_fall * (1.0 - late) + height * ((steps // 5) % 5 == 0))

    return changed(healthy_record(), {"probe_loss": losses})


def stuck(**statistics: float) -> RunRecord:
    """A network that learned nothing although its gradients are level."""
    return changed(healthy_record(), {"probe_loss": 2.3, **statistics}, outcome=failed())


def evidence_of(record: RunRecord, condition: str) -> dict[str, tuple[float, float | None]]:
    (finding,) = (each for each in diagnose(record).findings if each.condition == condition)
    return {each.name: (each.value, each.threshold) for each in finding.evidence}


def with_weight_gradients(record: RunRecord, levels: np.ndarray) -> RunRecord:
    """The record of a failed training whose weights have these mean gradients at every step."""
    steps = record.series["weight_norm_l2"].steps
    series = {**record.series, "weight_grad_mean_abs": series_of(steps, levels, 11)}
    return replace(record, series=series, outcome=failed())
