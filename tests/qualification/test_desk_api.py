"""Working a lead by API."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leads.models import Lead, User
from leads.services.channels import create_api_key
from qualification.models import Activity, Answer, Score, ScoringModel
from tests.factories import make_lead, make_reason
from tests.qualification.desk_cast import Cast, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def lead(cast: Cast) -> Lead:
    return make_lead(owner=cast.ann, stage="mql")


def call(user: User, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask as this person's program."""
    _key, token = create_api_key("test", user=user)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    sent = json.dumps(body or {}).encode()
    return client.generic(method, f"/api/v1/leads/{path}", data=sent, content_type="application/json")


def test_the_score_tells_its_reasons(cast: Cast, lead: Lead) -> None:
    assert call(cast.ann, "GET", f"{lead.pk}/score/").status_code == 404

    Score.objects.create(
        lead=lead,
        model=ScoringModel.objects.get(),
        at=timezone.now(),
        fit=80,
        engagement=70,
        grade="A1",
        reasons=[{"key": "demo", "points": 30}],
    )
    answer = call(cast.ann, "GET", f"{lead.pk}/score/")

    assert answer.status_code == 200
    assert (answer.json()["grade"], answer.json()["model"]) == ("A1", 1)
    assert answer.json()["reasons"] == [{"key": "demo", "points": 30}]


def test_an_activity_is_a_touch(cast: Cast, lead: Lead) -> None:
    due = timezone.now() + timedelta(days=1)

    answer = call(
        cast.ann,
        "POST",
        f"{lead.pk}/activities/",
        {"kind": "call", "disposition": "call_back", "due_at": due.isoformat(), "body": "Tomorrow"},
    )

    activity = Activity.objects.get()
    assert answer.status_code == 201
    assert (answer.json()["id"], answer.json()["by"]) == (activity.pk, cast.ann.email)
    assert (activity.due_at, activity.by) == (due, cast.ann)
    lead.refresh_from_db()
    assert lead.first_touched_at == activity.at


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("activities/", {"kind": "fax"}, "kind"),
        ("activities/", {"kind": "call", "disposition": "sent"}, "disposition"),
        ("answers/", {"question": "weather", "value": "fine"}, "question"),
        ("answers/", {"question": "budget"}, "value"),
        ("answers/", {"question": "budget", "value": "x", "confidence": 9}, "confidence"),
        ("disqualify/", {}, "reason"),
        ("disqualify/", {"reason": "nonsense"}, "reason"),
        ("recycle/", {"reason": "bad-timing", "wake_on": "tomorrow"}, "wake_on"),
        ("recycle/", {"reason": "bad-timing", "wake_on": "2020-01-01"}, "wake_on"),
    ],
)
def test_a_refusal_names_the_field_and_changes_nothing(
    cast: Cast, lead: Lead, path: str, body: dict[str, Any], field: str
) -> None:
    answer = call(cast.ann, "POST", f"{lead.pk}/{path}", body)

    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert not Activity.objects.exists()
    assert not Answer.objects.exists()
    lead.refresh_from_db()
    assert lead.stage == "mql"


def test_an_answer_supersedes_the_one_before(cast: Cast, lead: Lead) -> None:
    for value in ("20,000", "30,000"):
        answer = call(
            cast.ann, "POST", f"{lead.pk}/answers/", {"question": "budget", "value": value, "evidence": "email"}
        )

    assert answer.status_code == 201
    assert (answer.json()["question"], answer.json()["is_met"]) == ("budget", True)
    assert Answer.objects.count() == 2
    assert Answer.objects.get(superseded_at__isnull=True).value == "30,000"


def test_disqualify_and_recycle_answer_with_the_lead_as_it_stands(cast: Cast, lead: Lead) -> None:
    other = make_lead(owner=cast.ann, stage="sql")
    make_reason("disqualify", "no-need")
    day = timezone.localdate() + timedelta(days=30)

    closed = call(cast.ann, "POST", f"{lead.pk}/disqualify/", {"reason": "no-need", "note": "Sells to us"})
    slept = call(cast.ann, "POST", f"{other.pk}/recycle/", {"reason": "bad-timing", "wake_on": day.isoformat()})

    assert (closed.status_code, closed.json()["stage"]) == (200, "disqualified")
    assert (slept.status_code, slept.json()["stage"]) == (200, "recycled")
    again = call(cast.ann, "POST", f"{other.pk}/recycle/", {"reason": "bad-timing"})
    assert (again.status_code, again.json()["code"]) == (409, "stage_conflict")


@pytest.mark.parametrize("path", ["activities/", "answers/", "disqualify/", "recycle/"])
def test_who_may_not_work_the_lead_is_refused(cast: Cast, lead: Lead, path: str) -> None:
    assert Client().post(f"/api/v1/leads/{lead.pk}/{path}").status_code == 401
    assert call(cast.bob, "POST", f"{lead.pk}/{path}").status_code == 404
    assert call(cast.mia, "POST", f"{lead.pk}/{path}").status_code == 403
