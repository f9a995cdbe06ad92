"""What a request can name, and what it would train."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..schemas.catalogue import CatalogueAnswer
from .connection import Calls
from .spec import ExperimentLike, RemedyLike, with_remedies

if TYPE_CHECKING:
    from ..schemas.experiment import ResolveAnswer


class CatalogueCalls(Calls):
    """What can be asked before anything is trained."""

    def catalogue(self) -> CatalogueAnswer:
        """Everything that a request can name."""
        return self.connection.get(CatalogueAnswer, "/v1/catalogue")

    def resolve(self, experiment: ExperimentLike, remedies: Sequence[RemedyLike] = ()) -> "ResolveAnswer":
        """What would be trained and what it would cost, without training it."""
        from ..schemas.experiment import ResolveAnswer

        return self.connection.post(ResolveAnswer, "/v1/experiments:resolve", with_remedies(experiment, remedies))
