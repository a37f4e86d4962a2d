"""Reading a period: its decisions with the facts asked for, the books as they stood, what was moved by hand."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from leads.facts import OWNER
from leads.facts.moments import OF_TIME
from leads.facts.places import PREFIX, divisions
from routing.models import Assignment, Certificate, LedgerEntry, Rule
from routing.published import view_of
from routing.replay.people import Loads
from routing.replay.simulation import Books, Decision, meaning
from routing.replay.tiers import LEAD, NOBODY, Crowd, crowd_of_candidates, read_crowd

AT_ONCE = 4000
DECISIONS = """
    SELECT certificate.id, certificate.lead_id, certificate.decided_at, certificate.rule_id, certificate.rep_id,
        certificate.outcome, certificate.draw ->> 'seed', certificate.draw ->> 'strategy',
        jsonb_build_array({facts})::text, certificate.brief::text,
        CASE WHEN certificate.brief IS NULL THEN certificate.candidates::text END{account}
    FROM routing_certificate AS certificate{join}
    WHERE certificate.decided_at >= %s AND certificate.decided_at < %s ORDER BY certificate.id
"""
# Who owned the account is kept with a decision; of older ones it is who owns it today.
ACCOUNT = """,
        (SELECT rep.id FROM routing_rep rep WHERE rep.user_id = CASE WHEN certificate.facts ? %s
            THEN (certificate.facts ->> %s)::bigint
            ELSE coalesce(company.account_owner_id, parent.account_owner_id) END)"""
JOIN = """ JOIN leads_lead lead ON lead.id = certificate.lead_id
        JOIN leads_contact contact ON contact.id = lead.contact_id
        LEFT JOIN leads_company company ON company.id = contact.company_id
        LEFT JOIN leads_company parent ON parent.id = company.parent_id"""
BALANCES = """
    SELECT pool_id, rep_id, (sum(amount) * %s)::bigint,
        max(at) FILTER (WHERE kind = 'assignment' AND certificate_id IS NOT NULL)
    FROM routing_ledgerentry WHERE at < %s GROUP BY pool_id, rep_id
"""
ENDS = """
    SELECT lead_id, max(ends_at) FROM routing_assignment GROUP BY lead_id HAVING bool_and(ends_at IS NOT NULL)
        AND max(ends_at) >= %s
"""
WAITING = ("waiting", "unmatched")
PLACE = ("contact.country", "contact.region", "contact.postal_code")
# No fact is an object: this one says that the decision kept none of this name.
NOT_KEPT: dict[str, Any] = {}
PLACED = "coalesce(certificate.facts -> %s, '{}'::jsonb)"


@dataclass(frozen=True)
class Movement:
    """What moved a balance beside the turns: by hand or as a credit (``amount``), or a turn booked back."""

    order: int
    pool: int
    rep: int
    amount: int
    takes_back: int | None


def count_of(since: datetime, until: datetime) -> int:
    """How many decisions there are."""
    return Certificate.objects.filter(decided_at__gte=since, decided_at__lt=until).count()


def decisions(names: list[str], since: datetime, until: datetime, *, with_accounts: bool) -> Iterator[Decision]:
    """Every decision of the period in the order in which they were made. Needs a transaction."""
    # The order of numbers is that of the locks on a pool: a turn is numbered while its pool is held.
    placed = [place for place, name in enumerate(names) if name.startswith(f"{PREFIX}.") or name in OF_TIME]
    asked = [*names, *PLACE] if placed else names
    facts = ", ".join(PLACED if place in placed else "certificate.facts -> %s" for place in range(len(asked)))
    told = {"facts": facts, "account": ACCOUNT if with_accounts else "", "join": JOIN if with_accounts else ""}
    owner = [OWNER, OWNER] if with_accounts else []
    ends, waited = _ends(since), dict[int, bool]()
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(DECISIONS.format(**told), [*asked, *owner, since, until])
        for row in chain.from_iterable(iter(lambda: cursor.fetchmany(AT_ONCE), [])):
            pk, lead, at, rule, rep, outcome, seed, strategy, values, brief, candidates = row[:11]
            known = json.loads(values)
            if placed:
                _place(known, names, placed, at)
            yield Decision(
                pk,
                lead,
                at,
                rule,
                rep,
                outcome,
                seed or "",
                strategy or "fair",
                known,
                _crowd(brief, candidates),
                waited.get(lead, False),
                row[11] if with_accounts else None,
                ends.get(lead),
            )
            waited[lead] = outcome in WAITING


def _place(known: list[Any], names: list[str], placed: list[int], at: datetime) -> None:
    """What a decision did not keep and can be told from what it did: the time, and, where it is older than a table of
    territories, what the table says of the place."""
    for place in placed:
        if known[place] == NOT_KEPT and names[place] in OF_TIME:
            known[place] = OF_TIME[names[place]](at)
        elif known[place] == NOT_KEPT:
            table = divisions().get(names[place].removeprefix(f"{PREFIX}."))
            country, region, code = (value or "" for value in known[len(names) :])
            known[place] = table.territory(country, region, code) if table else None


def _crowd(brief: str | None, candidates: str | None) -> Crowd:
    if brief is not None:
        return read_crowd(brief)
    return crowd_of_candidates(json.loads(candidates)) if candidates else NOBODY


def _ends(since: datetime) -> dict[int, datetime]:
    """When leads were let go of for good."""
    with connection.cursor() as cursor:
        cursor.execute(ENDS, [since])
        return dict(cursor.fetchall())


def books_at(since: datetime) -> Books:
    """Balances and last turns as they stood."""
    books = Books()
    with connection.cursor() as cursor:
        cursor.execute(BALANCES, [LEAD, since])
        for pool, rep, amount, last in cursor.fetchall():
            books.balances[pool][rep] = amount
            if last is not None:
                books.last[pool][rep] = last
    return books


def movements(since: datetime, until: datetime) -> list[Movement]:
    """What was moved by hand, credited and booked back in the period, in order."""
    entries = LedgerEntry.objects.filter(at__gte=since, at__lt=until)
    # A turn of before the period that was booked back in it counts as it was booked.
    is_old = Q(kind=LedgerEntry.Kind.CREDIT, certificate__decided_at__lt=since)
    plain = entries.filter(Q(certificate__isnull=True) | is_old)
    found = [
        Movement(pk, pool, rep, int(amount * LEAD), None)
        for pk, pool, rep, amount in plain.values_list("pk", "pool", "rep", "amount")
    ]
    back = entries.filter(certificate__decided_at__gte=since, kind=LedgerEntry.Kind.CREDIT).order_by("pk")
    taken: dict[int, Movement] = {}
    for pk, certificate, pool, rep in back.values_list("pk", "certificate", "pool", "rep"):
        taken.setdefault(certificate or 0, Movement(pk, pool, rep, 0, certificate))
    return sorted([*found, *taken.values()], key=lambda one: one.order)


def first_entries(since: datetime, until: datetime) -> dict[int, int]:
    """The number of each decision's first entry: by it, turns and movements by hand are put in order."""
    sql = """SELECT certificate_id, min(id) FROM routing_ledgerentry
             WHERE certificate_id IS NOT NULL AND kind <> 'credit' AND at >= %s AND at < %s GROUP BY certificate_id"""
    with connection.cursor() as cursor:
        cursor.execute(sql, [since, until])
        return dict(cursor.fetchall())


def meanings() -> Mapping[int, str]:
    """What every rule that ever decided says of who receives its leads."""
    return {rule.pk: meaning(view_of(rule)) for rule in Rule.objects.all()}


def loads_of(since: datetime, until: datetime) -> Loads:
    """What reps had and received."""
    rows: Any = (
        Assignment.objects.filter(starts_at__lt=until, user__rep__isnull=False)
        .exclude(ends_at__lt=since)
        .exclude(reason=Assignment.Reason.HISTORY)
        .values_list("user__rep", "starts_at", "ends_at")
    )
    return Loads(rows)
