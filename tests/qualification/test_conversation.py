"""Mail as conversations on the lead's page, and corrections that do not write over each other."""

from datetime import timedelta
from typing import Any

import pytest

from leadmgmt.core.now import now
from leads.models import Company, Contact, Lead, Touchpoint
from qualification.desk.conversation import conversations
from qualification.models import Activity, OutgoingMail
from tests.factories import make_company, make_contact, make_lead
from tests.qualification.desk_cast import Cast, as_user, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def lead(cast: Cast) -> Lead:
    contact = make_contact(last_name="Hoffmann", first_name="Mara", company=make_company(name="Rheintal", staff=40))
    return make_lead(owner=cast.ann, contact=contact)


def theirs(lead: Lead, subject: str, text: str, hours: float) -> None:
    Touchpoint.objects.create(
        lead=lead, contact=lead.contact, kind="email", subject=subject, message=text, at=now() - timedelta(hours=hours)
    )


def ours(cast: Cast, lead: Lead, subject: str, text: str, hours: float, **fields: Any) -> OutgoingMail:
    at = now() - timedelta(hours=hours)
    activity = Activity.objects.create(lead=lead, kind="email", disposition="sent", body=text, at=at, by=cast.ann)
    return OutgoingMail.objects.create(
        lead=lead, activity=activity, by=cast.ann, to="m@rheintal.example", subject=subject, body=text,
        message_id=f"<{activity.pk}@us>", written_at=at, sent_at=at, status=fields.pop("status", "sent"), **fields
    )  # fmt: skip


def test_mail_is_read_by_subject_in_the_order_it_was_written(cast: Cast, lead: Lead) -> None:
    theirs(lead, "Fleet of 45", "Can you do 45 vans?", 30)
    ours(cast, lead, "Re: Fleet of 45", "We can. Ten o'clock?", 28, opened_at=now())
    theirs(lead, "AW: RE: fleet  of 45", "Ten is fine.", 5)
    ours(cast, lead, "Our prices", "Here they are.", 20)
    Activity.objects.create(lead=lead, kind="email", disposition="sent", body="Sent by phone", by=cast.ann,
                            at=now() - timedelta(hours=19))  # fmt: skip
    ours(cast, lead, "Wrong person", "Sorry", 3, status="cancelled")

    first, second = conversations(lead)

    assert (first.subject, first.waits_for_us) == ("Fleet of 45", True)
    assert [(one.is_ours, one.body, one.state) for one in first.messages] == [
        (False, "Can you do 45 vans?", ""),
        (True, "We can. Ten o'clock?", "opened"),
        (False, "Ten is fine.", ""),
    ]
    # What was logged without a subject belongs to what was being written about.
    assert [(one.body, one.state) for one in second.messages] == [
        ("Here they are.", "Sent"),
        ("Sent by phone", "logged"),
    ]
    assert not second.waits_for_us


def test_the_timeline_offers_mail_where_there_is_some(cast: Cast, lead: Lead) -> None:
    ann = as_user(cast.ann)
    here = f"/leads/{lead.pk}/"
    assert "show=mail" not in ann.get(here).content.decode()
    theirs(lead, "Fleet of 45", "Can <b>you</b>\nhelp?", 30)
    bounced = ours(cast, lead, "Re: Fleet of 45", "Yes", 28, bounced_at=now())
    page = ann.get(here)
    assert page.context["timeline"].counts.mail == 2
    assert "show=mail" in page.content.decode()

    shown = ann.get(f"{here}?show=mail").content.decode()

    assert "Can &lt;b&gt;you&lt;/b&gt;<br>help?" in shown
    assert "came back" in shown
    assert bounced.body in shown
    part = ann.get(f"{here}?show=mail", headers={"HX-Request": "true", "HX-Target": "timeline"}).content.decode()
    assert "mail-thread" in part
    assert "<html" not in part


def correct(client: Any, lead: Lead, field: str, value: str, seen: str, subject: str = "person") -> Any:
    sent = {"subject": subject, "field": field, "value": value, "seen": seen}
    return client.post(f"/leads/{lead.pk}/correct/", sent)


def test_two_corrections_at_once_do_not_write_over_each_other(cast: Cast, lead: Lead) -> None:
    ann, lea = as_user(cast.ann), as_user(cast.lea)
    Contact.objects.filter(pk=lead.contact_id).update(job_title="Assistant")
    assert 'name="seen" value="Assistant"' in ann.get(f"/leads/{lead.pk}/?edit=person.job_title").content.decode()
    assert correct(lea, lead, "job_title", "Head of Service", "Assistant").status_code == 302

    refused = correct(ann, lead, "job_title", "Office manager", "Assistant")

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Lea Leitner has made this “Head of Service” meanwhile." in page
    assert 'name="seen" value="Head of Service"' in page
    assert 'value="Office manager"' in page
    assert Contact.objects.get(pk=lead.contact_id).job_title == "Head of Service"
    # Whoever has seen it may replace it.
    assert correct(ann, lead, "job_title", "Office manager", "Head of Service").status_code == 302
    assert Contact.objects.get(pk=lead.contact_id).job_title == "Office manager"


def test_a_company_and_an_address_are_guarded_alike(cast: Cast, lead: Lead) -> None:
    ann = as_user(cast.ann)
    assert 'name="seen" value="40"' in ann.get(f"/leads/{lead.pk}/?edit=company.staff").content.decode()
    assert correct(ann, lead, "staff", "60", "30", "company").status_code == 422
    assert correct(ann, lead, "staff", "60", "40", "company").status_code == 302
    # None at all is a number as well.
    Company.objects.update(staff=0)
    assert 'name="seen" value="0"' in ann.get(f"/leads/{lead.pk}/?edit=company.staff").content.decode()
    assert correct(ann, lead, "staff", "60", "0", "company").status_code == 302
    assert correct(ann, lead, "email", "mara@rheintal.example", "other@rheintal.example").status_code == 422
    # A form of before, without what was seen, is taken as it is.
    plain = ann.post(f"/leads/{lead.pk}/correct/", {"subject": "person", "field": "city", "value": "Ulm"})
    assert plain.status_code == 302
