"""Erasing on the screen: who it would be, that it cannot be taken back, and what nobody can do afterwards."""

import pytest
from django.test import Client

from leads.models import Erasure, ErasureTask, Lead
from leads.services.capture import receive
from leads.services.edit import Erased, edit_lead
from leads.services.erase import erase
from qualification.services.reopen import NotReopened, reopen_lead
from tests.erasing import QUIRINA, whole_story
from tests.factories import make_user
from tests.worker import drain
from tests.world import World, build_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build_world()


def test_an_admin_sees_first_what_goes_and_says_that_they_are_sure(world: World, client: Client) -> None:
    lead = whole_story(world)
    rita = make_user("admin", first_name="Rita")
    client.force_login(rita)
    page = client.post("/setup/erasures/", {"email": QUIRINA["email"]}).content.decode()
    assert "Quirina Quastenflosser" in page
    assert "Nordwind Pumpen GmbH" in page
    assert f'href="/leads/{lead.pk}/"' in page

    client.post("/setup/erasures/begin/", {"contact": lead.contact_id})
    assert not Erasure.objects.exists()
    client.post("/setup/erasures/begin/", {"contact": lead.contact_id, "sure": "yes"})
    erasure = Erasure.objects.get()
    assert erasure.by == rita
    ErasureTask.objects.create(erasure=erasure, system="Salesforce", what="contact 003")
    page = client.get("/setup/erasures/").content.decode()
    assert "1 record is left elsewhere" in page
    assert "quasten" not in page.lower()
    client.post(f"/setup/erasures/tasks/{erasure.tasks.get().pk}/")
    assert "gone everywhere" in client.get("/setup/erasures/").content.decode()
    # Once is enough.
    client.post("/setup/erasures/begin/", {"contact": lead.contact_id, "sure": "yes"})
    assert Erasure.objects.count() == 1


def test_the_page_says_what_is_wrong_with_an_address_and_is_for_admins(world: World, client: Client) -> None:
    client.force_login(make_user("admin"))
    for email, said in (("nobody@other.example", "Nobody with this address is known."), ("no address", "")):
        answer = client.post("/setup/erasures/", {"email": email})
        assert answer.status_code == 422
        assert "field-error" in answer.content.decode()
        assert said in answer.content.decode()
    assert client.post("/setup/erasures/begin/", {"contact": "x", "sure": "yes"}).status_code == 404
    client.force_login(world.mia)
    assert client.get("/setup/erasures/").status_code == 403
    assert client.post("/setup/erasures/begin/", {"contact": 1, "sure": "yes"}).status_code == 403


def test_nobody_works_or_corrects_who_was_erased(world: World, client: Client) -> None:
    receive(world.channel, QUIRINA)
    drain()
    lead = Lead.objects.get()
    erase(lead.contact_id)
    drain()
    with pytest.raises(Erased):
        edit_lead(
            lead.pk, contact={"email": "q@x.example"}, company={}, subject=None, by=world.ann, at=lead.captured_at
        )
    with pytest.raises(NotReopened):
        reopen_lead(lead.pk, by=world.ann)
    client.force_login(make_user("admin"))
    page = client.get(f"/leads/{lead.pk}/").content.decode()
    assert "Erase this person" not in page
    assert "Open it again" not in page
