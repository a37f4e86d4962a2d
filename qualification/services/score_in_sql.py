"""The score of many leads in one statement: what `qualification.scoring` says of each, said by PostgreSQL of all.

A property test holds both equal. Facts are read once per lead, conditions compare what was read; each rule's points,
the caps, both parts and the grade follow, and the rows are written where they are. Reasons are worked out when somebody
looks (`qualification.services.past_scores`): they follow from the model, the facts that are kept and the log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connection
from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.models.expressions import Combinable, Expression, RawSQL
from django.db.models.functions import Cast, Coalesce, NullIf
from django.db.models.sql import Query

from leads.conditions.sql import column
from leads.facts import Fact, fact_named
from leads.facts.registry import MOST_TOUCHES
from leads.fold import fold_sql
from leads.models import Lead
from qualification.scoring import DAY, HALF, LETTERS, MOST_EVENTS, Model, Rule

# What moves without a scoring; everything else stands in the last whole score.
MOVING = (
    "lead.stage",
    "lead.last_activity_at",
    "lead.age_days",
    "time.hour",
    "time.weekday",
    "company.is_customer",
    "company.has_owner",
)
Params = list[Any]


# A score is kept where another judged before, or where it is more than engagement that has faded.
WRITES = """
        kept AS (
            INSERT INTO qualification_score (lead_id, model_id, at, fit, engagement, grade, prediction_id,
                win_probability, win_low, win_high, reasons, facts, changed, is_whole)
            SELECT lead, %s, %s, new_fit, new_engagement, new_grade, %s::bigint, win_probability, win_low, win_high,
                '[]', '{}', changed, false
            FROM scored
            WHERE judge <> %s OR prediction_id IS DISTINCT FROM %s::bigint OR new_grade <> grade
                OR new_fit IS DISTINCT FROM fit OR new_engagement > coalesce(engagement, 0)
        ),
        written AS (
            UPDATE leads_lead AS lead SET fit = new_fit, engagement = new_engagement, grade = new_grade,
                win_probability = scored.win_probability,
                scored_at = CASE WHEN lead.scored_at >= lead.captured_at THEN lead.scored_at ELSE %s END
            FROM scored
            WHERE lead.id = scored.lead AND (
                lead.fit IS DISTINCT FROM new_fit OR lead.engagement IS DISTINCT FROM new_engagement
                OR lead.grade <> new_grade OR lead.win_probability IS DISTINCT FROM scored.win_probability
                OR lead.scored_at IS NULL OR lead.scored_at < lead.captured_at
            )
        )
        SELECT lead, new_grade <> grade FROM scored
"""


class NotInSQL(LookupError):
    """A rule asks for a fact that has no column."""


@dataclass
class _Read:
    """What conditions and scores read of a lead, each under a name of its own."""

    at: datetime
    named: dict[tuple[str, str], str] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)

    def compared(self, fact: Fact, kind: str, at: datetime) -> Expression:
        """A fact as a condition compares it."""
        expression = self._new((fact.name, kind), lambda: column(fact, kind, at))
        name = f'base."{self.named[fact.name, kind]}"'
        return RawSQL(name, (), output_field=expression.output_field)  # noqa: S611  # a name of our own

    def shown(self, name: str) -> str:
        """A fact as it is kept, as the text of its JSON. Text is put together faster than JSON."""
        fact = fact_named(name)
        if fact is None or fact.column is None:
            raise NotInSQL(name)
        if fact.kind in ("number", "bool"):
            # As it is compared, it is written alike; some take a query of their own to read.
            self._new((name, fact.kind), lambda: column(fact, fact.kind, self.at))
            read = f'base."{self.named[name, fact.kind]}"'
            # Numbers are compared with ten places behind the point.
            return f"coalesce({f'trim_scale({read})' if fact.kind == 'number' else read}::text, 'null')"
        self._new((name, "json"), lambda: _as_json(fact, self.at))
        return f'base."{self.named[name, "json"]}"'

    def _new(self, key: tuple[str, str], make: Any) -> Any:
        if key not in self.named:
            try:
                made = make()
            except LookupError as error:
                raise NotInSQL(key[0]) from error
            self.named[key] = f"f{len(self.named)}"
            self.columns[self.named[key]] = made
        return self.columns[self.named[key]]


def _as_json(fact: Fact, at: datetime) -> Expression:
    raw: Combinable = fact.column(at) if fact.column else Value(None)
    if fact.kind in ("text", "postal", "any"):
        raw = NullIf(Cast(raw, TextField()), Value(""))
    written = Func(raw, template="to_json(%(expressions)s)::text", output_field=TextField())
    return Coalesce(written, Value("null"), output_field=TextField())


@dataclass(frozen=True)
class Judge:
    """The version that judges, and which facts each of its scores keeps."""

    model: Model
    model_id: int
    changing: Sequence[str]


@dataclass(frozen=True)
class Chances:
    """What the chance is taken from: ``champion`` keeps what its version said of a lead, else it follows the grade."""

    champion: int | None
    by_grade: Mapping[str, tuple[float, float, float]]


def changing_facts(model: Model) -> list[str]:
    """What a score keeps: the facts that the rules look at, and those that change without a scoring."""
    looked_at = {name for rule in model.rules for name in rule.condition.fact_names()}
    return sorted(name for name in {*MOVING, *looked_at} if not name.startswith("score."))


def score_in_sql(ids: Sequence[int], judge: Judge, chances: Chances, at: datetime) -> dict[int, bool]:
    """Score these locked leads; each that was scored, with whether its grade is another now.

    Left out are leads without a whole score yet, and those of which the version that predicts has said nothing.
    Raises NotInSQL.
    """
    statement, params = _statement(ids, judge, chances, at)
    with connection.cursor() as cursor:
        # Turning it into machine code takes longer than running it.
        cursor.execute("SET LOCAL jit = off")
        cursor.execute(statement, params)
        return dict(cursor.fetchall())


def _statement(ids: Sequence[int], judge: Judge, chances: Chances, at: datetime) -> tuple[str, Params]:
    read, model = _Read(at), judge.model
    # What rules and scores read is known once they are written; it is read before.
    pointed, pointed_params = _pointed(model, read, len(ids))
    scored, scored_params = _scored(judge, chances, read)
    base, base_params = _base(ids, read)
    touched, touched_params = _signals("leads_touchpoint", "touch", MOST_TOUCHES, model, at)
    happened, happened_params = _signals("leads_leadevent", "event", MOST_EVENTS, model, at)
    statement = f"""
        WITH base AS MATERIALIZED ({base}),
        touched AS MATERIALIZED ({touched}),
        happened AS MATERIALIZED ({happened}),
        pointed AS MATERIALIZED ({pointed}),
        scored AS MATERIALIZED ({scored}),
        {WRITES}
    """
    judges = [judge.model_id, chances.champion]
    written_params = [judge.model_id, at, chances.champion, *judges, at]
    params = [*base_params, *touched_params, *happened_params, *pointed_params, *scored_params, *written_params]
    return statement, params


def _pointed(model: Model, read: _Read, most: int) -> tuple[str, Params]:
    """The points of every rule, p0, p1, … There is one row per lead, which the planner cannot know without a limit: it
    would read all leads there are to write a few."""
    points = [_points(number, rule, model, read) for number, rule in enumerate(model.rules)]
    columns = "".join(f", {sql} AS p{number}" for number, (sql, _) in enumerate(points))
    statement = f"""
        SELECT base.*{columns}
        FROM base LEFT JOIN touched ON touched.lead_id = base.lead
        LEFT JOIN happened ON happened.lead_id = base.lead
        LIMIT {most}
    """  # noqa: S608  # names of our own, values as parameters
    return statement, [param for _, params in points for param in params]


def _scored(judge: Judge, chances: Chances, read: _Read) -> tuple[str, Params]:
    """Both parts, the grade, the chance, and the facts that may have changed since the last score."""
    fit, engagement = (_bounded(_part(judge.model, part)) for part in ("fit", "engagement"))
    chance, interval, known, known_params = (
        "graded.mean",
        "graded.low AS win_low, graded.high AS win_high",
        "",
        Params(),
    )
    if chances.champion is not None:
        chance, interval = "base.win_probability", "newest.win_low, newest.win_high"
        known, known_params = "WHERE newest.prediction_id = %s::bigint", [chances.champion]
    by_grade = [value for grade, estimate in chances.by_grade.items() for value in (grade, *estimate)]
    statement = f"""
        SELECT base.lead, base.fit, base.engagement, base.grade, parts.new_fit, parts.new_engagement,
            graded_now.new_grade, {chance} AS win_probability, {interval}, newest.model_id AS judge,
            newest.prediction_id, ARRAY[{", ".join(read.shown(name) for name in judge.changing)}]::text[] AS changed
        FROM pointed AS base
        CROSS JOIN LATERAL (SELECT {fit} AS new_fit, {engagement} AS new_engagement OFFSET 0) AS parts
        CROSS JOIN LATERAL (SELECT {_grade()} AS new_grade OFFSET 0) AS graded_now
        CROSS JOIN LATERAL (
            SELECT model_id, prediction_id, win_low, win_high
            FROM qualification_score WHERE lead_id = base.lead ORDER BY at DESC, id DESC LIMIT 1
        ) AS newest
        LEFT JOIN (SELECT NULL::text, NULL::float8, NULL::float8, NULL::float8 WHERE false
            {"UNION ALL SELECT %s, %s::float8, %s::float8, %s::float8 " * len(chances.by_grade)})
            AS graded (grade, mean, low, high) ON graded.grade = graded_now.new_grade
        {known}
    """  # noqa: S608  # names of our own, values as parameters
    return statement, [*by_grade, *known_params]


def _base(ids: Sequence[int], read: _Read) -> tuple[str, Params]:
    """What is read of each lead, once."""
    own = ("fit", "engagement", "grade", "win_probability")
    test, numbers = '"leads_lead"."id" = ANY(%s::bigint[])', (list(ids),)
    among = RawSQL(test, numbers, output_field=BooleanField())  # noqa: S611  # one parameter instead of thousands
    leads = Lead.objects.filter(among).order_by()
    rows = leads.annotate(lead=F("pk"), **read.columns).values("lead", *own, *read.columns)
    sql, params = rows.query.sql_with_params()
    return sql, list(params)


def _signals(table: str, kind: str, most: int, model: Model, at: datetime) -> tuple[str, Params]:
    """Of each lead what its newest touches or events add up to, rule by rule."""
    rules = [(number, rule) for number, rule in enumerate(model.rules) if getattr(rule, kind)]
    if kind == "event" and not rules:
        return "SELECT NULL::bigint AS lead_id WHERE false", []
    sums, params = "", Params()
    for number, rule in rules:
        tests, values = ["true"], Params()
        if getattr(rule, kind) != "any" or kind == "event":
            tests.append("one.kind = %s")
            values.append(getattr(rule, kind))
        if rule.subjects and kind == "touch":
            tests.append("one.subject = ANY(%s::text[])")
            values.append(sorted(rule.subjects))
        if rule.within_days:
            tests.append("one.at > %s")
            values.append(at - timedelta(days=rule.within_days))
        test = " AND ".join(tests)
        sums += f", sum(one.faded) FILTER (WHERE {test}) AS s{number}, count(*) FILTER (WHERE {test}) AS n{number}"
        params += [*values, *values]
    kinds, kind_params = ("AND source.kind = ANY(%s)", [sorted(model.event_kinds)]) if kind == "event" else ("", [])
    subject = fold_sql("source.subject").replace("%", "%%") if kind == "touch" else "NULL"
    own = ", max(one.faded) AS newest" if kind == "touch" else ""
    statement = f"""
        SELECT one.lead_id{own}{sums} FROM (
            SELECT source.lead_id, source.kind, source.at, {subject} AS subject,
                power(0.5::float8, greatest(0, extract(epoch FROM %s - source.at)::float8)
                    / {DAY} / {float(model.half_life_days)!r}) AS faded,
                row_number() OVER (PARTITION BY source.lead_id ORDER BY source.at DESC, source.id DESC) AS place
            FROM {table} AS source JOIN base ON base.lead = source.lead_id {kinds}
        ) AS one
        WHERE one.place <= {most} AND one.at <= %s GROUP BY one.lead_id
    """  # noqa: S608  # names of our own, values as parameters
    return statement, [*params, at, *kind_params, at]


def _points(number: int, rule: Rule, model: Model, read: _Read) -> tuple[str, Params]:
    holds, params = _holds(rule, read)
    points = f"{rule.points!r}::float8"
    if rule.part == "fit":
        return f"CASE WHEN {holds} THEN {points} ELSE 0 END", params
    if not rule.touch and not rule.event:
        return f"CASE WHEN {holds} THEN coalesce({points} * touched.newest, 0) ELSE 0 END", params
    source = "happened" if rule.event else "touched"
    total = f"{points} * {source}.s{number}"
    if rule.most is not None:
        total = _clamped(total, abs(rule.most))
    return f"CASE WHEN {holds} AND {source}.n{number} >= {rule.least} THEN coalesce({total}, 0) ELSE 0 END", params


def _holds(rule: Rule, read: _Read) -> tuple[str, Params]:
    q: Q = rule.condition.to_q(read.at, read.compared)
    if not q:
        return "true", []
    query = Query(Lead, alias_cols=False)
    try:
        sql, params = query.build_where(q).as_sql(query.get_compiler(connection=connection), connection)
    except FullResultSet:
        return "true", []
    except EmptyResultSet:
        return "false", []
    return f"coalesce({sql}, false)", list(params)


def _clamped(total: str, most: float) -> str:
    return f"greatest(-{most!r}::float8, least({most!r}::float8, {total}))"


def _over(model: Model, key: str, most: float) -> str:
    """What a group has over its cap."""
    parts = [f"base.p{number}" for number, rule in enumerate(model.rules) if rule.group == key]
    whole = f"({' + '.join(parts)})" if parts else "0::float8"
    return f"({whole} - {_clamped(whole, most)})"


def _part(model: Model, part: str) -> str:
    """The points of a part together, without what is over a cap."""
    terms = [f"+ base.p{number}" for number, rule in enumerate(model.rules) if rule.part == part]
    groups = {rule.group for rule in model.rules if rule.part == part}
    terms += [f"- {_over(model, group.key, group.most)}" for group in model.groups if group.key in groups]
    return f"(0::float8 {' '.join(terms)})"


def _bounded(points: str) -> str:
    return f"greatest(0, least(100, floor({points} + {HALF!r}::float8)))::int"


def _grade() -> str:
    letters = " ".join(f"WHEN parts.new_fit >= {least} THEN '{letter}'" for least, letter in LETTERS)
    numbers = " ".join(f"WHEN parts.new_engagement >= {least} THEN '{n}'" for n, (least, _) in enumerate(LETTERS, 1))
    return f"((CASE {letters} ELSE 'D' END) || (CASE {numbers} ELSE '4' END))"
