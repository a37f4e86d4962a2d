"""POST capture/: every answer names what to mend, nothing is lost, nothing is a server error."""

import json
import threading
import time
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from leads.api.waiting import wait_until_routed
from leads.models import ApiKey, Capture, Channel, Lead, LeadEvent
from leads.services.capture import process_capture
from leads.services.channels import create_api_key
from tests.factories import make_channel, make_user
from tests.leads.door import URL, Door, problem
from tests.leads.shared import FOLDER, needs_dirty_data

pytestmark = pytest.mark.django_db


@pytest.fixture
def door() -> Door:
    return Door()


def test_what_is_kept_is_answered_with_where_it_is(door: Door) -> None:
    response = door.post({"email": "ann@firm.example", "utm_source": "linkedin"})

    assert response.status_code == 202
    body = response.json()
    capture = Capture.objects.get()
    assert body == {
        "id": str(capture.pk),
        "status": "received",
        "url": f"http://testserver/api/v1/captures/{capture.pk}/",
    }
    assert capture.payload == {"email": "ann@firm.example", "utm_source": "linkedin"}

    process_capture(capture.pk)
    told = Client().get(body["url"], headers={"Authorization": f"Bearer {door.token}"}).json()
    assert (told["status"], told["lead"], told["stage"]) == ("accepted", Lead.objects.get().pk, "new")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Bearer a b", "Basic abc", "Bearer " + "x" * 5000])
def test_without_the_right_key_nothing_is_taken(door: Door, header: str) -> None:
    response = door.post({"email": "ann@firm.example"}, Authorization=header)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    problem(response)
    assert not Capture.objects.exists()


def test_a_revoked_key_opens_nothing(door: Door) -> None:
    ApiKey.objects.update(revoked_at=timezone.now())
    assert door.post({"email": "ann@firm.example"}).status_code == 401


def test_a_key_without_a_channel_or_with_a_closed_one_may_not_capture(door: Door) -> None:
    _key, token = create_api_key("reader", user=make_user("manager"))
    assert door.post({"email": "ann@firm.example"}, Authorization=f"Bearer {token}").status_code == 403

    Channel.objects.update(is_active=False)
    response = door.post({"email": "ann@firm.example"})
    assert response.status_code == 403
    assert response.json()["code"] == "channel_inactive"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"email": }',
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b"[" * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"email": "ann@firm.example", "deep": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
)
def test_a_body_that_is_no_json_is_400(door: Door, body: bytes) -> None:
    response = door.post(body)

    assert response.status_code == 400
    assert list(problem(response)) == ["body"]
    assert response.json()["code"] == "malformed"
    assert not Capture.objects.exists()


@pytest.mark.parametrize("sign", ["\ud800", "\x00"])
def test_an_address_with_a_sign_that_cannot_be_kept_is_refused(door: Door, sign: str) -> None:
    response = door.post({"email": f"a{sign}nn@firm.example"})

    assert response.status_code == 422
    assert list(problem(response)) == ["email"]


@pytest.mark.parametrize("body", [[], '"text"', 5, None, True])
def test_json_that_is_no_object_is_422(door: Door, body: Any) -> None:
    response = door.post(body)

    assert response.status_code == 422
    assert list(problem(response)) == ["body"]


def test_two_megabytes_are_too_large(door: Door) -> None:
    response = door.post({"email": "ann@firm.example", "message": "x" * 2_000_000})

    assert response.status_code == 413
    problem(response)


@override_settings(CAPTURE_MAX_BYTES=2048)
def test_the_limit_is_a_setting(door: Door) -> None:
    assert door.post({"email": "ann@firm.example", "message": "x" * 2048}).status_code == 413
    assert door.post({"email": "ann@firm.example", "message": "x" * 1024}).status_code == 202


def test_a_wrong_type_is_refused_by_name_and_the_submission_is_kept(door: Door) -> None:
    response = door.post({"email": 5, "phone": ["1"], "company": "Firm"})

    assert response.status_code == 422
    assert set(problem(response)) == {"email", "phone"}
    capture = Capture.objects.get()
    assert (str(capture.pk), capture.status, capture.payload["email"]) == (response.json()["id"], "refused", 5)


def test_who_cannot_be_identified_is_told_what_to_send(door: Door) -> None:
    response = door.post({"name": "Ann"})

    assert response.status_code == 422
    assert "send email, phone or external_id" in response.json()["title"]
    assert Capture.objects.get().status == "refused"


def test_zero_bytes_and_half_surrogates_in_the_json_are_kept_as_what_can_be_kept(door: Door) -> None:
    response = door.post(b'{"email": "ann@firm.example", "first_name": "A\\u0000nn", "x\\u0000": "\\ud800"}')

    assert response.status_code == 202
    capture = process_capture(response.json()["id"])
    assert (capture.status, capture.contact.first_name if capture.contact else "") == ("accepted", "A␀nn")


def test_a_declared_charset_is_read(door: Door) -> None:
    body = json.dumps({"email": "ann@firm.example", "last_name": "Müller"}, ensure_ascii=False).encode("latin-1")

    assert door.post(body).status_code == 400
    response = door.post(body, kind="application/json; charset=iso-8859-1")
    assert response.status_code == 202
    assert Capture.objects.get().payload["last_name"] == "Müller"
    assert door.post(body, kind="application/json; charset=nonsense").status_code == 400


def test_the_same_key_gives_the_first_answer_again(door: Door) -> None:
    first = door.post({"email": "ann@firm.example", "n": 1}, **{"Idempotency-Key": "k1"})
    again = door.post({"n": 1, "email": "ann@firm.example"}, **{"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert Capture.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict_that_names_the_header(door: Door) -> None:
    door.post({"email": "ann@firm.example"}, **{"Idempotency-Key": "k1"})
    response = door.post({"email": "bob@firm.example"}, **{"Idempotency-Key": "k1"})

    assert response.status_code == 409
    assert list(problem(response)) == ["Idempotency-Key"]
    assert Capture.objects.count() == 1


def test_the_same_key_in_another_channel_is_another_delivery(door: Door) -> None:
    other = Door(make_channel("other"))
    for one in (door, other):
        assert one.post({"email": "ann@firm.example"}, **{"Idempotency-Key": "k1"}).status_code == 202
    assert Capture.objects.count() == 2


def test_a_refused_submission_sent_again_is_refused_again(door: Door) -> None:
    answers = [door.post({"email": "nobody"}, **{"Idempotency-Key": "k1"}) for _number in range(2)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].json() == answers[1].json()
    assert Capture.objects.count() == 1


def test_the_same_external_id_and_content_is_the_same_delivery_and_a_change_is_a_new_touch(door: Door) -> None:
    ids = [door.post({"external_id": "x1", "city": city}).json()["id"] for city in ("Ulm", "Ulm", "Bonn")]

    assert ids[0] == ids[1] != ids[2]
    for number in set(ids):
        process_capture(number)
    assert Lead.objects.get().touchpoints.count() == 2


def test_an_overlong_key_is_named(door: Door) -> None:
    response = door.post({"email": "ann@firm.example"}, **{"Idempotency-Key": "k" * 300})

    assert response.status_code == 400
    assert list(problem(response)) == ["Idempotency-Key"]


@pytest.mark.parametrize("wait", ["x", "-1", "31", "nan", "inf"])
def test_a_wrong_wait_is_named(door: Door, wait: str) -> None:
    response = door.post({"email": "ann@firm.example"}, f"{URL}?wait={wait}")

    assert response.status_code == 400
    assert list(problem(response)) == ["wait"]
    assert not Capture.objects.exists()


def test_waiting_ends_when_time_is_up(door: Door) -> None:
    started = time.monotonic()
    response = door.post({"email": "ann@firm.example"}, f"{URL}?wait=0.3")

    assert response.status_code == 202
    assert set(response.json()) == {"id", "status", "url"}
    assert 0.2 < time.monotonic() - started < 3


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_when_somebody_owns_the_lead() -> None:
    door, owner = Door(), make_user("sdr", email="sam@ours.example")

    def work() -> None:
        from django.db import connection

        while not (capture := Capture.objects.first()):
            time.sleep(0.02)
        lead = process_capture(capture.pk).lead
        assert lead is not None
        Lead.objects.filter(pk=lead.pk).update(owner=owner, owned_at=timezone.now(), fit=80, engagement=60, grade="A2")
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    response = door.post({"email": "ann@firm.example"}, f"{URL}?wait=10")
    worker.join()

    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["lead"], body["stage"]) == ("accepted", Lead.objects.get().pk, "new")
    assert body["score"] == {"fit": 80, "engagement": 60, "grade": "A2"}
    assert body["owner"]["email"] == "sam@ours.example"
    assert body["assigned_at"]


@pytest.mark.django_db(transaction=True)
def test_the_answer_is_the_lead_as_routing_left_it_also_when_that_ended_between_two_looks(door: Door) -> None:
    owner = make_user("sdr", email="sam@ours.example")
    kept = door.post({"email": "ann@firm.example"}).json()["id"]
    lead = process_capture(kept).lead
    assert lead is not None
    routed: list[LeadEvent] = []

    def between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "leads_leadevent" in sql and not routed:
            routed.append(LeadEvent(lead=lead, kind="lead.assigned", at=timezone.now(), recorded_at=timezone.now()))
            Lead.objects.filter(pk=lead.pk).update(owner=owner, owned_at=timezone.now(), fit=80)
            routed[0].save()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(between):
        told = wait_until_routed(UUID(kept), 1.0)

    assert told is not None
    assert (told["owner"]["email"], told["score"]["fit"]) == ("sam@ours.example", 80)
    assert told["assigned_at"]


def test_a_lead_in_the_waiting_room_is_routed_too(door: Door) -> None:
    lead = process_capture(door.post({"email": "ann@firm.example"}).json()["id"]).lead
    assert lead is not None
    LeadEvent.objects.create(lead=lead, kind="lead.waiting", at=timezone.now(), recorded_at=timezone.now())
    known = door.post({"email": "ann@firm.example"}, **{"Idempotency-Key": "k"}).json()["id"]
    process_capture(known)

    response = door.post({"email": "ann@firm.example"}, f"{URL}?wait=2", **{"Idempotency-Key": "k"})

    assert response.status_code == 200
    assert (response.json()["owner"], response.json()["lead"]) == (None, lead.pk)


def test_only_post_is_answered(door: Door) -> None:
    response = Client().get(URL)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_batch_takes_each_row_for_itself(door: Door) -> None:
    rows = [{"email": "ann@firm.example"}, {"email": 5}, 7, {"name": "Bob"}, {"external_id": "x1"}]

    response = door.post(rows, f"{URL}batch/")

    assert response.status_code == 200
    body = response.json()
    assert (body["accepted"], body["refused"]) == (2, 3)
    assert [(result["row"], result["status"]) for result in body["results"]] == [
        (0, 202),
        (1, 422),
        (2, 422),
        (3, 422),
        (4, 202),
    ]
    assert body["results"][1]["errors"][0]["field"] == "email"
    assert Capture.objects.filter(status="received").count() == 2


def test_a_batch_sent_again_under_its_key_changes_nothing(door: Door) -> None:
    rows = [{"email": f"ann{number}@firm.example"} for number in range(5)]
    first, again = (door.post({"captures": rows}, f"{URL}batch/", **{"Idempotency-Key": "b"}) for _ in range(2))

    assert first.json() == again.json()
    assert Capture.objects.count() == 5


def test_a_batch_has_a_limit_and_has_to_be_a_list(door: Door) -> None:
    assert door.post([{}] * 1001, f"{URL}batch/").status_code == 413
    assert door.post({"rows": []}, f"{URL}batch/").status_code == 422


def test_it_costs_few_queries(door: Door, django_assert_max_num_queries: Any) -> None:
    door.post({"email": "ann@firm.example"})
    with django_assert_max_num_queries(6):
        door.post({"email": "bob@firm.example"}, **{"Idempotency-Key": "k"})


@needs_dirty_data
def test_naughty_strings_never_break_the_door(door: Door) -> None:
    strings = json.loads((FOLDER / "dirty" / "blns.json").read_text())
    fields = "email phone name company website message source utm_campaign external_id own".split()
    rows = [{"email": f"p{n}@firm.example", **dict.fromkeys(fields[1:], text)} for n, text in enumerate(strings)]
    response = door.post(
        [*rows, *({"email": text, "phone": "0721 5550 1840"} for text in strings[:200])], f"{URL}batch/"
    )

    assert response.status_code == 200
    assert {result["status"] for result in response.json()["results"]} <= {202, 422}
    for capture in Capture.objects.filter(status="received"):
        after = process_capture(capture.pk)
        assert after.status == "accepted", (after.payload, after.error)


def test_a_test_by_api_is_kept_and_becomes_no_lead(door: Door) -> None:
    answer = door.post({"email": "ann@firm.example", "is_test": True})
    assert answer.status_code == 202
    assert process_capture(answer.json()["id"]).status == "test"
    assert not Lead.objects.exists()
