"""Somebody who will ask to be erased: her whole story, and what still tells of her."""

from typing import Any

from django.db import connection

from crmsync import board
from crmsync.models import BoardDeal, Connection, Handoff
from crmsync.services.handoff import accept_handoff
from crmsync.tasks import pull_connection
from leadmgmt.audit import CHECKS, run
from leads.models import Lead
from leads.services.capture import receive
from qualification.services.activities import log_activity
from qualification.services.answers import give_answer
from tests.worker import drain
from tests.world import World

QUIRINA = {
    "email": "Q.Quastenflosser@Nordwind-Pumpen.example",
    "name": "Dr. Quirina Quastenflosser",
    "phone": "+49 721 5550 1877",
    "company": "Nordwind Pumpen GmbH",
    "job_title": "Oberwartungsmeisterin",
    "subject": "Quastenprobe",
    "message": "We plan 45 Quastentechniker in Excel.",
    "utm_source": "google-ads",
    "landing_page": "https://ours.example/demo?email=q.quastenflosser@nordwind-pumpen.example",
    "external_id": "visitor-quasten-17",
    "city": "Quastenburg",
    "favourite_animal": "Quastenigel",
}
# Whatever tells who she is holds one of these.
TRACES = ("quasten", "Quirina", "5550 1877", "55501877", "Oberwartungsmeisterin")


def everything() -> dict[str, list[str]]:
    """Each table's rows as text, but for colleagues and hashes."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # a table of ours
            found[table] = [row for (row,) in cursor.fetchall()]
    return found


def traces() -> list[tuple[str, str]]:
    """Rows that still tell who she was."""
    return [
        (table, row[:300])
        for table, rows in everything().items()
        for row in rows
        if any(trace.lower() in row.lower() for trace in TRACES)
    ]


def breaches() -> list[Any]:
    return [breach for _, found in run(CHECKS) for breach in found]


def whole_story(world: World) -> Lead:
    """Captured, worked, mailed, qualified, handed over, and on the board, where somebody wrote about her."""
    receive(
        world.channel,
        QUIRINA,
        idempotency_key="quasten-1",
        context={"ip": "203.0.113.77", "referrer": "https://q.example/pumps?who=quasten"},
    )
    drain()
    lead = Lead.objects.get()
    owner = lead.owner
    assert owner is not None
    log_activity(lead.pk, "call", by=owner, disposition="connected", body="Quirina wants it before March.")
    for question in world.questions():
        said = f"Quirina said {question.key}"
        give_answer(lead.pk, question.pk, said, by=owner, evidence="call", quote=said, confidence=4)
    drain()
    deal = BoardDeal.objects.get()
    board.move_deal(str(deal.pk), stage=deal.stage, by="ada@ours.example", note="Quirina likes Quastenigel")
    accept_handoff(Handoff.objects.get().pk, by=world.ada)
    drain()
    pull_connection(Connection.objects.get(slug="local").pk)
    drain()
    return Lead.objects.get()
