"""The reports on scoring, sync and nurture: their figures beside plain counts, and every number opens its leads."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from crmsync.models import InboxEvent, OutboxEntry
from leadmgmt.core.now import now
from leadmgmt.reports.filters import Filters
from leadmgmt.reports.further_words import nurturing_sentence, scoring_sentence, syncing_sentence
from leadmgmt.reports.nurturing import nurturing
from leadmgmt.reports.scoring import scoring
from leadmgmt.reports.syncing import syncing
from leads.models import Lead
from qualification.models import NurtureEnrolment, NurtureProgramme, Score, ScoringModel
from tests.crmsync.things import deal_of, make_crm, make_deal, on_the_board
from tests.factories import make_reason, make_user
from tests.leadmgmt.report_story import past, tell
from tests.leadmgmt.test_report_pages import figures

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(make_user("manager"))
    return client


def graded(grade: str, stage: str = "mql", *, chance: float | None = None, later: str = "", **fields: Any) -> Lead:
    model = ScoringModel.objects.first() or ScoringModel.objects.create(version=1, rules=[], status="published")
    after = {
        "mql": 1.0,
        **({"sql": 3.0} if stage in ("sql", "won") else {}),
        **({"won": 20.0} if stage == "won" else {}),
    }
    lead = tell(stage, after=after, **fields)
    for number, one in enumerate(filter(None, (grade, later))):
        Score.objects.create(
            lead=lead, model=model, at=past(29 - number), fit=50, engagement=50, grade=one, win_probability=chance
        )
    return lead


def opened(client: Client, address: str) -> int:
    links = figures(client.get(address).content.decode())
    for link, number in links:
        assert client.get(link).context["page"].paginator.count == number, link
    return len(links)


def test_the_first_grade_counts_and_the_letters_are_told_apart(manager: Client) -> None:
    for number in range(30):
        graded("A1", "sql" if number < 24 else "mql", later="D4")
        graded("D4", "sql" if number < 3 else "mql")

    found = scoring(Filters())

    assert (found.cells["A1"].leads, found.cells["A1"].sql, found.cells["D4"].leads) == (30, 24, 30)
    assert [cell.leads for cell in found.letters] == [30, 0, 0, 30]
    assert scoring_sentence(found).finding == "80\u00a0% of the As became SQL, 10\u00a0% of the Ds."
    assert opened(manager, "/reports/scoring/?period=all") >= 6
    assert manager.get("/leads/?cohort=1&graded=E9").status_code == 422


def test_a_score_that_misleads_is_said_so() -> None:
    for number in range(30):
        graded("A2", "sql" if number < 3 else "mql")
        graded("D2", "sql" if number < 24 else "mql")
    assert "The score misleads." in scoring_sentence(scoring(Filters())).finding


def test_with_few_leads_the_grade_tells_nothing_yet() -> None:
    for number in range(3):
        graded("A2", "sql" if number < 1 else "mql")
        graded("D2", "sql" if number < 2 else "mql")
    assert scoring_sentence(scoring(Filters())).finding == "The grade does not tell SQLs apart yet."


def test_chances_are_compared_with_what_came(manager: Client) -> None:
    reason = make_reason("recycle", "no-response")
    for number in range(100):
        won = number % 10 == 0
        fields = {} if won else {"reason": reason}
        graded("B2", "won" if won else "recycled", chance=0.1 if number < 60 else 0.6, **fields)
    found = scoring(Filters())
    assert [band.leads for band in found.bands] == [20] * 5
    assert [band.fits for band in found.bands] == [True, True, True, False, False]
    assert "off in 2 of 5 groups" in scoring_sentence(found).rest
    page = manager.get("/reports/scoring/?period=all").content.decode()
    groups = [(link, number) for link, number in figures(page) if "chances=" in link]
    assert [number for link, number in groups if "stage=won" not in link] == [20] * 5
    for link, number in groups:
        assert manager.get(link).context["page"].paginator.count == number, link
    assert manager.get("/leads/?cohort=1&chances=6").status_code == 422


def test_the_sync_report_counts_both_directions(manager: Client) -> None:
    make_crm()
    _lead, opportunity, deal = make_deal()
    on_the_board(deal_of(opportunity), "Demo")
    from crmsync.services.pull import pull_connection

    pull_connection(opportunity.links.get().connection_id)
    entry = OutboxEntry.objects.get()
    OutboxEntry.objects.filter(pk=entry.pk).update(created_at=entry.done_at - timedelta(seconds=12))
    OutboxEntry.objects.create(
        connection=entry.connection, opportunity=opportunity, seq=99, op="upsert", fields=[], state="dead",
        error_class="Invalid", not_before=now(), created_at=now(),
    )  # fmt: skip

    found = syncing(Filters())

    (line,) = found.lines
    assert (line.sent, line.within_minute, line.tries, line.came) == (1, 1, 1, 1)
    assert line.sent_p50 == pytest.approx(12, abs=0.01)
    assert line.stuck == (("Invalid", 1),)
    assert line.came_p99 is not None
    assert line.came_p99 < 60
    assert syncing_sentence(found).finding == "1 change was confirmed, 99 of 100 within 12.0 s."
    assert syncing_sentence(found).rest == "1 is stuck."
    page = manager.get("/reports/sync/?period=all").content.decode()
    assert "Invalid: 1" in page
    for part in ("sent", "came", "stuck"):
        (behind,) = manager.get(line.urls[part]).context["page"].object_list
        assert behind.pk == opportunity.lead_id, part
    assert manager.get(line.urls["conflicts"]).context["page"].paginator.count == 0
    assert manager.get("/leads/?cohort=1&synced=x~sent~now~then").status_code == 422
    assert manager.get("/api/v1/reports/sync/").json()["crms"][0]["sent"] == 1
    assert deal.pk


def test_what_was_known_already_was_not_late() -> None:
    make_crm()
    _lead, opportunity, _deal = make_deal()
    from crmsync.services.pull import pull_connection

    connection = opportunity.links.get().connection_id
    pull_connection(connection)
    InboxEvent.objects.update(body={"modified_at": past(60).isoformat()})

    (line,) = syncing(Filters()).lines

    assert (line.came, line.known, line.came_p99) == (0, 1, None)


def test_nurture_by_reason_and_programme(manager: Client) -> None:
    price, timing = make_reason("lost", "price"), make_reason("recycle", "bad-timing")
    programme = NurtureProgramme.objects.create(name="Price talks", sender=make_user("sdr"))
    for number in range(80):
        lead = tell("recycled" if number % 2 else "mql", reason=price if number % 2 else None)
        NurtureEnrolment.objects.create(
            lead=lead, reason=price, starts_at=past(60), programme=programme, is_held_out=number < 40,
            ended_at=past(5) if number % 2 == 0 and number >= 40 else None,
            end="returned" if number % 2 == 0 and number >= 40 else "",
        )  # fmt: skip
    slept = tell("new")
    NurtureEnrolment.objects.create(lead=slept, reason=timing, starts_at=past(20), ended_at=past(2), end="woken")

    found = nurturing(Filters())

    NurtureEnrolment.objects.create(lead=slept, reason=timing, starts_at=past(1))
    again = {line.reason.code: line for line in nurturing(Filters()).reasons}["bad-timing"]
    assert (again.slept, again.asleep, again.ended, again.back) == (1, 1, 1, 0.0)

    lines = {line.reason.code: line for line in found.reasons}
    assert (lines["price"].slept, lines["price"].asleep, lines["price"].returned) == (80, 60, 20)
    assert (lines["bad-timing"].woken, lines["bad-timing"].back) == (1, 0.0)
    assert nurturing_sentence(found).finding == "Price talks: brings people back, for certain."
    # Both reasons with what became of them, then both arms with who came back; bars of none open nothing.
    assert opened(manager, "/reports/nurture/?period=all") == 3 + 3 + 3
    for nonsense in ("slept=lost.price~gone", "nursed=x~out", f"nursed={programme.pk}~all"):
        assert manager.get(f"/leads/?cohort=1&{nonsense}").status_code == 422
    assert '<span class="small muted">Deal lost</span>' in manager.get("/reports/nurture/?period=all").content.decode()
    assert manager.get("/api/v1/reports/nurture/").json()["programmes"][0]["held_out"] == 40


def test_empty_ones_say_what_to_do(manager: Client) -> None:
    for name, words in (("scoring", "No lead of this period was scored"), ("nurture", "There is no programme yet"),
                        ("sync", "No change went to a CRM in this period.")):  # fmt: skip
        assert words in manager.get(f"/reports/{name}/").content.decode()
