"""One person once: what joins, what is asked, what is merged and parted again."""

import html
import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leads import lifecycle
from leads.lifecycle import Cause
from leads.models import Capture, Contact, ContactAlias, Duplicate, FieldValue, Lead, LeadEvent, Merge
from leads.services.capture import process_capture, receive, take_in
from leads.services.duplicates import AlreadyDecided, ask_again, decide_different, find_duplicates, open_pairs
from leads.services.merge import NotMerged, merge_contacts, undo_merge
from tests.factories import make_channel, make_team, make_user

pytestmark = pytest.mark.django_db

ANN = {"email": "ann.keller@nord.example", "first_name": "Ann", "last_name": "Keller", "phone": "+49 30 901820"}


def got(**payload: Any) -> Capture:
    return receive(make_channel("website"), payload).capture


def test_the_same_number_and_name_is_the_same_person_at_another_address() -> None:
    first = got(**ANN)
    second = got(
        **{**ANN, "email": "ann@gmail.com", "first_name": "Anne", "last_name": "KELLER"} | {"first_name": "Ann"}
    )

    assert (second.match_reason, second.contact_id) == ("phone_name", first.contact_id)
    contact = Contact.objects.get()
    assert contact.email == "ann.keller@nord.example"
    assert ContactAlias.objects.get().key == "ann@gmail.com"
    assert Lead.objects.count() == 1


def test_a_further_address_leads_to_its_person_from_then_on() -> None:
    first = got(**ANN)
    got(**{**ANN, "email": "ann@gmail.com"})
    third = got(email="Ann@gmail.com")
    assert (third.match_reason, third.contact_id) == ("email", first.contact_id)


def test_who_has_moved_to_another_firm_is_written_to_there() -> None:
    got(**ANN)
    got(**{**ANN, "email": "ann.keller@sued.example"})
    contact = Contact.objects.get()
    assert contact.email == "ann.keller@sued.example"
    assert got(email="ann.keller@nord.example").contact_id == contact.pk


@pytest.mark.parametrize(
    "other",
    [
        {"first_name": "Ben", "last_name": "Moser", "email": "ben@nord.example"},
        {"first_name": "Hanna", "last_name": "Keller", "email": "hanna@nord.example"},
        {"first_name": "", "last_name": "Keller", "email": "keller@nord.example"},
    ],
)
def test_others_of_the_same_number_stay_who_they_are(other: dict[str, str]) -> None:
    got(**ANN)
    assert got(**{**ANN, **other}).match_reason == "new"
    assert Contact.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_person_on_several_lines_at_once_is_one() -> None:
    channel = make_channel("website")
    keys = [take_in(channel, {**ANN, "email": f"ann{number}@gmail.com"}).capture.pk for number in range(8)]
    start = threading.Barrier(8)

    def work(key: Any) -> None:
        start.wait()
        try:
            process_capture(key)
        finally:
            connection.close()

    lines = [threading.Thread(target=work, args=[key]) for key in keys]
    for line in lines:
        line.start()
    for line in lines:
        line.join()

    assert set(Capture.objects.values_list("status", flat=True)) == {"accepted"}
    assert Contact.objects.count() == 1
    assert Lead.objects.count() == 1
    assert ContactAlias.objects.count() == 7


def alike(**other: str) -> Duplicate | None:
    """Somebody who may be Ann."""
    got(**ANN, company="Nord GmbH")
    second = got(**{"company": "Nord GmbH", **other})
    contact = Contact.objects.select_related("company").get(pk=second.contact_id)
    find_duplicates(contact, timezone.now())
    return Duplicate.objects.first()


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (
            {"first_name": "Ann", "last_name": "Kellr", "phone": "+49 30 901820", "email": "a@x.example"},
            "phone_like_name",
        ),
        ({"first_name": "Ann", "last_name": "Keller", "email": "akeller@nord.example"}, "name_company"),
        ({"first_name": "Ann", "last_name": "Kelller", "email": "aknord@nord.example"}, "like_name_company"),
        ({"first_name": "Ann", "last_name": "Keller", "email": "ann.keler@nord.example"}, "like_address"),
        ({"phone": "+49 30 901820", "email": "info@nord.example"}, "same_phone"),
    ],
)
def test_who_may_be_known_is_put_up_for_decision_with_a_reason(other: dict[str, str], reason: str) -> None:
    pair = alike(**other)
    assert pair is not None
    assert (pair.reason, pair.state) == (reason, "open")
    assert 0.5 <= pair.confidence < 1


def test_a_colleague_is_nobody_to_ask_about() -> None:
    assert alike(first_name="Ben", last_name="Moser", email="ben.moser@nord.example") is None


def test_a_pair_is_asked_about_once() -> None:
    pair = alike(first_name="Ann", last_name="Keller", email="akeller@nord.example")
    assert pair is not None
    admin = make_user("admin")
    decide_different(pair.pk, by=admin)
    find_duplicates(pair.first, timezone.now())
    find_duplicates(pair.second, timezone.now())
    assert Duplicate.objects.get().state == "different"
    assert ask_again(pair.pk, by=admin).state == "open"


def test_a_team_sees_the_pairs_of_its_own_leads() -> None:
    pair = alike(first_name="Ann", last_name="Keller", email="akeller@nord.example")
    assert pair is not None
    rep = make_user("sdr", team=make_team("north"))
    assert open_pairs(rep).count() == 0
    Lead.objects.update(team=rep.team)
    assert open_pairs(rep).count() == 1
    assert open_pairs(make_user("admin")).count() == 1


def two(**other: str) -> tuple[Contact, Contact]:
    first = got(**ANN, company="Nord GmbH", job_title="CEO", consent={"email": True})
    second = got(
        **{"email": "akeller@nord.example", "first_name": "Ann", "last_name": "Keller", "city": "Ulm", **other}
    )
    return Contact.objects.get(pk=first.contact_id), Contact.objects.get(pk=second.contact_id)


def picture() -> dict[str, Any]:
    """Everything that a merge may touch, but events and times."""
    columns = ("pk", "email", "email_key", "person_key", "first_name", "phone", "city", "job_title", "merged_into")
    return {
        "contacts": list(Contact.objects.order_by("pk").values_list(*columns)),
        "aliases": list(ContactAlias.objects.order_by("pk").values_list("contact", "key")),
        "leads": list(Lead.objects.order_by("pk").values_list("pk", "contact", "stage")),
        "touches": list(Lead.objects.order_by("touchpoints", "pk").values_list("touchpoints", "touchpoints__contact")),
        "captures": list(Capture.objects.order_by("pk").values_list("pk", "contact", "lead")),
        "values": list(FieldValue.objects.order_by("pk").values_list("pk", "contact", "field", "origin")),
        "consents": list(Contact.objects.order_by("consents", "pk").values_list("consents", "pk")),
    }


def test_a_merge_keeps_the_chosen_values_and_reattaches_everything() -> None:
    kept, gone = two(phone="+49 731 12345")
    joined = merge_contacts(kept.pk, gone.pk, {"phone": "gone"}, by=make_user("admin"))

    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.email, kept.phone, kept.city, kept.job_title) == (ANN["email"], "+4973112345", "Ulm", "CEO")
    assert gone.merged_into == kept
    assert got(email="akeller@nord.example").contact_id == kept.pk
    assert Lead.objects.open().get() == joined.lead
    closed = Lead.objects.get(stage="disqualified")
    assert closed.reason is not None
    assert (closed.contact, closed.reason.code) == (kept, "duplicate")
    assert LeadEvent.objects.filter(kind="contact.merged", lead=joined.lead).count() == 1


def test_undo_puts_both_back_as_they_were() -> None:
    kept, gone = two(phone="+49 731 12345")
    admin, before = make_user("admin"), picture()
    joined = merge_contacts(kept.pk, gone.pk, {"phone": "gone", "email": "gone"}, by=admin)
    assert picture() != before

    undo_merge(joined.merge.pk, by=admin)
    undo_merge(joined.merge.pk, by=admin)

    assert picture() == before
    assert Merge.objects.get().undone_by == admin


def test_what_came_in_since_stays_with_whom_it_came_to() -> None:
    kept, gone = two()
    admin = make_user("admin")
    joined = merge_contacts(kept.pk, gone.pk, {}, by=admin)
    later = got(email="akeller@nord.example", message="Are you there?")
    assert later.lead == joined.lead

    undo_merge(joined.merge.pk, by=admin)

    later.refresh_from_db()
    assert joined.lead is not None
    joined.lead.refresh_from_db()
    assert later.contact_id == joined.lead.contact_id == later.touchpoint.contact_id
    assert got(email="akeller@nord.example").contact_id == gone.pk


def test_what_somebody_corrected_since_stays_corrected() -> None:
    kept, gone = two()
    admin = make_user("admin")
    joined = merge_contacts(kept.pk, gone.pk, {}, by=admin)
    Contact.objects.filter(pk=kept.pk).update(job_title="CTO")
    undo_merge(joined.merge.pk, by=admin)
    kept.refresh_from_db()
    assert (kept.job_title, kept.city) == ("CTO", "")


def test_the_lead_that_is_further_goes_on() -> None:
    kept, gone = two()
    further = Lead.objects.get(contact=gone)
    lifecycle.to_mql(further.pk, Cause(by="test"))
    assert merge_contacts(kept.pk, gone.pk, {}, by=make_user("admin")).lead == further
    further.refresh_from_db()
    assert further.contact_id == kept.pk


def test_two_open_deals_are_not_merged() -> None:
    kept, gone = two()
    for lead in Lead.objects.all():
        for move in (lifecycle.to_mql, lifecycle.to_sql, lifecycle.to_opportunity):
            move(lead.pk, Cause(by="test"))
    before = picture()
    with pytest.raises(NotMerged, match="open deal"):
        merge_contacts(kept.pk, gone.pk, {}, by=make_user("admin"))
    assert picture() == before


def test_nobody_is_merged_twice_nor_with_themselves() -> None:
    kept, gone = two()
    admin = make_user("admin")
    merge_contacts(kept.pk, gone.pk, {}, by=admin)
    for one, other in ((kept, gone), (gone, kept), (kept, kept)):
        with pytest.raises(NotMerged):
            merge_contacts(one.pk, other.pk, {}, by=admin)


def test_merges_on_top_of_each_other_are_undone_from_the_top() -> None:
    kept, gone = two()
    third = got(email="third@nord.example", first_name="Ann", last_name="Keller").contact
    assert third is not None
    admin, before = make_user("admin"), picture()
    lower = merge_contacts(kept.pk, gone.pk, {}, by=admin)
    upper = merge_contacts(third.pk, kept.pk, {}, by=admin)
    with pytest.raises(NotMerged, match="Undo that first"):
        undo_merge(lower.merge.pk, by=admin)
    undo_merge(upper.merge.pk, by=admin)
    undo_merge(lower.merge.pk, by=admin)
    assert picture() == before


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_user("admin"))
    return client


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def test_the_pages_show_a_pair_side_by_side_merge_it_and_take_it_back(admin: Client) -> None:
    pair = alike(first_name="Ann", last_name="Keller", email="akeller@nord.example", phone="+49 731 12345")
    assert pair is not None
    assert "Ann Keller" in text(admin.get("/leads/duplicates/"))
    page = text(admin.get(f"/leads/duplicates/{pair.pk}/"))
    assert "ann.keller@nord.example" in page
    assert "akeller@nord.example" in page

    done = text(admin.post(f"/leads/duplicates/{pair.pk}/merge/", {"keep": "first", "phone": "second"}, follow=True))
    assert "merged" in done
    merge = Merge.objects.get()
    assert merge.kept.phone == "+4973112345"

    admin.post(f"/leads/merges/{merge.pk}/undo/")
    merge.refresh_from_db()
    assert merge.undone_at is not None


def test_two_people_at_the_same_pair_are_told(admin: Client) -> None:
    pair = alike(first_name="Ann", last_name="Keller", email="akeller@nord.example")
    assert pair is not None
    admin.post(f"/leads/duplicates/{pair.pk}/different/")
    assert Duplicate.objects.get().state == "different"
    answer = text(admin.post(f"/leads/duplicates/{pair.pk}/merge/", {"keep": "first"}, follow=True))
    assert "decided" in answer
    assert not Merge.objects.exists()
    with pytest.raises(AlreadyDecided):
        Duplicate.objects.update(state="merged")
        decide_different(pair.pk, by=make_user("admin"))


def test_somebody_elses_pair_is_not_there(client: Client) -> None:
    pair = alike(first_name="Ann", last_name="Keller", email="akeller@nord.example")
    assert pair is not None
    client.force_login(make_user("sdr", team=make_team("south")))
    assert client.get(f"/leads/duplicates/{pair.pk}/").status_code == 404
    assert client.post(f"/leads/duplicates/{pair.pk}/merge/", {"keep": "first"}).status_code == 404
