"""What a request can name, and what it would train."""

from collections.abc import Sequence

from ..schemas.catalogue import CatalogueAnswer
from ..schemas.experiment import ResolveAnswer
from .connection import Calls
from .spec import ExperimentLike, RemedyLike, with_remedies


class CatalogueCalls(Calls):
    """What can be asked before anything is trained."""

    def catalogue(self) -> CatalogueAnswer:
        """Everything that a request can name."""
        return self.connection.get(CatalogueAnswer, "/v1/catalogue")

    def resolve(self, experiment: ExperimentLike, remedies: Sequence[RemedyLike] = ()) -> ResolveAnswer:
        """What would be trained and what it would cost, without training it."""
        return self.connection.post(ResolveAnswer, "/v1/experiments:resolve", with_remedies(experiment, remedies))
