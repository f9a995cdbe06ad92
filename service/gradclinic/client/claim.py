"""Claims: common advice, with the study that tests each, and its ruling."""

from ..schemas.claim import ClaimAnswer, ClaimList, RulingAnswer
from .connection import Calls, id_in_path
from .study import Study
from .submitted import id_of


class ClaimCalls(Calls):
    """What can be asked about claims."""

    def claims(self, *, quick: bool = False) -> list[ClaimAnswer]:
        """Every claim, in order; `quick` has smaller studies with one seed."""
        return self.connection.get(ClaimList, "/v1/claims", quick=quick).items

    def ruling(self, claim_id: str, study: Study | str, *, quick: bool = False) -> RulingAnswer:
        """What a study says of a claim."""
        path = f"/v1/claims/{id_in_path(claim_id)}/ruling"
        return self.connection.get(RulingAnswer, path, study=id_of(study), quick=quick)
