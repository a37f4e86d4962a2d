"""A CRM is connected in the browser, step by step, and nothing is written there before somebody has read what."""

import csv
import io
import json
from urllib.parse import unquote

import pytest
from django.urls import reverse

from crmsync.models import Connection, DryRun, Link, LossReasonMap, OutboxEntry
from crmsync.services import sign_in
from crmsync.services.backfill import backfill, missing
from crmsync.services.convert import convert_lead
from crmsync.services.schema import EVERY
from crmsync.services.setup import CANARY
from crmsync.tasks import dry_run, pull_connection, push_connection
from leadmgmt.core import secrets
from leadmgmt.core.now import moment, now
from leads.models import Reason
from tests.crmsync.conformance.steps import rename
from tests.crmsync.stands.stand_own import OdooStand, SalesforceStand
from tests.crmsync.things import converted, make_crm, make_sql
from tests.factories import make_team, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", params=[SalesforceStand, OdooStand])
def far(request):
    found = request.param()
    found.start()
    yield found
    found.stop()


@pytest.fixture
def stand(far, settings):
    settings.OUTBOUND_ALLOW_PRIVATE = ["127.0.0.1"]
    far.reset()
    make_crm()
    Connection.objects.update(mode="off")
    make_user("ae", first_name="Ada", email=far.ae)
    return far


@pytest.fixture
def admin(client):
    person = make_user("admin", first_name="Rita")
    client.force_login(person)
    return client


def post(admin, page, slug, /, *more, **values):
    return admin.post(reverse(f"crmsync:{page}", args=[slug, *more]), values)


def connected(admin, stand):
    """Created, signed in, tried, and its maps filled in."""
    admin.post("/setup/crm/new/", {"adapter": stand.name})
    one = Connection.objects.get(adapter=stand.name)
    given = {**one.config, **stand.config(), **{k: v for k, v in stand.secret().items() if k != "hooks"}}
    saved = post(admin, "connection_access", one.slug, name="Ours", **given)
    assert saved.status_code == 302, saved.content.decode()
    tried = post(admin, "connection_try", one.slug)
    assert tried.context["page"].trial.error == ""
    one.refresh_from_db()
    stages = one.schema["stages"]
    meanings = {stand.won: "won", stand.lost: "lost"}
    sent = {f"stage-{place}": meanings.get(stage, "open") for place, stage in enumerate(stages)}
    assert post(admin, "connection_stages", one.slug, first=stand.open, **sent).status_code == 302
    reason = Reason.objects.filter(kind=Reason.Kind.LOST).first()
    assert post(admin, "connection_reasons", one.slug, **{f"reason-{reason.pk}": stand.reason}).status_code == 302
    return one


def switched_on(admin, one, **values):
    """Dry run, read, on."""
    post(admin, "connection_dry_run", one.slug)
    run = DryRun.objects.filter(connection=one).latest("pk")
    dry_run(run.pk)
    post(admin, "dry_run_reviewed", one.slug, run.pk)
    return post(admin, "connection_switch", one.slug, mode="both", **values)


def test_from_the_first_click_to_the_first_deal(admin, stand):
    one = connected(admin, stand)
    page = admin.get(reverse("crmsync:connection", args=[one.slug])).content.decode()
    assert "Nobody has read a dry run." in page

    switched_on(admin, one, canary="yes")
    one.refresh_from_db()
    assert (one.mode, one.canary_left) == ("both", CANARY)
    _, opportunity = converted()
    push_connection(one.pk)

    remote_id, deal = stand.only()
    assert deal["name"] == opportunity.name
    assert Link.objects.get(connection=one).is_canary
    assert remote_id in admin.get(reverse("crmsync:connection", args=[one.slug])).content.decode()


def test_credentials_are_sealed_and_never_shown_again(admin, stand):
    one = connected(admin, stand)
    canary = max((value for name, value in stand.secret().items() if name != "hooks"), key=len)

    page = admin.get(reverse("crmsync:connection", args=[one.slug])).content.decode()

    assert canary not in page
    assert canary not in one.secret
    assert canary in secrets.unseal(one.secret)
    # Saved again with the field left empty, it stays.
    config = {name: value for name, value in one.config.items() if not isinstance(value, dict)}
    post(admin, "connection_access", one.slug, name="Renamed", **config)
    one.refresh_from_db()
    assert one.name == "Renamed"
    assert canary in secrets.unseal(one.secret)


def test_credentials_that_cannot_be_read_rest_the_connection_and_can_be_filled_in_again(admin, stand):
    one = connected(admin, stand)
    switched_on(admin, one)
    converted()
    Connection.objects.filter(pk=one.pk).update(secret=secrets.seal("no JSON"))

    assert push_connection(one.pk) == "the connection is not configured"
    assert "cannot be read" in Connection.objects.get(pk=one.pk).last_error
    page = admin.get(reverse("crmsync:connection", args=[one.slug])).content.decode()
    assert "The access is not complete" in page


def test_what_is_missing_stands_beside_its_field(admin, stand):
    admin.post("/setup/crm/new/", {"adapter": stand.name})
    one = Connection.objects.get(adapter=stand.name)

    answer = post(admin, "connection_access", one.slug, name="Ours", poll_seconds=60)

    assert answer.status_code == 422
    assert answer.context["page"].access.errors["address"] == ["Fill this in."]
    assert not Connection.objects.get(pk=one.pk).secret


def test_an_access_that_does_not_open_says_why(admin, stand):
    one = connected(admin, stand)
    if stand.name == "odoo":
        stand.crm.password = "another"
    else:
        stand.crm.tokens.clear()
        stand.crm.is_revoked = True

    trial = post(admin, "connection_try", one.slug).context["page"].trial

    assert trial.error.startswith("AuthRevoked")


def test_a_dry_run_writes_nothing_there_and_says_what_it_would(admin, stand):
    one = connected(admin, stand)
    _, opportunity = converted()
    stand.proxy.calm()

    post(admin, "connection_dry_run", one.slug)
    run = DryRun.objects.get()
    dry_run(run.pk)

    run.refresh_from_db()
    assert stand.proxy.calls > 0
    assert stand.proxy.writes == 0
    (row,) = run.rows
    assert (row["action"], row["opportunity"]) == ("create", opportunity.pk)
    assert row["fields"]["name"] == ["", opportunity.name]
    address = reverse("crmsync:dry_run", args=[one.slug, run.pk])
    assert opportunity.name in admin.get(address).content.decode()
    lines = csv.DictReader(io.StringIO(admin.get(address, {"format": "csv"}).content.decode()))
    assert {line["field"]: line["to"] for line in lines}["name"] == opportunity.name
    assert json.loads(admin.get(address, {"format": "json"}).content) == run.rows


def test_a_dry_run_names_what_no_map_knows(admin, stand):
    one = connected(admin, stand)
    converted()
    one.stages.all().delete()

    post(admin, "connection_dry_run", one.slug)
    dry_run(DryRun.objects.get().pk)

    assert DryRun.objects.get().rows[0]["action"] == "problem"


def test_it_cannot_be_switched_on_before_somebody_has_read_a_dry_run(admin, stand):
    one = connected(admin, stand)

    post(admin, "connection_switch", one.slug, mode="both")
    assert Connection.objects.get(pk=one.pk).mode == "off"

    post(admin, "connection_dry_run", one.slug)
    run = DryRun.objects.get()
    assert post(admin, "dry_run_reviewed", one.slug, run.pk).status_code == 404
    dry_run(run.pk)
    post(admin, "dry_run_reviewed", one.slug, run.pk)
    post(admin, "connection_switch", one.slug, mode="both")
    assert Connection.objects.get(pk=one.pk).mode == "both"


def test_only_the_first_few_are_made_until_the_limit_is_taken_away(admin, stand):
    one = connected(admin, stand)
    switched_on(admin, one, canary="yes")
    Connection.objects.filter(pk=one.pk).update(canary_left=1)
    for _ in range(3):
        _convert_another()
    push_connection(one.pk)
    assert len(stand.deals()) == 1

    post(admin, "connection_switch", one.slug, mode="both", canary="")
    with moment(now() + EVERY):
        push_connection(one.pk)

    assert len(stand.deals()) == 3
    assert set(OutboxEntry.objects.filter(connection=one).values_list("state", flat=True)) == {"done"}


def _convert_another():
    owner = make_user("sdr", team=make_team("inbound"))
    lead = make_sql(owner=owner)
    return convert_lead(lead.pk, by=owner)


def test_deals_that_were_there_before_are_sent_when_somebody_says_so(admin, stand):
    _, opportunity = converted()
    one = connected(admin, stand)
    switched_on(admin, one)
    assert missing(one) == 1
    push_connection(one.pk)
    assert stand.deals() == {}

    post(admin, "connection_backfill", one.slug)
    assert backfill(one) == 0
    push_connection(one.pk)

    assert stand.only()[1]["name"] == opportunity.name
    assert missing(one) == 0


def test_a_field_of_another_type_is_refused_beside_it(admin, stand):
    one = connected(admin, stand)
    wrong = {"salesforce": "CloseDate", "odoo": "date_deadline"}[stand.name]

    answer = post(admin, "connection_fields", one.slug, name="Name" if wrong == "CloseDate" else "name", amount=wrong)

    assert answer.status_code == 422
    assert "takes a date" in answer.context["page"].fields.errors["amount"][0]


def test_a_field_that_is_not_mapped_is_neither_sent_nor_read(admin, stand):
    one = connected(admin, stand)
    current = admin.get(reverse("crmsync:connection", args=[one.slug])).context["page"].fields.initial
    assert post(admin, "connection_fields", one.slug, **{**current, "summary": ""}).status_code == 302
    switched_on(admin, one)
    converted()
    push_connection(one.pk)

    assert "summary" not in Link.objects.get(connection=one).shadow


def test_s01_a_field_that_disappears_pauses_itself_alone_and_flows_again(admin, stand):
    one = connected(admin, stand)
    switched_on(admin, one)
    _, opportunity = converted()
    push_connection(one.pk)
    fields = stand.crm.fields["Opportunity" if stand.name == "salesforce" else "crm.lead"]
    name = {"salesforce": "LMS_Summary__c", "odoo": "x_lms_summary"}[stand.name]
    gone = fields.pop(name)
    with moment(now() + EVERY * 2):
        post(admin, "connection_try", one.slug)
    one.refresh_from_db()
    assert list(one.paused_fields) == ["summary"]

    page = admin.get(reverse("crmsync:connection", args=[one.slug])).content.decode()
    assert "These rest until they fit again" in page
    rename(opportunity, "Flows on")
    push_connection(one.pk)
    push_connection(one.pk)
    assert stand.only()[1]["name"] == "Flows on"

    fields[name] = gone
    post(admin, "connection_try", one.slug)
    one.refresh_from_db()
    assert one.paused_fields == {}


def test_s01_a_field_that_is_found_missing_by_a_write_rests_from_then_on(admin, stand):
    """Nobody has looked since it went: the write itself finds out, and goes without it."""
    one = connected(admin, stand)
    switched_on(admin, one)
    fields = stand.crm.fields["Opportunity" if stand.name == "salesforce" else "crm.lead"]
    del fields[{"salesforce": "LMS_Summary__c", "odoo": "x_lms_summary"}[stand.name]]
    _, opportunity = converted()

    push_connection(one.pk)
    push_connection(one.pk)

    assert list(Connection.objects.get(pk=one.pk).paused_fields) == ["summary"]
    assert stand.only()[1]["name"] == opportunity.name
    assert OutboxEntry.objects.get(connection=one).state == "done"


def test_s01_a_new_stage_is_shown_as_not_mapped_and_holds_only_its_records(admin, stand):
    one = connected(admin, stand)
    switched_on(admin, one)
    _, opportunity = converted()
    push_connection(one.pk)
    if stand.name == "salesforce":
        stand.crm.picklists["StageName"] = (*stand.crm.picklists["StageName"], "Legal")
        fresh = "Legal"
    else:
        stand.crm.records["crm.stage"][9] = {"id": 9, "name": "Legal", "sequence": 9, "is_won": False}
        fresh = "9"
    post(admin, "connection_try", one.slug)
    assert admin.get(reverse("crmsync:connection", args=[one.slug])).context["page"].unmapped == [fresh]

    stand.edit(stand.only()[0], stage=fresh, name="Renamed there")
    pull_connection(one.pk)
    link = Link.objects.get(connection=one)
    assert link.shadow["name"] == "Renamed there"
    opportunity.refresh_from_db()
    assert opportunity.remote_stage == stand.open

    stages = Connection.objects.get(pk=one.pk).schema["stages"]
    meanings = {stand.won: "won", stand.lost: "lost"}
    sent = {f"stage-{place}": meanings.get(stage, "open") for place, stage in enumerate(stages)}
    post(admin, "connection_stages", one.slug, first=stand.open, **sent)
    pull_connection(one.pk)
    opportunity.refresh_from_db()
    assert opportunity.remote_stage == fresh


def test_a_reason_that_is_named_twice_is_refused(admin, stand):
    one = connected(admin, stand)
    two = Reason.objects.filter(kind=Reason.Kind.LOST, is_active=True)[:2]

    answer = post(admin, "connection_reasons", one.slug, **{f"reason-{reason.pk}": "Same" for reason in two})

    assert answer.status_code == 422
    assert LossReasonMap.objects.filter(connection=one).count() == 1


def test_the_secret_address_of_webhooks_is_shown_once_and_the_one_before_holds(admin, stand):
    one = connected(admin, stand)

    first = post(admin, "connection_hook", one.slug).context["page"].hook.fresh
    second = post(admin, "connection_hook", one.slug).context["page"].hook.fresh
    third = post(admin, "connection_hook", one.slug).context["page"].hook.fresh

    one.refresh_from_db()
    assert json.loads(secrets.unseal(one.secret))["hooks"] == [third, second]
    assert first
    page = admin.get(reverse("crmsync:connection", args=[one.slug])).content.decode()
    assert third not in page


@pytest.mark.parametrize("role", ["sdr", "ae", "manager", "marketing"])
def test_others_are_not_let_in(client, role):
    make_crm()
    client.force_login(make_user(role))

    assert client.get("/setup/crm/local/").status_code == 403
    assert client.post("/setup/crm/local/switch/", {"mode": "off"}).status_code == 403
    assert Connection.objects.get(slug="local").mode == "both"


def test_signing_in_at_the_vendor_goes_out_with_a_word_of_ours_and_comes_back_with_a_token(admin, stand):
    one = connected(admin, stand)
    if stand.name == "odoo":
        # It signs in with a key.
        assert admin.get(reverse("crmsync:connection_sign_in", args=[one.slug])).status_code == 409
        return
    Connection.objects.filter(pk=one.pk).update(config={**one.config, "flow": "refresh_token"})

    out = admin.get(reverse("crmsync:connection_sign_in", args=[one.slug]))
    assert out["Location"].startswith(f"{stand.proxy.address}/services/oauth2/authorize?response_type=code")
    state = dict(part.split("=") for part in out["Location"].split("?")[1].split("&"))["state"]
    answer = admin.get("/setup/crm/signed-in/", {"state": unquote(state), "code": "c-1"})
    assert answer.status_code == 302
    one.refresh_from_db()
    assert json.loads(secrets.unseal(one.secret))["refresh_token"].startswith("refresh-")


def test_a_sign_in_that_somebody_else_began_is_refused(admin, stand):
    one = connected(admin, stand)
    other = make_user("admin")
    state = sign_in.signing.dumps({"connection": one.pk, "user": other.pk}, salt=sign_in.SALT)

    assert admin.get("/setup/crm/signed-in/", {"state": state, "code": "c"}).status_code == 422
    assert admin.get("/setup/crm/signed-in/", {"state": "forged", "code": "c"}).status_code == 422
    assert admin.get("/setup/crm/signed-in/", {"error": "access_denied"}).status_code == 422
