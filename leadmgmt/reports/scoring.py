"""Does the score tell? What became of leads, by the grade that they got first, and whether the chances were right."""

from dataclasses import dataclass

from leadmgmt.reports.filters import Filters
from leadmgmt.reports.query import rows
from leadmgmt.reports.statistics import Difference, Interval, difference, wilson

LETTERS, NUMBERS = "ABCD", "1234"
# Chances in five bands: more would hold too few leads each.
BANDS = 5
# The stages in which a lead's end is known.
ENDED = ("won", "recycled", "disqualified")

GRADES = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
first AS (
    SELECT DISTINCT ON (score.lead_id) score.lead_id, score.grade
    FROM qualification_score score JOIN cohort USING (lead_id) ORDER BY score.lead_id, score.at, score.id
)
SELECT first.grade, count(*),
       count(*) FILTER (WHERE EXISTS (SELECT FROM leads_leadevent event
                                      WHERE event.lead_id = first.lead_id AND event.kind = 'stage.sql')),
       count(*) FILTER (WHERE cohort.stage = 'won')
FROM first JOIN cohort USING (lead_id) GROUP BY first.grade
"""

# The first chance that was told, of leads whose end is known.
CHANCES = """
WITH cohort (lead_id, source_id, campaign_id, team_id, stage, captured_at) AS (/* cohort */),
first AS (
    SELECT DISTINCT ON (score.lead_id) score.lead_id, score.win_probability, cohort.stage
    FROM qualification_score score JOIN cohort USING (lead_id)
    WHERE score.win_probability IS NOT NULL AND cohort.stage = ANY(%s)
    ORDER BY score.lead_id, score.at, score.id
),
banded AS (SELECT *, ntile(%s) OVER (ORDER BY win_probability, lead_id) AS band FROM first)
SELECT band::int, count(*), avg(win_probability), count(*) FILTER (WHERE stage = 'won')
FROM banded GROUP BY band ORDER BY band
"""


@dataclass(frozen=True)
class _Graded:
    grade: str
    leads: int
    sql: int
    won: int


@dataclass(frozen=True)
class _Banded:
    band: int
    leads: int
    expected: float
    won: int


@dataclass(frozen=True)
class Band:
    """Leads with chances alike, and how many of them were won."""

    band: int
    leads: int
    expected: float
    won: int
    url: str
    won_url: str

    @property
    def rate(self) -> float:
        """The share that was won."""
        return self.won / self.leads

    @property
    def interval(self) -> Interval | None:
        """How sure that share is."""
        return wilson(self.won, self.leads)

    @property
    def fits(self) -> bool:
        """Whether what was expected may be true."""
        return self.interval is not None and self.interval.low <= self.expected <= self.interval.high


@dataclass(frozen=True)
class Cell:
    """Leads of one grade, or of one letter."""

    grade: str
    leads: int
    sql: int
    won: int
    url: str
    sql_url: str
    won_url: str

    @property
    def rate(self) -> float | None:
        """The share that became SQL."""
        return self.sql / self.leads if self.leads else None

    @property
    def interval(self) -> Interval | None:
        """How sure that is."""
        return wilson(self.sql, self.leads)

    @property
    def tone(self) -> int:
        """0 (few become SQL) to 4 (most do)."""
        return min(4, int((self.rate or 0) * 10)) if self.leads else 0


@dataclass(frozen=True)
class Scoring:
    """The answer. ``change``: A against D in the share that became SQL; None where one of them has no leads."""

    filters: Filters
    leads: int
    cells: dict[str, Cell]
    letters: tuple[Cell, ...]
    change: Difference | None
    bands: tuple[Band, ...]

    @property
    def grid(self) -> list[tuple[str, list[Cell]]]:
        """Letters down, numbers across."""
        return [(letter, [self.cells[letter + number] for number in NUMBERS]) for letter in LETTERS]


def scoring(filters: Filters) -> Scoring:
    """Answer for these filters."""
    leads = filters.leads()
    found = {row.grade: row for row in rows(_Graded, GRADES, leads)}
    nobody = _Graded("", 0, 0, 0)
    cells = {
        letter + number: _cell(filters, letter + number, found.get(letter + number, nobody))
        for letter in LETTERS
        for number in NUMBERS
    }
    letters = tuple(_letter(filters, letter, cells) for letter in LETTERS)
    best, worst = letters[0], letters[-1]
    return Scoring(
        filters=filters,
        leads=sum(cell.leads for cell in cells.values()),
        cells=cells,
        letters=letters,
        change=difference(best.sql, best.leads, worst.sql, worst.leads),
        bands=tuple(_band(filters, row) for row in rows(_Banded, CHANCES, leads, [list(ENDED), BANDS])),
    )


def _band(filters: Filters, row: _Banded) -> Band:
    band = {"chances": str(row.band)}
    urls = filters.leads_url(**band), filters.leads_url(**band, stage="won")
    return Band(row.band, row.leads, row.expected, row.won, *urls)


def _cell(filters: Filters, grade: str, row: _Graded) -> Cell:
    return Cell(
        grade,
        row.leads,
        row.sql,
        row.won,
        filters.leads_url(graded=grade),
        filters.leads_url(graded=grade, reached="sql"),
        filters.leads_url(graded=grade, stage="won"),
    )


def _letter(filters: Filters, letter: str, cells: dict[str, Cell]) -> Cell:
    own = [cells[letter + number] for number in NUMBERS]
    total = _Graded(letter, sum(one.leads for one in own), sum(one.sql for one in own), sum(one.won for one in own))
    return _cell(filters, letter, total)
