"""Deals that stand apart from their record: told once, shown, and decided by a person."""

from datetime import timedelta

import pytest
from django.test import Client

from crmsync.adapters.errors import Moved
from crmsync.models import Alert, AuditRow, Handoff, Joined, Link, Opportunity, OutboxEntry
from crmsync.services.adopt import NotThere
from crmsync.services.alerts import watch
from crmsync.services.apart import set_apart
from crmsync.services.convert import convert_lead
from crmsync.services.outbox import record_change
from crmsync.services.pull import read_record
from crmsync.services.reconcile import reconcile
from crmsync.services.reunite import decide
from crmsync.tasks import pull_connection, push_connection
from leadmgmt.audit import CHECKS, run
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.reports.words import ONE_DEAL
from routing.models import Notification
from tests.crmsync.memory import MemoryAdapter
from tests.crmsync.things import converted, kinds, later, make_sql, read
from tests.factories import make_company, make_contact, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita():
    return make_user("admin", first_name="Rita")


def there(linked):
    """A deal that has reached the CRM."""
    lead, opportunity = converted()
    push_connection(linked.pk)
    return lead, opportunity, Link.objects.get(connection=linked, opportunity=opportunity)


def second(linked):
    """Another deal of ours there."""
    contact = make_contact(first_name="Ben", last_name="Ode", company=make_company())
    lead = make_sql(owner=make_user("sdr"), contact=contact)
    opportunity = convert_lead(lead.pk, by=lead.owner)
    push_connection(linked.pk)
    return lead, opportunity, Link.objects.get(connection=linked, opportunity=opportunity)


def look(crm, linked, link):
    return read_record(linked, MemoryAdapter(crm), link.remote_id, via="poll")


def deleted(crm, linked):
    lead, opportunity, link = there(linked)
    del crm.records[link.remote_id]
    look(crm, linked, link)
    return lead, opportunity, link


def merged(crm, linked, into="other"):
    lead, opportunity, link = there(linked)
    crm.faults["get"] = [Moved(new_id=into)]
    look(crm, linked, link)
    return lead, opportunity, link


def rename(opportunity, name):
    Opportunity.objects.filter(pk=opportunity.pk).update(name=name)
    opportunity = Opportunity.objects.get(pk=opportunity.pk)
    record_change(opportunity, ["name"], at=now())


def states(opportunity):
    return list(OutboxEntry.objects.filter(opportunity=opportunity).order_by("seq").values_list("state", flat=True))


def breaches():
    return [one for check, found in run(CHECKS) for one in found if check.name.startswith("crm.")]


def page(rita):
    client = Client()
    client.force_login(rita)
    return client.get("/setup/crm/").content.decode()


def test_a_deletion_is_told_once_to_the_ae_and_to_admins_and_our_deal_stays(crm, linked, rita):
    lead, opportunity, link = deleted(crm, linked)
    look(crm, linked, link)

    link.refresh_from_db()
    assert (link.state, link.kept_at) == ("remote_deleted", None)
    assert link.apart_at is not None
    assert Opportunity.objects.get(pk=opportunity.pk).stage == "open"
    assert read(lead).stage == "opportunity"
    assert kinds(lead).count("opportunity.apart") == 1
    told = Notification.objects.filter(kind="crm.apart", way="in_app")
    assert [one.user for one in told] == [opportunity.owner]
    assert AuditRow.objects.filter(link=link, verdict="held", rule="remote_deleted").count() == 1

    watch(now())
    assert list(Alert.objects.values_list("kind", "detail")) == [("apart", "1")]
    shown = page(rita)
    assert "Apart from their record" in shown
    assert f"Its record {link.remote_id} was deleted there. Here it is open as before." in shown
    assert "1 change needs you." in shown


def test_the_ae_sees_a_banner_and_an_admin_the_way_to_decide(crm, linked, rita):
    lead, opportunity, _ = deleted(crm, linked)
    client = Client()
    client.force_login(opportunity.owner)
    address = f"/leads/{lead.pk}/crm/"
    assert "An admin decides what becomes of its record there." in client.get(address).content.decode()
    timeline = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "record in memory was deleted" in timeline

    client.force_login(rita)
    assert "Decide what becomes of it" in client.get(address).content.decode()


def test_made_again_it_is_there_once_with_all_that_was_changed_meanwhile(crm, linked, rita):
    lead, opportunity, link = deleted(crm, linked)
    rename(opportunity, "Renamed")
    push_connection(linked.pk)
    assert states(opportunity) == ["done", "waiting"]
    assert crm.records == {}

    assert decide(link.pk, "again", by=rita) == "It is being made again."
    push_connection(linked.pk)

    assert (crm.only().values["name"], crm.only().external_key) == ("Renamed", link.external_key)
    again = Link.objects.get(pk=link.pk)
    assert (again.state, again.remote_id, again.apart_at) == ("linked", crm.only().remote_id, None)
    assert states(opportunity) == ["done", "done"]
    event = lead.events.get(kind="opportunity.reunited")
    assert (event.actor, event.data["decision"]) == (rita, "again")
    assert AuditRow.objects.filter(link=link, verdict="decided", actor=f"user:{rita.pk}").count() == 1


def test_made_again_without_a_change_of_ours(crm, linked, rita):
    _, opportunity, link = deleted(crm, linked)
    decide(link.pk, "again", by=rita)
    push_connection(linked.pk)
    assert crm.only().values["name"] == opportunity.name
    assert states(opportunity) == ["done", "done"]


def test_nothing_is_made_again_where_a_record_with_its_key_stands(crm, linked, rita):
    _, _, link = deleted(crm, linked)
    MemoryAdapter(crm)._create(type("Cmd", (), {"external_key": link.external_key, "set": {"name": "Theirs"}}))

    with pytest.raises(NotThere, match="carries this deal's key"):
        decide(link.pk, "again", by=rita)
    assert Link.objects.get(pk=link.pk).state == "remote_deleted"


def test_one_that_was_brought_back_goes_on(crm, linked, rita):
    _, opportunity, link = there(linked)
    record = crm.records.pop(link.remote_id)
    look(crm, linked, link)
    assert decide(link.pk, "look", by=rita) == "Nothing new: Deleted in the CRM."

    crm.records[link.remote_id] = record
    rename(opportunity, "Renamed")
    push_connection(linked.pk)
    assert decide(link.pk, "look", by=rita) == "It is there again and goes on."
    push_connection(linked.pk)
    assert crm.only().values["name"] == "Renamed"
    assert Link.objects.get(pk=link.pk).apart_at is None


def test_closed_here_as_lost_its_lead_sleeps_by_the_reason(crm, linked, rita):
    lead, opportunity, link = deleted(crm, linked)
    with pytest.raises(InvalidInput):
        decide(link.pk, "close", by=rita, reason="nonsense")

    decide(link.pk, "close", by=rita, reason="no-decision")

    opportunity.refresh_from_db()
    lead = read(lead)
    assert (opportunity.stage, opportunity.loss_reason.code) == ("lost", "no-decision")
    assert (lead.stage, lead.reason.code) == ("recycled", "no-decision")
    assert lead.wake_at > now() + timedelta(days=80)
    assert Handoff.objects.get(opportunity=opportunity).status == "withdrawn"
    assert lead.events.get(kind="opportunity.lost").actor == rita
    push_connection(linked.pk)
    assert crm.records == {}
    assert watch(now()) == 0
    assert breaches() == []


def test_kept_as_it_is_nothing_is_sent_for_it_any_more(crm, linked, rita):
    _, opportunity, link = deleted(crm, linked)
    rename(opportunity, "Renamed")
    push_connection(linked.pk)
    decide(link.pk, "keep", by=rita)
    rename(opportunity, "Again")
    push_connection(linked.pk)

    assert states(opportunity) == ["done", "superseded", "superseded"]
    assert watch(now()) == 0
    assert "Apart from their record" not in page(rita)
    assert not reconcile(linked).counts
    with pytest.raises(NotThere, match="has decided about this deal already"):
        decide(link.pk, "again", by=rita)


def test_merged_into_a_record_of_the_crm_it_goes_on_there_and_spares_what_people_wrote(crm, linked, rita):
    _, opportunity, link = there(linked)
    other = MemoryAdapter(crm)._create(type("Cmd", (), {"external_key": None, "set": {"name": "Theirs"}}))
    crm.faults["get"] = [Moved(new_id=other.remote_id)]
    look(crm, linked, link)
    del crm.records[link.remote_id]
    assert f"was merged into {other.remote_id} there." in page(rita)

    decide(link.pk, "follow", by=rita)
    push_connection(linked.pk)

    link.refresh_from_db()
    assert (link.state, link.remote_id, link.merged_into) == ("linked", other.remote_id, "")
    record = crm.only()
    assert record.values["name"] == "Theirs"
    assert record.values["source"] == "Google Ads"
    assert states(opportunity)[-1] == "done"


def test_two_of_ours_that_became_one_wait_for_a_person_and_are_one_deal(crm, linked, rita):
    ben_lead, ben, ben_link = second(linked)
    lead, opportunity, link = merged(crm, linked, into=ben_link.remote_id)
    rename(opportunity, "Renamed")
    rename(ben, "Renamed too")
    push_connection(linked.pk)
    assert (states(opportunity)[-1], states(ben)[-1]) == ("waiting", "waiting")
    assert "which is our deal “Renamed too”" in page(rita)

    assert decide(link.pk, "one", by=rita) == "They are one deal now: Renamed too."

    assert read(lead).stage == read(ben_lead).stage == "opportunity"
    assert Joined.objects.get(lead=lead).opportunity == ben
    assert (read(lead).ae, kinds(lead)[-1]) == (ben.owner, "opportunity.reunited")
    opportunity.refresh_from_db()
    assert (opportunity.stage, opportunity.loss_reason.code) == ("lost", ONE_DEAL)
    assert not opportunity.loss_reason.is_active
    push_connection(linked.pk)
    assert crm.records[ben_link.remote_id].values["name"] == "Renamed too"
    assert "also: Annika Hoffmann" in crm.records[ben_link.remote_id].values["history"]
    assert states(opportunity)[-1] == "superseded"
    assert breaches() == []

    # Somebody moves what is left of the old record: its lead is in the other deal by now.
    with later(seconds=30):
        crm.edit(link.remote_id, stage="Demo")
        pull_connection(linked.pk)
    assert Opportunity.objects.get(pk=opportunity.pk).stage == "lost"
    assert breaches() == []

    # What becomes of the deal becomes of both.
    with later(minutes=1):
        crm.edit(ben_link.remote_id, stage="Won")
        pull_connection(linked.pk)
    assert read(ben_lead).stage == "won"


def test_two_of_ours_stay_two_where_somebody_says_so(crm, linked, rita):
    _, ben, ben_link = second(linked)
    _, opportunity, link = merged(crm, linked, into=ben_link.remote_id)
    del crm.records[link.remote_id]
    rename(ben, "Renamed")
    push_connection(linked.pk)
    assert states(ben)[-1] == "waiting"

    decide(link.pk, "again", by=rita)
    push_connection(linked.pk)

    assert crm.records[ben_link.remote_id].values["name"] == "Renamed"
    assert {one.external_key for one in crm.records.values()} == {link.external_key, ben_link.external_key}
    assert (states(ben)[-1], states(opportunity)[-1]) == ("done", "done")


def test_a_merge_cannot_be_followed_into_another_deal_of_ours(crm, linked, rita):
    _, _, ben_link = second(linked)
    _, _, link = merged(crm, linked, into=ben_link.remote_id)
    with pytest.raises(NotThere):
        decide(link.pk, "follow", by=rita)
    assert Link.objects.get(pk=link.pk).state == "merged"


def test_a_quarantined_deal_is_shown_and_let_go_on(crm, linked, rita):
    _, opportunity, link = there(linked)
    set_apart(link, Link.State.QUARANTINED, now(), why="Leadmgmt and crm:memory write name to and fro.")
    assert "Leadmgmt and crm:memory write name to and fro." in page(rita)
    pull_connection(linked.pk)
    # Reading it lifts nothing.
    assert Link.objects.get(pk=link.pk).state == "quarantined"

    decide(link.pk, "resume", by=rita)
    rename(opportunity, "Renamed")
    push_connection(linked.pk)
    assert crm.only().values["name"] == "Renamed"


def test_only_admins_decide_and_by_the_page(crm, linked, rita):
    _, _, link = deleted(crm, linked)
    client = Client()
    address = f"/setup/crm/links/{link.pk}/decide/"
    client.force_login(make_user("manager"))
    assert client.post(address, {"what": "keep"}).status_code == 403
    client.force_login(rita)
    assert client.get(address).status_code == 405
    assert client.post("/setup/crm/links/999999/decide/", {"what": "keep"}).status_code == 404
    assert client.post(address, {"what": "close", "reason": ""}).status_code == 302
    assert Link.objects.get(pk=link.pk).kept_at is None
    assert client.post(address, {"what": "keep"}).status_code == 302
    assert Link.objects.get(pk=link.pk).kept_at is not None


def test_a_deal_that_is_over_needs_no_decision(crm, linked, rita):
    _, _, link = there(linked)
    with later(minutes=1):
        crm.edit(link.remote_id, stage="Won")
        pull_connection(linked.pk)
    del crm.records[link.remote_id]
    look(crm, linked, link)

    assert Link.objects.get(pk=link.pk).state == "remote_deleted"
    assert watch(now()) == 0
    assert not Notification.objects.filter(kind="crm.apart").exists()
