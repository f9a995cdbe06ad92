"""Claims: common advice, with the studies that test it, and their rulings."""

from ..schemas.claim import ClaimAnswer, ClaimList, RulingAnswer
from .connection import Calls, id_in_path
from .study import Study
from .submitted import id_of


class ClaimCalls(Calls):
    """The methods of `Clinic` for claims."""

    def claims(self, *, quick: bool = False) -> list[ClaimAnswer]:
        """Iterate over all claims, in order; with `quick`, their studies are smaller and have one seed."""
        return self.connection.get(ClaimList, "/v1/claims", quick=quick).items

    def ruling(self, claim_id: str, study: Study | str, *, quick: bool = False) -> RulingAnswer:
        """The ruling of a study on a claim."""
        path = f"/v1/claims/{id_in_path(claim_id)}/ruling"
        return self.connection.get(RulingAnswer, path, study=id_of(study), quick=quick)
