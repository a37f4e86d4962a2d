"""Whose a handoff is by rule, how long it may wait, and the page where both are set."""

from datetime import timedelta

import pytest
from django.test import Client

from crmsync.models import Handoff, HandoffRule
from crmsync.services.choose import why_sentence
from crmsync.services.convert import convert_lead
from crmsync.services.handoff import accept_handoff, remind_late
from crmsync.services.handoff_rules import add_rule
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leads.models import Organisation
from qualification.models import Segment
from qualification.services.segments import SegmentInUse, delete_segment
from routing.models import Notification
from tests.crmsync.things import make_crm, make_sql
from tests.factories import make_company, make_contact, make_rep, make_user

pytestmark = pytest.mark.django_db
NORTH = {"fact": "contact.country", "op": "eq", "value": "SE"}


@pytest.fixture
def cast():
    make_crm()
    return make_user("ae", first_name="Ada"), make_user("ae", first_name="Nils")


def north():
    return Segment.objects.create(name="The North", condition=NORTH)


def sql(country, **fields):
    return make_sql(contact=make_contact(country=country, company=make_company(), **fields))


def offered(lead):
    return convert_lead(lead.pk, by=lead.owner, way="own").handoffs.get()


def test_a_rule_names_the_ae_of_its_segment(cast):
    ada, nils = cast
    # Without the rule it would be the one who has had none.
    convert_lead(sql("DE").pk, by=None)
    add_rule(north().pk, [nils.pk])

    in_segment, outside = offered(sql("SE")), offered(sql("DE"))

    assert (in_segment.ae, why_sentence(in_segment.why)) == (nils, "Yours by the rule for The North.")
    assert outside.ae != in_segment.ae or outside.ae == ada


def test_the_accounts_owner_goes_before_any_rule(cast):
    ada, nils = cast
    add_rule(north().pk, [nils.pk])
    lead = sql("SE")
    lead.contact.company.account_owner = ada
    lead.contact.company.save()
    assert offered(lead).ae == ada


def test_who_is_away_is_passed_over_and_the_next_rule_asked(cast):
    ada, nils = cast
    add_rule(north().pk, [nils.pk])
    rep = make_rep(user=nils)
    rep.is_accepting = False
    rep.save()
    assert offered(sql("SE")).ae == ada


@pytest.mark.parametrize(("segment", "people", "fields"), [(False, True, {"segment"}), (True, False, {"people"})])
def test_a_rule_that_is_not_complete_names_the_field(cast, segment, people, fields):
    with pytest.raises(InvalidInput) as refused:
        add_rule(north().pk if segment else None, [cast[0].pk] if people else [])
    assert set(refused.value.fields) == fields


def test_a_segment_with_a_rule_is_not_deleted(cast):
    segment = north()
    add_rule(segment.pk, [cast[0].pk])
    with pytest.raises(SegmentInUse):
        delete_segment(segment.pk)


def test_the_page(cast):
    ada, nils = cast
    segment, other = north(), Segment.objects.create(name="The South", condition={**NORTH, "value": "IT"})
    client = Client()
    client.force_login(make_user("admin"))
    here = "/setup/handoffs/"

    assert client.post(here, {"do": "add", "segment": segment.pk}).status_code == 422
    client.post(here, {"do": "add", "segment": segment.pk, "people": [ada.pk, nils.pk]})
    client.post(here, {"do": "add", "segment": other.pk, "people": [ada.pk]})
    page = client.get(here).content.decode()
    assert page.index("The North") < page.index("The South")

    second = HandoffRule.objects.get(segment=other)
    client.post(f"{here}rules/{second.pk}/", {"do": "up"})
    assert list(HandoffRule.objects.values_list("segment__name", flat=True)) == ["The South", "The North"]
    client.post(f"{here}rules/{second.pk}/", {"do": "delete"})
    assert HandoffRule.objects.count() == 1

    assert client.post(here, {"joins_deals": "join", "decide_hours": 0}).status_code == 422
    client.post(here, {"joins_deals": "join", "decide_hours": 8})
    organisation = Organisation.objects.get()
    assert (organisation.joins_deals, organisation.decide_hours) == ("join", 8)
    handoff = offered(sql("DE"))
    assert handoff.due_at - handoff.offered_at == timedelta(hours=8)

    client.force_login(ada)
    assert client.get(here).status_code == 403


def test_an_offer_that_nobody_decided_is_told_once_more(cast):
    manager = make_user("manager")
    handoff = offered(sql("DE"))
    assert remind_late(now()) == 0

    late = handoff.due_at + timedelta(minutes=1)
    assert remind_late(late) == 1
    assert remind_late(late) == 0
    told = Notification.objects.filter(kind="handoff.late").values_list("user", flat=True)
    assert set(told) == {handoff.ae_id, manager.pk}

    Notification.objects.all().delete()
    accept_handoff(handoff.pk, by=handoff.ae)
    assert remind_late(late) == 0
    assert Handoff.objects.get(pk=handoff.pk).status == "accepted"
