"""A no crosses in both directions and is never undone by the other side."""

import pytest

from crmsync.models import AuditRow, Link, OutboxEntry
from crmsync.services import accounts, opt_outs
from crmsync.services.convert import convert_lead
from leadmgmt.core.now import now
from leads.models import Consent
from qualification.services.mail_rules import is_refused, note_refusal, refused_purposes
from tests.crmsync.conformance.conftest import over
from tests.crmsync.conformance.steps import poll, push, soon, there
from tests.crmsync.conformance.test_accounts import later
from tests.crmsync.things import kinds, make_sql
from tests.factories import make_contact

told = over("salesforce", "hubspot", "odoo")
pytestmark = pytest.mark.django_db


def say(contact, granted, purpose="email"):
    Consent.objects.create(contact=contact, purpose=purpose, granted=granted, at=now())


@told
def test_a_no_over_there_ends_our_mails(stand, crm):
    contact = make_contact(email="jens@rheintal.example", email_key="jens@rheintal.example")
    say(contact, True)
    lead = make_sql(contact=contact)
    stand.opt_out("jens@rheintal.example")

    later(crm)

    assert is_refused(contact.pk)
    assert kinds(lead)[-1] == "consent.withdrawn"
    newest = Consent.objects.filter(contact=contact).latest("pk")
    assert (newest.text, newest.version) == (crm.name, f"crm:{crm.slug}")

    # Heard again it is the same no.
    later(crm)
    assert Consent.objects.filter(contact=contact).count() == 2


@told
def test_a_no_that_came_with_the_lead_goes_with_the_deal(stand, crm):
    lead = make_sql()
    say(lead.contact, False)
    convert_lead(lead.pk, by=lead.owner)

    push(crm)

    assert stand.opted_out(lead.contact.email)
    assert AuditRow.objects.filter(rule="the stricter consent wins").count() == 1
    assert not OutboxEntry.objects.exclude(state="done").exists()


@told
def test_a_no_that_comes_later_is_told_once(stand, crm):
    lead, _opportunity, _ = there(stand, crm)
    assert not stand.opted_out(lead.contact.email)
    note_refusal(lead.contact, ["email", "profiling"], at=now(), wording="", version="", by="link")

    assert opt_outs.tell_late(now()) == 1
    assert opt_outs.tell_late(now()) == 0
    push(crm)

    assert stand.opted_out(lead.contact.email)
    assert opt_outs.tell_late(now()) == 0
    assert Link.objects.get(connection=crm).opt_outs == [f"{lead.contact_id}:email"]


@told
def test_those_told_long_ago_do_not_stand_before_the_next(stand, crm, monkeypatch):
    monkeypatch.setattr(opt_outs, "AT_ONCE", 1)
    leads = [make_sql(), make_sql()]
    for lead in leads:
        convert_lead(lead.pk, by=lead.owner)
    push(crm)
    for lead in leads:
        note_refusal(lead.contact, ["email"], at=now(), wording="", version="", by="link")
        assert opt_outs.tell_late(now()) == 1
        push(crm)
        assert stand.opted_out(lead.contact.email)


@told
def test_our_yes_undoes_no_no_of_theirs(stand, crm):
    lead, _opportunity, _ = there(stand, crm)
    stand.opt_out(lead.contact.email)
    later(crm)
    say(lead.contact, True)

    assert opt_outs.tell_late(now()) == 0
    push(crm)
    adapter = stand.adapter(crm)
    adapter.opt_out(lead.contact.email, ["email"], soon())
    assert stand.opted_out(lead.contact.email)

    # The next reading from the beginning hears the no again, which is the stricter one.
    crm.cursors.filter(kind="opt_out").delete()
    poll(crm)
    assert is_refused(lead.contact_id)


@over("salesforce")
def test_calls_are_a_matter_of_their_own(stand, crm):
    lead, _opportunity, _ = there(stand, crm)
    say(lead.contact, False, "call")
    opt_outs.tell_late(now())
    push(crm)

    (contact,) = stand.crm.records["Contact"].values()
    assert (contact["DoNotCall"], contact["HasOptedOutOfEmail"]) == (True, None)
    assert refused_purposes([lead.contact_id]) == {lead.contact_id: {"call"}}


@over("tryton", "local")
def test_where_there_is_no_place_for_it_nothing_is_sent(stand, crm):
    lead, *_ = there(stand, crm)
    say(lead.contact, False)
    assert opt_outs.tell_late(now()) == 0
    assert "opt_out" not in accounts.KEEPERS or not crm.cursors.filter(kind="opt_out").exists()
