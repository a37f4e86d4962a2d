"""Why a submission is not taken."""

from uuid import UUID

from leadmgmt.core.errors import InvalidInput
from leads.normalise.submission import Problem


class Refused(InvalidInput):
    """The submission cannot be used; `problems` says which fields to mend."""

    def __init__(self, message: str, problems: list[Problem], *, code: str = "") -> None:
        super().__init__(message, code=code, fields={problem.field: problem.detail for problem in problems})
        self.problems = problems
        # The kept row, where there is one: a refused submission is not lost.
        self.capture_id: UUID | None = None
