"""The catalogue, and estimates of what a request would train."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..schemas.catalogue import CatalogueAnswer
from .connection import Calls
from .spec import ExperimentLike, RemedyLike, with_remedies

if TYPE_CHECKING:
    from ..schemas.experiment import ResolveAnswer


class CatalogueCalls(Calls):
    """The methods of `Clinic` that need no training."""

    def catalogue(self) -> CatalogueAnswer:
        """Get everything that a request can use: models, layers, remedies and so on."""
        return self.connection.get(CatalogueAnswer, "/v1/catalogue")

    def resolve(self, experiment: ExperimentLike, remedies: Sequence[RemedyLike] = ()) -> "ResolveAnswer":
        """Describe what would be trained, and its cost, without training it."""
        from ..schemas.experiment import ResolveAnswer

        return self.connection.post(ResolveAnswer, "/v1/experiments:resolve", with_remedies(experiment, remedies))
