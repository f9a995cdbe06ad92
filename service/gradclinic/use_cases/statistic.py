"""Read what a run recorded: series by name, and the profile over depth."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..kernel.errors import DamagedData, InsufficientData, InvalidSpec
from ..measurements.profile import profiles
from ..measurements.record import RunRecord, Series
from ..measurements.statistics import STATISTICS
from ..store import Run
from ..theory import Prediction, predict
from .service import Service

GRADIENT = "site_grad_rms"
"""The statistic whose profile over depth distinguishes vanishing from exploding gradients."""

CURVES = (
    "train_loss",
    "probe_loss",
    "grad_norm_l2",
    "grad_norm_l2_clipped",
    "clipped",
    "learning_rate",
    "grad_cosine",
)
"""The statistics of the whole run, in the order that charts show them."""


@dataclass(frozen=True)
class Named:
    """A series with the names of its columns."""

    statistic: str
    layers: tuple[str, ...]
    series: Series


def read_series(
    service: Service,
    run: Run,
    statistics: Sequence[str],
    *,
    layers: Sequence[str] | None = None,
    first_step: int | None = None,
    last_step: int | None = None,
) -> list[Named]:
    """The requested statistics of the requested layers, in that order. Raises InvalidSpec for unknown names."""
    for name in statistics:
        if name not in STATISTICS:
            raise InvalidSpec.at(
                "/statistic", f"there is no statistic {name!r}", value=name, allowed=", ".join(STATISTICS)
            )
    for name in statistics:
        _refuse_left_out(run, name)
    recorded = service.store.statistics.series_by_run([run.id], statistics, first_step=first_step, last_step=last_step)[
        run.id
    ]
    found = [_only(_named(run, name, recorded.get(name)), layers) for name in statistics]
    known = {layer for named in found for layer in columns_of(run, named.statistic)}
    unknown = [layer for layer in layers or () if layer not in known and run.layout is not None]
    if unknown:
        raise InvalidSpec.at(
            "/layers", f"there is no layer {unknown[0]!r} here", value=unknown[0], allowed=", ".join(sorted(known))
        )
    return found


def _refuse_left_out(run: Run, statistic: str) -> None:
    """Raise InsufficientData for a statistic of layers of a run whose statistics were reduced to a summary."""
    if run.retention == "summary" and STATISTICS[statistic].per != "run":
        raise InsufficientData(f"{statistic} of this run is no longer kept; of its layers only their summaries are")


def columns_of(run: Run, statistic: str) -> tuple[str, ...]:
    """Names of a statistic's columns: sites, weighted layers, or the run itself. Empty until a worker starts it."""
    if run.layout is None:
        return ("run",) if STATISTICS[statistic].per == "run" else ()
    return run.layout.columns(statistic)


def _named(run: Run, statistic: str, series: Series | None) -> Named:
    """A series with the names of its columns; without values if nothing was recorded."""
    columns = columns_of(run, statistic)
    return Named(statistic, columns, Series.empty(len(columns)) if series is None else series)


def _only(named: Named, layers: Sequence[str] | None) -> Named:
    if layers is None or STATISTICS[named.statistic].per == "run":
        return named
    kept = [index for index, layer in enumerate(named.layers) if layer in layers]
    series = Series(named.series.steps, named.series.values[:, kept])
    return Named(named.statistic, tuple(named.layers[index] for index in kept), series)


@dataclass(frozen=True)
class ProfileAt:
    """One statistic against depth at one step; for gradients, the sites that count for the profile only."""

    statistic: str
    step: int
    layers: tuple[str, ...]
    values: tuple[float, ...]
    slope: float | None
    """Gradient decay: orders of magnitude lost from output to input; None for fewer than 3 places, and for other
    statistics than the gradient."""
    prediction: Prediction | None
    """The prediction for step 0; None for other steps and statistics, and for external runs."""

    def predicted(self) -> dict[str, float]:
        """The predicted value of each layer, anchored at the measured value of the last one; empty if there is none."""
        if self.prediction is None or not self.prediction.sites:
            return {}
        return {site.name: self.values[-1] * 10.0**site.log10_relative_gradient for site in self.prediction.sites}


def read_profile(service: Service, run: Run, *, statistic: str, step: int | None) -> ProfileAt:
    """The profile at a step (the nearest recorded one at or before it), or at the last; raises InsufficientData."""
    if statistic not in STATISTICS or STATISTICS[statistic].per == "run":
        allowed = ", ".join(name for name, each in STATISTICS.items() if each.per != "run")
        raise InvalidSpec.at("/statistic", f"{statistic!r} has no profile over depth", value=statistic, allowed=allowed)
    _refuse_left_out(run, statistic)
    series = service.store.statistics.series(run.id, statistic, last_step=step)
    if not len(series):
        raise InsufficientData(f"the run has not recorded {statistic} yet")
    columns = _profile_columns(run, statistic)
    names = columns_of(run, statistic)
    first = int(series.steps[-1]) == 0
    return ProfileAt(
        statistic,
        int(series.steps[-1]),
        tuple(names[column] for column in columns),
        tuple(float(value) for value in series.values[-1, columns]),
        _slope(run, series) if statistic == GRADIENT else None,
        prediction_of(service, run) if statistic == GRADIENT and first else None,
    )


def prediction_of(service: Service, run: Run) -> Prediction | None:
    """The mean-field prediction for a run's network at step 0; None for external runs and damaged experiments."""
    if run.origin != "service":
        return None
    try:
        return predict(service.experiment(run.resolved_experiment))
    except DamagedData:
        return None


def _slope(run: Run, series: Series) -> float | None:
    if run.layout is None:
        return None
    last = Series(series.steps[-1:], series.values[-1:])
    slopes = [float(profile.slope[0]) for profile in profiles(RunRecord.of(run.layout, {GRADIENT: last}))]
    return max(slopes, key=abs, default=None)


def _profile_columns(run: Run, statistic: str) -> list[int]:
    if STATISTICS[statistic].per != "site" or run.layout is None:
        return list(range(len(columns_of(run, statistic))))
    return list(run.layout.profile_columns)
