"""The same person twice is one contact with one open lead and two touchpoints."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from leads import lifecycle
from leads.lifecycle import Cause
from leads.models import Capture, Channel, Company, Consent, Contact, FieldValue, Lead, LeadEvent, Source, SourceAlias
from leads.normalise.refusal import Refused
from leads.services.capture import process_capture, process_waiting, receive, replay, take_in
from leads.services.provenance import PERSON, offer
from tests.factories import make_channel, make_reason, make_source
from tests.worker import lose_jobs

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def got(channel: Channel | None = None, *, at: datetime = NOW, **payload: Any) -> Capture:
    context = payload.pop("context", None)
    return receive(channel or make_channel("website"), payload, received_at=at, context=context).capture


def kinds(lead: Lead | None) -> list[str]:
    return list(LeadEvent.objects.filter(lead=lead).order_by("pk").values_list("kind", flat=True))


def test_a_stranger_becomes_contact_lead_touchpoint_and_event() -> None:
    capture = got(email="Ann@Firm.example", name="Ann Dyk", phone="0721 5550 1840", subject="demo", utm_medium="cpc")

    lead = Lead.objects.get()
    assert (capture.status, capture.lead, capture.contact, capture.match_reason) == (
        "accepted",
        lead,
        lead.contact,
        "new",
    )
    assert (lead.contact.email, lead.contact.email_key, lead.contact.phone) == (
        "Ann@Firm.example",
        "ann@firm.example",
        "+4972155501840",
    )
    assert (lead.stage, lead.subject, lead.first_seen_at, lead.captured_at) == ("new", "demo", NOW, NOW)
    touch = lead.touchpoints.get()
    assert (touch.capture, touch.kind, touch.at, touch.utm_medium) == (capture, "api", NOW, "cpc")
    event = LeadEvent.objects.get()
    assert (event.kind, event.at, event.needs_step, event.actor_label) == (
        "lead.captured",
        NOW,
        True,
        "channel:website",
    )
    assert event.data["capture"] == str(capture.pk)


def test_the_same_person_again_joins_the_open_lead() -> None:
    got(email="ann.dyk@gmail.com", first_name="Ann")
    second = got(email="AnnDyk+web@googlemail.com", last_name="Dyk", subject="pricing", at=NOW + timedelta(days=2))

    lead = Lead.objects.get()
    assert Contact.objects.count() == 1
    assert second.match_reason == "email"
    assert lead.touchpoints.count() == 2
    assert (lead.subject, lead.last_touch_at, lead.first_seen_at) == ("pricing", NOW + timedelta(days=2), NOW)
    assert lead.contact.full_name == "Ann Dyk"
    assert kinds(lead) == ["lead.captured", "lead.touched"]


def test_a_person_without_an_address_is_found_by_channel_and_external_id() -> None:
    one, other = make_channel("one"), make_channel("other")
    first, again, elsewhere = got(one, external_id="x1"), got(one, external_id="x1", n=2), got(other, external_id="x1")

    assert first.contact == again.contact != elsewhere.contact
    assert again.match_reason == "external_id"
    assert not first.contact.is_reachable if first.contact else False


def test_an_address_learnt_later_completes_the_contact_known_by_external_id() -> None:
    first = got(external_id="x1")
    got(external_id="x1", email="ann@firm.example")
    third = got(email="ann@firm.example")

    assert Contact.objects.count() == 1
    assert first.contact == third.contact
    assert Contact.objects.get().email_key == "ann@firm.example"


def test_another_address_under_a_known_id_is_another_person_and_noted() -> None:
    got(external_id="x1", email="ann@firm.example")
    second = got(external_id="x1", email="bob@firm.example")

    assert Contact.objects.count() == 2
    assert [problem["field"] for problem in second.problems] == ["external_id"]


def test_people_known_by_a_number_alone_are_matched_by_it() -> None:
    got(phone="0721 5550 1840")
    second = got(phone="+49 721 55501840", name="Ann Dyk")
    third = got(phone="0721 5550 1840", email="ann@firm.example")

    assert second.match_reason == "phone"
    assert third.match_reason == "new"
    assert Contact.objects.count() == 2


def test_a_submission_that_identifies_nobody_is_kept_and_refused() -> None:
    with pytest.raises(Refused) as caught:
        got(name="Ann")

    capture = Capture.objects.get()
    assert (capture.status, capture.payload, caught.value.capture_id) == ("refused", {"name": "Ann"}, capture.pk)
    assert capture.problems == [{"field": "email", "detail": "Send email, phone or external_id."}]
    assert (Lead.objects.count(), Contact.objects.count()) == (0, 0)


def test_what_is_odd_is_noted_and_goes_on() -> None:
    capture = got(external_id="x1", email="ann@firm", phone="abc", country="Narnia")

    assert capture.status == "accepted"
    assert {problem["field"] for problem in capture.problems} == {"email", "phone", "country"}
    contact = Contact.objects.get()
    assert (contact.attributes, contact.phone_raw) == ({"email": "ann@firm"}, "abc")


def test_the_company_is_found_by_domain_then_by_name() -> None:
    got(email="ann@firm.example", company="Firm GmbH")
    got(email="bob@firm.example", company="Something Else")
    got(email="cleo@gmail.com", company="FIRM")
    got(email="dan@gmail.com", company="Other AG")
    got(email="eve@other.example", company="Other")
    got(email="fay@gmail.com")

    assert list(Company.objects.order_by("pk").values_list("name", "domain")) == [
        ("Firm GmbH", "firm.example"),
        ("Other AG", "other.example"),
    ]
    by_mail = {contact.email: contact.company for contact in Contact.objects.select_related("company")}
    assert by_mail["bob@firm.example"] == by_mail["cleo@gmail.com"] == Company.objects.first()
    assert by_mail["fay@gmail.com"] is None


def test_a_company_of_the_same_name_with_another_domain_or_country_is_another() -> None:
    got(email="ann@mueller.example", company="Müller GmbH", country="DE")
    got(email="bob@mueller-bau.example", company="Mueller GmbH".replace("ue", "ü"), country="DE")
    got(email="cleo@gmail.com", company="Müller", country="AT")

    assert Company.objects.count() == 3


def test_a_company_known_by_its_domain_gets_its_name_when_somebody_tells_it() -> None:
    got(email="ann@rheintal-technik.example")
    assert Company.objects.get().name == "Rheintal Technik"
    got(email="bob@rheintal-technik.example", company="Rheintal-Technik AG")
    got(email="cleo@rheintal-technik.example", company="A joke")

    company = Company.objects.get()
    assert company.name == "Rheintal-Technik AG"
    assert FieldValue.objects.get(company=company, field="name").origin == "api"


@pytest.mark.parametrize("stage", ["recycled", "disqualified"])
def test_a_new_touch_wakes_a_closed_lead(stage: str) -> None:
    lead = got(email="ann@firm.example").lead
    assert lead is not None
    if stage == "recycled":
        lifecycle.to_recycled(lead.pk, Cause(at=NOW), reason=make_reason("recycle"), wake_at=None)
    else:
        lifecycle.to_disqualified(lead.pk, Cause(at=NOW), reason=make_reason("disqualify"))

    later = NOW + timedelta(days=9)
    got(email="ann@firm.example", at=later)

    lead = Lead.objects.get()
    assert (lead.stage, lead.captured_at, lead.reason) == ("new", later, None)
    assert kinds(lead) == ["lead.captured", f"stage.{stage}", "stage.new", "lead.touched"]
    # One step looks at everything anew; the touch itself needs none beside it.
    assert list(
        LeadEvent.objects.filter(kind__in=["stage.new", "lead.touched"]).values_list("needs_step", flat=True)
    ) == [
        True,
        False,
    ]


def test_a_customer_who_comes_back_is_a_new_lead() -> None:
    lead = got(email="ann@firm.example").lead
    Lead.objects.filter(pk=lead.pk if lead else 0).update(stage="won")

    got(email="ann@firm.example", at=NOW + timedelta(days=90))

    assert list(Lead.objects.order_by("pk").values_list("stage", flat=True)) == ["won", "new"]


def test_a_touch_from_before_a_lead_was_closed_opens_nothing() -> None:
    lead = got(email="ann@firm.example").lead
    assert lead is not None
    lifecycle.to_disqualified(lead.pk, Cause(at=NOW), reason=make_reason("disqualify"))

    got(email="ann@firm.example", occurred_at=(NOW - timedelta(days=3)).isoformat(), at=NOW + timedelta(days=1))

    lead = Lead.objects.get()
    assert (lead.stage, lead.touchpoints.count()) == ("disqualified", 2)


def test_history_counts_where_it_happened_and_sets_nothing_off() -> None:
    past = NOW - timedelta(days=400)
    got(make_channel("old", kind="import"), external_id="x1", occurred_at=past.isoformat(), context={"history": True})

    lead = Lead.objects.get()
    assert (lead.is_history, lead.first_seen_at, lead.captured_at, lead.stage_at) == (True, past, past, past)
    event = LeadEvent.objects.get()
    assert (event.at, event.needs_step) == (past, False)


def test_history_comes_alive_with_a_new_touch() -> None:
    old = make_channel("old", kind="import")
    got(old, email="ann@firm.example", occurred_at="2025-01-01", context={"history": True})
    got(email="ann@firm.example")

    lead = Lead.objects.get()
    assert (lead.is_history, lead.captured_at) == (False, NOW)
    assert LeadEvent.objects.get(kind="lead.touched").needs_step


@pytest.mark.parametrize("spelling", ["Google-Ads", "google ads", "GOOGLE ADS", "Adwords"])
def test_every_spelling_leads_to_the_one_source(spelling: str) -> None:
    source = make_source("google-ads", name="Google Ads")
    SourceAlias.objects.create(source=source, alias="AdWords")

    capture = got(email="ann@firm.example", source=spelling, campaign="spring")

    assert capture.lead is not None
    assert capture.lead.source == source
    assert capture.lead.campaign is not None
    assert capture.lead.campaign.key == "spring"
    assert Source.objects.count() == 1


def test_where_a_submission_says_nothing_the_channel_speaks_and_silence_is_no_source() -> None:
    said = got(make_channel("fair", source=make_source("trade-fair")), email="ann@firm.example")
    silent = got(email="bob@firm.example", source=" ")
    unknown = got(email="cleo@firm.example", source="unknown")

    assert said.lead is not None
    assert silent.lead is not None
    assert unknown.lead is not None
    assert said.lead.source is not None
    assert said.lead.source.slug == "trade-fair"
    assert silent.lead.source is None
    assert unknown.lead.source is not None
    assert unknown.lead.source.name == "unknown"


def test_utm_source_speaks_before_the_named_source() -> None:
    lead = got(email="ann@firm.example", utm_source="LinkedIn", source="website").lead
    assert lead is not None
    assert lead.source is not None
    assert lead.source.name == "LinkedIn"


def test_a_source_written_without_latin_letters_is_one_source_too() -> None:
    got(email="ann@firm.example", source="谷歌")
    got(email="bob@firm.example", source="谷歌")
    got(email="cleo@firm.example", source="百度")

    assert sorted(Source.objects.values_list("name", flat=True)) == ["百度", "谷歌"]


def test_values_carry_their_origin_and_the_newest_word_counts_until_a_colleague_speaks() -> None:
    got(make_channel("form", kind="form"), email="ann@firm.example", city="Ulm", job_title="CTO")
    got(email="ann@firm.example", city="Bonn", at=NOW + timedelta(days=1))
    contact = Contact.objects.get()
    assert contact.city == "Bonn"
    assert set(FieldValue.objects.filter(field="city").values_list("origin", "value")) == {
        ("form", "Ulm"),
        ("api", "Bonn"),
    }

    offer(contact, "city", "Köln", PERSON, at=NOW + timedelta(days=2))
    got(email="ann@firm.example", city="Kiel", at=NOW + timedelta(days=3))

    contact.refresh_from_db()
    assert contact.city == "Köln"
    value = FieldValue.objects.get(field="city", origin="api")
    assert (value.value, value.replaced["value"] if value.replaced else None) == ("Kiel", "Bonn")


def test_consent_is_kept_with_its_wording() -> None:
    got(email="ann@firm.example", consent={"email": {"granted": True, "text": "Write to me", "version": "7"}})
    got(email="ann@firm.example", consent={"email": False}, at=NOW + timedelta(days=1))

    assert list(Consent.objects.order_by("at").values_list("granted", "text", "version")) == [
        (True, "Write to me", "7"),
        (False, "", ""),
    ]


def test_processing_twice_changes_nothing() -> None:
    receipt = take_in(make_channel("website"), {"email": "ann@firm.example"}, received_at=NOW)
    assert receipt.capture.status == "received"

    first, second = process_capture(receipt.capture.pk), process_capture(receipt.capture.pk)

    assert (first.status, second.status, first.lead_id) == ("accepted", "accepted", second.lead_id)
    assert (Lead.objects.count(), LeadEvent.objects.count()) == (1, 1)


def test_a_submission_whose_job_was_lost_is_found_by_the_clock() -> None:
    kept = take_in(make_channel("website"), {"email": "ann@firm.example"}, received_at=NOW).capture

    assert process_waiting(NOW + timedelta(seconds=5)) == 0
    assert process_waiting(NOW + timedelta(seconds=15)) == 1
    assert process_waiting(NOW + timedelta(seconds=20)) == 0
    assert process_waiting(NOW + timedelta(seconds=90)) == 1
    kept.refresh_from_db()
    assert kept.attempts == 2


def test_a_submission_that_stands_in_a_long_line_is_no_failed_attempt() -> None:
    at = timezone.now()
    kept = take_in(make_channel("website"), {"email": "ann@firm.example"}, received_at=at).capture

    nudges = [process_waiting(at + timedelta(minutes=minute)) for minute in range(1, 20)]

    assert sum(nudges) == 0
    kept.refresh_from_db()
    assert (kept.status, kept.attempts) == ("received", 0)
    lose_jobs()
    assert process_waiting(at + timedelta(minutes=20)) == 1


def test_a_failure_is_kept_on_the_row_and_tells_the_log_nothing_personal(caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE leads_contact ADD CONSTRAINT no_ann CHECK (email <> 'ann@firm.example') NOT VALID")
    kept = take_in(make_channel("website"), {"email": "ann@firm.example"}, received_at=NOW).capture

    failed = process_capture(kept.pk)

    assert (failed.status, failed.attempts, failed.next_try_at is not None) == ("failed", 1, True)
    assert "no_ann" in failed.error
    assert str(kept.pk) in caplog.text
    assert "IntegrityError" in caplog.text
    assert "ann@firm" not in caplog.text
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE leads_contact DROP CONSTRAINT no_ann")
    lose_jobs()
    assert process_waiting(timezone.now() + timedelta(hours=1)) == 1
    assert process_capture(kept.pk).status == "accepted"


def test_a_submission_that_kills_its_worker_is_given_up_and_can_be_replayed() -> None:
    kept = take_in(make_channel("website"), {"email": "ann@firm.example"}, received_at=NOW).capture
    nudges = [process_waiting(NOW + timedelta(minutes=minute)) for minute in range(1, 20)]

    kept.refresh_from_db()
    assert sum(nudges) == 8
    assert (kept.status, kept.attempts) == ("failed", 8)
    assert replay(kept.pk).status == "accepted"
    assert Lead.objects.count() == 1
