"""Reading and correcting leads by API, as one of our people; the feed that skips nothing."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from leads.events import record_event
from leads.models import FieldValue, LeadEvent
from leads.services.capture import receive
from leads.services.channels import create_api_key
from tests.factories import make_channel, make_contact, make_lead, make_source, make_team, make_user

pytestmark = pytest.mark.django_db


def client_for(*roles: str, **fields: Any) -> Client:
    user = make_user(*roles, **fields)
    _key, token = create_api_key("reader", user=user)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    client.user = user  # type: ignore[attr-defined]
    return client


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_strangers_and_keys_that_only_capture_read_nothing() -> None:
    _key, token = create_api_key("site", channel=make_channel("website"))

    assert Client().get("/api/v1/leads/").status_code == 401
    response = Client().get("/api/v1/leads/", headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")


def test_a_key_sees_what_its_person_may_see() -> None:
    team = make_team("south")
    client = client_for("sdr", team=team)
    mine, theirs = make_lead(owner=client.user), make_lead()  # type: ignore[attr-defined]
    ours = make_lead(team=team)

    assert ids(client.get("/api/v1/leads/")) == [ours.pk, mine.pk]
    assert client.get(f"/api/v1/leads/{theirs.pk}/").status_code == 404
    assert client.patch(f"/api/v1/leads/{theirs.pk}/", {}, content_type="application/json").status_code == 404
    assert client.get(f"/api/v1/leads/{theirs.pk}/events/").status_code == 404


def test_somebody_signed_in_reads_without_a_key() -> None:
    lead, client = make_lead(), Client()
    client.force_login(make_user("manager"))

    assert ids(client.get("/api/v1/leads/")) == [lead.pk]


def test_leads_come_page_by_page_newest_first() -> None:
    leads = [make_lead().pk for _number in range(5)]
    client = client_for("manager")

    first = client.get("/api/v1/leads/?page_size=2")
    second = client.get(first.json()["next"])
    make_lead()
    third = client.get(second.json()["next"])

    assert ids(first) + ids(second) + ids(third) == leads[::-1]
    assert third.json()["next"] is None


def test_a_list_costs_the_same_queries_however_long(django_assert_num_queries: Any) -> None:
    client = client_for("manager")
    make_lead()
    client.get("/api/v1/leads/")
    with connection.execute_wrapper(counter := Counter()):
        client.get("/api/v1/leads/")
    for _number in range(10):
        make_lead()
    with connection.execute_wrapper(again := Counter()):
        client.get("/api/v1/leads/")

    assert again.count == counter.count <= 8


class Counter:
    """Counts queries."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, execute: Any, *args: Any) -> Any:
        self.count += 1
        return execute(*args)


def test_filters_find_leads() -> None:
    at = timezone.now()
    owner = make_user("sdr", email="sam@ours.example")
    source = make_source("linkedin")
    one = make_lead(
        stage="mql",
        owner=owner,
        source=source,
        grade="A2",
        at=at - timedelta(days=9),
        contact=make_contact(email="a@x.example"),
    )
    other = make_lead(contact=make_contact(last_name="Ovando"), grade="C3", at=at)
    third = receive(make_channel("file"), {"external_id": "x-77"}).capture.lead
    assert third is not None
    client = client_for("manager")

    def found(query: str) -> set[int]:
        return set(ids(client.get(f"/api/v1/leads/?{query}")))

    assert found("stage=mql") == {one.pk}
    assert found("stage=mql&stage=new") == {one.pk, other.pk, third.pk}
    assert found("owner=sam@ours.example") == found(f"owner={owner.pk}") == {one.pk}
    assert found("owner=none") == {other.pk, third.pk}
    assert found("source=linkedin") == {one.pk}
    assert found("source=none") == {other.pk, third.pk}
    assert found("grade=A") == found("grade=A2") == {one.pk}
    assert found("email=A%40X.example") == {one.pk}
    assert found("external_id=x-77") == {third.pk}
    assert found("search=ovando") == {other.pk}
    assert found("created_before=" + (at - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")) == {one.pk}


@pytest.mark.parametrize(
    ("query", "field"),
    [("stage=lost", "stage"), ("created_after=yesterday", "created_after"), ("channel=no", "channel")],
)
def test_a_wrong_filter_is_named(query: str, field: str) -> None:
    response = client_for("manager").get(f"/api/v1/leads/?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_a_lead_is_told_with_person_company_score_and_ids() -> None:
    lead = receive(
        make_channel("file"), {"external_id": "x1", "email": "ann@firm.example", "company": "Firm GmbH", "size": "30"}
    ).capture.lead
    assert lead is not None

    told = client_for("manager").get(f"/api/v1/leads/{lead.pk}/").json()

    assert (told["id"], told["stage"], told["channel"]) == (lead.pk, "new", "file")
    assert told["contact"]["external_ids"] == {"file": ["x1"]}
    assert (told["contact"]["attributes"], told["contact"]["is_reachable"]) == ({"size": "30"}, True)
    assert (told["company"]["name"], told["company"]["domain"]) == ("Firm GmbH", "firm.example")
    assert told["score"] == {"fit": None, "engagement": None, "grade": "", "win_probability": None}


def test_what_a_person_corrects_wins_and_is_history() -> None:
    lead = receive(make_channel("website"), {"email": "ann@firm.example", "city": "Ulm"}).capture.lead
    assert lead is not None
    client = client_for("admin")

    response = client.patch(
        f"/api/v1/leads/{lead.pk}/",
        {"contact": {"city": "Köln", "phone": "0721 5550 1840"}, "subject": "pricing"},
        content_type="application/json",
    )

    assert response.status_code == 200, response.content
    told = response.json()
    assert (told["contact"]["city"], told["contact"]["phone"], told["subject"]) == ("Köln", "+4972155501840", "pricing")
    assert FieldValue.objects.filter(field="city", origin="person", value="Köln").exists()
    events = LeadEvent.objects.filter(kind="lead.corrected")
    assert {event.data["field"] for event in events} == {"city", "phone", "subject"}
    assert {event.actor for event in events} == {client.user}  # type: ignore[attr-defined]
    receive(make_channel("website"), {"email": "ann@firm.example", "city": "Bonn"})
    assert client.get(f"/api/v1/leads/{lead.pk}/").json()["contact"]["city"] == "Köln"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stage": "won"}, "stage"),
        ({"owner": 1}, "owner"),
        ({"contact": {"score": 1}}, "contact.score"),
        ({"contact": {"email": "nope"}}, "contact.email"),
        ({"contact": {"phone": "call me"}}, "contact.phone"),
        ({"contact": {"country": "Narnia"}}, "contact.country"),
        ({"contact": "Ann"}, "contact"),
        ({"subject": 5 * ["x"]}, "subject"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    lead = make_lead(subject="demo")

    response = client_for("admin").patch(f"/api/v1/leads/{lead.pk}/", change, content_type="application/json")

    assert response.status_code in (400, 422)
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not LeadEvent.objects.filter(kind="lead.corrected").exists()


def test_an_address_of_somebody_else_is_a_conflict() -> None:
    make_contact(email="bob@firm.example")
    lead = make_lead()

    response = client_for("admin").patch(
        f"/api/v1/leads/{lead.pk}/", {"contact": {"email": "Bob@firm.example"}}, content_type="application/json"
    )

    assert (response.status_code, response.json()["code"]) == (409, "address_taken")


def test_history_comes_newest_first() -> None:
    lead, at = make_lead(), timezone.now()
    for number in range(3):
        record_event(lead, f"note.{number}", at=at + timedelta(minutes=number))

    told = client_for("manager").get(f"/api/v1/leads/{lead.pk}/events/").json()["results"]

    assert [event["kind"] for event in told] == ["note.2", "note.1", "note.0"]


def test_the_feed_is_read_on_and_on_and_ends_where_it_begins_again() -> None:
    lead = make_lead()
    for number in range(5):
        record_event(lead, f"note.{number}")
    client = client_for("manager")
    seen, cursor, more = [], "0", True
    while more:
        page = client.get(f"/api/v1/events/?after={cursor}&limit=2").json()
        seen += [event["kind"] for event in page["results"]]
        cursor, more = page["next"], page["more"]

    assert seen == [f"note.{number}" for number in range(5)]
    assert client.get(f"/api/v1/events/?after={cursor}").json() == {"results": [], "next": cursor, "more": False}
    record_event(lead, "note.5")
    assert [event["kind"] for event in client.get(f"/api/v1/events/?after={cursor}").json()["results"]] == ["note.5"]


def test_the_feed_shows_only_leads_that_the_person_may_see() -> None:
    client = client_for("sdr")
    record_event(make_lead(owner=client.user), "note.mine")  # type: ignore[attr-defined]
    record_event(make_lead(), "note.theirs")

    page = client.get("/api/v1/events/").json()

    assert [event["kind"] for event in page["results"]] == ["note.mine"]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1.5", "limit=501", "limit=x", "after=" + "9" * 30])
def test_a_wrong_cursor_is_named(query: str) -> None:
    response = client_for("manager").get(f"/api/v1/events/?{query}")

    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [query.split("=")[0]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends_well", [True, False])
def test_an_event_whose_transaction_commits_late_is_not_skipped(ends_well: bool) -> None:
    lead, client = make_lead(), client_for("manager")
    record_event(lead, "note.before")
    begun, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                record_event(lead, "note.slow")
                begun.set()
                may_end.wait(10)
                if not ends_well:
                    raise RuntimeError
        except RuntimeError:
            pass
        finally:
            connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    begun.wait(10)
    record_event(lead, "note.fast")

    early = client.get("/api/v1/events/").json()
    may_end.set()
    slow.join()
    late = client.get(f"/api/v1/events/?after={early['next']}").json()

    assert [event["kind"] for event in early["results"]] == ["note.before"]
    told = [event["kind"] for event in late["results"]]
    assert told == (["note.slow", "note.fast"] if ends_well else ["note.fast"])


@pytest.mark.django_db(transaction=True)
def test_many_writers_and_a_reader_lose_nothing() -> None:
    client, leads = client_for("manager"), [make_lead() for _number in range(4)]
    done = threading.Event()

    def write(number: int) -> None:
        try:
            for turn in range(25):
                with transaction.atomic():
                    record_event(leads[number], f"note.{number}.{turn}.a")
                    record_event(leads[number], f"note.{number}.{turn}.b")
        finally:
            connection.close()

    crew = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for one in crew:
        one.start()
    watcher = threading.Thread(target=lambda: ([one.join() for one in crew], done.set()))
    watcher.start()
    seen, cursor = [], "0"
    while True:
        finished = done.is_set()
        page = client.get(f"/api/v1/events/?after={cursor}&limit=40").json()
        seen += [event["id"] for event in page["results"]]
        cursor = page["next"]
        if finished and not page["results"]:
            break
    watcher.join()

    assert seen == sorted(LeadEvent.objects.values_list("pk", flat=True))
    assert len(seen) == 200


def test_a_capture_is_told_to_its_channel_and_to_who_sees_its_lead() -> None:
    channel = make_channel("website")
    _key, token = create_api_key("site", channel=channel)
    _other, foreign = create_api_key("other", channel=make_channel("other"))
    capture = receive(channel, {"email": "ann@firm.example", "country": "Narnia"}).capture
    url = f"/api/v1/captures/{capture.pk}/"

    told = Client().get(url, headers={"Authorization": f"Bearer {token}"}).json()
    assert (told["status"], told["lead"], told["problems"][0]["field"]) == ("accepted", capture.lead_id, "country")
    assert Client().get(url, headers={"Authorization": f"Bearer {foreign}"}).status_code == 404
    assert Client().get(url).status_code == 401
    assert client_for("manager").get(url).status_code == 200
    assert client_for("sdr").get(url).status_code == 404


def test_the_description_of_the_api_is_valid_and_tells_of_capture(tmp_path: Any) -> None:
    target = tmp_path / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(target))

    text = target.read_text()
    for path in ("/api/v1/capture/:", "/api/v1/capture/batch/:", "/api/v1/events/:", "/api/v1/leads/{id}/:"):
        assert path in text
    assert client_for("manager").get("/api/v1/schema/").status_code == 200
