"""What questions are worth: how often they are answered, and whether the answers tell who is won."""

from dataclasses import dataclass

from django.db import connection

from leadmgmt.core.shares import Z90, wilson
from qualification.models import Framework

# Below that a rate says nothing.
LEAST = 10

# Leads that got as far as an opportunity, with what became of it, and their answers as they stand.
ANSWERED = """
    WITH ended AS (
        SELECT DISTINCT ON (lead_id) lead_id, kind = 'won' AS is_won FROM qualification_outcome
         WHERE kind IN ('won', 'lost') ORDER BY lead_id, at DESC
    )
    SELECT question.id,
           count(*) FILTER (WHERE answer.id IS NOT NULL),
           count(*) FILTER (WHERE answer.is_met), count(*) FILTER (WHERE answer.is_met AND ended.is_won),
           count(*) FILTER (WHERE answer.is_met IS NOT TRUE),
           count(*) FILTER (WHERE answer.is_met IS NOT TRUE AND ended.is_won),
           count(*)
      FROM qualification_question AS question CROSS JOIN ended
      LEFT JOIN qualification_answer AS answer
        ON answer.lead_id = ended.lead_id AND answer.question_id = question.id AND answer.superseded_at IS NULL
     WHERE question.framework_id = ANY(%s)
     GROUP BY question.id
"""


@dataclass(frozen=True)
class Rate:
    """How many of a group were won, with a 90 % interval (Wilson); ``says`` is off where there are too few."""

    won: int
    of: int

    @property
    def says(self) -> bool:
        """Whether the rate means anything."""
        return self.of >= LEAST

    @property
    def share(self) -> float:
        """The plain rate."""
        return self.won / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Between which the true rate lies, as far as these deals tell."""
        return wilson(self.share, self.of, Z90)


@dataclass(frozen=True)
class Worth:
    """One question: how many deals that ended had it answered, and how many were won with and without a yes."""

    answered: int
    deals: int
    met: Rate
    other: Rate

    @property
    def share(self) -> float:
        """How often it is answered."""
        return self.answered / self.deals if self.deals else 0.0

    @property
    def tells(self) -> bool:
        """Whether an answer in our favour surely makes a win more likely: the intervals do not meet."""
        return self.met.says and self.other.says and self.met.interval[0] > self.other.interval[1]

    @property
    def is_never_answered(self) -> bool:
        """Whether it is a question that nobody asks."""
        return self.deals >= LEAST and self.share < 0.1


def worth_of(frameworks: list[Framework]) -> dict[int, Worth]:
    """By question; empty where no deal has ended yet."""
    with connection.cursor() as cursor:
        cursor.execute(ANSWERED, [[one.pk for one in frameworks]])
        return {
            question: Worth(answered, deals, Rate(met_won, met), Rate(other_won, other))
            for question, answered, met, met_won, other, other_won, deals in cursor.fetchall()
        }
