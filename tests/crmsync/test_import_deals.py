"""import_deals: outcomes of past leads, each counted where it happened, told from what is only inferred."""

import json
from datetime import datetime
from decimal import Decimal
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from crmsync.models import Link, Opportunity, OutboxEntry
from leads.models import Contact, ImportRow, Lead, LeadEvent, User
from qualification.models import Outcome
from tests.crmsync.things import make_crm
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Europe/Berlin")

LEADS = """id,seen,origin
a1,2024-01-10,social
a2,2024-01-11,
a3,2024-01-12,email
a4,2024-01-13,email
"""
DEALS = """lead,deal,result,closed,value,sdr,ae,why,segment
a1,d1,Won,2024-02-01 10:00:00,1200.50,Moses Frase,4ef15afb4b2723d8f3d81e51ec7afefe,,pets
a2,d2,Lost,2024-02-03 11:00:00,900,Moses Frase,4ef15afb4b2723d8f3d81e51ec7afefe,Price,
a3,d3,Lost,2024-02-04 11:00:00,,,,The CEO's nephew,
a3,d4,Won,2024-03-04 11:00:00,50,,,,
a9,d5,Won,2024-02-01 10:00:00,1,,,,
a4,d6,Engaging,2024-02-01 10:00:00,1,,,,
a4,d7,Won,yesterday,1,,,,
a4,d8,Won,2024-02-01 10:00:00,a lot,,,,
a4,d9,Won,,,,,,
"""
LEAD_MAP = """
[fields]
external_id = "id"
occurred_at = "seen"
source = "origin"
[formats]
occurred_at = "%Y-%m-%d"
[options]
history = true
"""
DEAL_MAP = """
[fields]
external_id = "lead"
deal_id = "deal"
outcome = "result"
closed_at = "closed"
amount = "value"
sdr = "sdr"
rep = "ae"
loss_reason = "why"
[attributes]
segment = "segment"
[options]
channel = "past"
"""


def bring_in(folder, deals=DEALS, mapping=DEAL_MAP, **words):
    for name, text in (("leads.csv", LEADS), ("deals.csv", deals), ("leads.toml", LEAD_MAP), ("deals.toml", mapping)):
        (folder / name).write_text(text)
    call_command(
        "import_leads",
        str(folder / "leads.csv"),
        "--channel",
        "past",
        "--map",
        str(folder / "leads.toml"),
        stdout=StringIO(),
    )
    out = StringIO()
    call_command(
        "import_deals", str(folder / "deals.csv"), "--map", str(folder / "deals.toml"), "--json", stdout=out, **words
    )
    return json.loads(out.getvalue())


def lead_of(external_id):
    return Lead.objects.get(contact__identities__external_id=external_id)


def test_a_win_is_a_won_lead_with_its_deal_people_and_outcome(tmp_path):
    make_crm()

    said = bring_in(tmp_path)

    closed = datetime(2024, 2, 1, 10, tzinfo=ZONE)
    lead = lead_of("a1")
    deal = Opportunity.objects.get(lead=lead)
    assert (lead.stage, lead.won_at, lead.is_history) == ("won", closed, True)
    assert (deal.stage, deal.amount, deal.closed_at, deal.is_history) == ("won", Decimal("1200.50"), closed, True)
    assert str(deal.qualified_by) == "Moses Frase"
    assert (deal.owner.last_name, deal.owner.is_active) == ("4ef15afb", False)
    assert not deal.owner.has_usable_password()
    assert list(deal.owner.groups.values_list("name", flat=True)) == ["ae"]
    assert lead.assignments.get().user == deal.qualified_by
    assert Outcome.objects.get(lead=lead).kind == "won"
    assert Outcome.objects.get(lead=lead).facts["lead.stage"] == "new"
    assert lead.contact.attributes["segment"] == "pets"
    assert said["people"] == 2


def test_only_what_the_file_says_is_told_as_known(tmp_path):
    make_crm()
    bring_in(tmp_path)

    stages = LeadEvent.objects.filter(lead=lead_of("a1"), kind__startswith="stage.").order_by("pk")

    assert [(event.kind, event.data.get("inferred", False)) for event in stages] == [
        ("stage.mql", True),
        ("stage.sql", True),
        ("stage.opportunity", True),
        ("stage.won", False),
    ]
    assert not any(event.needs_step for event in LeadEvent.objects.all())


def test_a_loss_puts_the_lead_to_sleep_for_good_with_its_reason(tmp_path):
    make_crm()
    bring_in(tmp_path)

    lead = lead_of("a2")
    deal = Opportunity.objects.get(lead=lead)

    assert (lead.stage, lead.reason.code, lead.wake_at, lead.owner) == ("recycled", "price", None, None)
    assert (deal.stage, deal.loss_reason.code) == ("lost", "price")
    assert Outcome.objects.get(lead=lead).kind == "lost"


def test_lost_first_and_won_later_is_both(tmp_path):
    make_crm()
    bring_in(tmp_path)

    lead = lead_of("a3")

    assert lead.stage == "won"
    deals = lead.opportunities.order_by("closed_at")
    assert [(deal.stage, deal.loss_text) for deal in deals] == [("lost", "The CEO's nephew"), ("won", "")]
    assert deals[0].loss_reason.code == "other"
    assert set(Outcome.objects.filter(lead=lead).values_list("kind", flat=True)) == {"lost", "won"}


def test_a_row_that_cannot_be_used_says_why_and_the_others_go_on(tmp_path):
    make_crm()

    said = bring_in(tmp_path)

    assert (said["rows"], said["created"], said["refused"]) == (9, 4, 5)
    assert [(row["line"], row["field"]) for row in said["refused_rows"]] == [
        (7, "outcome"),
        (8, "closed_at"),
        (9, "amount"),
        (10, "closed_at"),
        (6, "external_id"),
    ]
    assert ImportRow.objects.filter(run=said["run"]).count() == 5
    assert lead_of("a4").stage == "new"


def test_the_same_file_again_changes_nothing(tmp_path):
    make_crm()
    bring_in(tmp_path)
    before = (LeadEvent.objects.count(), Opportunity.objects.count(), User.objects.count(), Contact.objects.count())

    said = bring_in(tmp_path)

    assert (said["created"], said["unchanged"], said["people"]) == (0, 4, 0)
    after = (LeadEvent.objects.count(), Opportunity.objects.count(), User.objects.count(), Contact.objects.count())
    assert after == before


def test_history_is_never_sent_to_a_crm(tmp_path):
    make_crm()
    bring_in(tmp_path)

    assert not OutboxEntry.objects.exists()
    assert not Link.objects.exists()


def test_people_who_are_here_already_are_used(tmp_path):
    make_crm()
    moses = make_user("sdr", external_id="Moses Frase")

    bring_in(tmp_path)

    assert Opportunity.objects.get(lead=lead_of("a1")).qualified_by == moses


def test_a_lead_that_is_worked_here_is_left_alone(tmp_path):
    make_crm()
    bring_in(tmp_path, deals=DEALS.splitlines()[0] + "\n")
    Lead.objects.filter(contact__identities__external_id="a1").update(is_history=False)

    said = bring_in(tmp_path)

    assert "This lead is worked here" in said["refused_rows"][-1]["reason"] + said["refused_rows"][-2]["reason"]
    assert lead_of("a1").stage == "new"


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (DEAL_MAP.replace("closed_at", "closed_on"), "Did you mean closed_at?"),
        (DEAL_MAP.replace('"closed"', '"closed on"'), "The file has no column “closed on”"),
        (DEAL_MAP.replace("past", "nowhere"), "There is no channel “nowhere”"),
        (DEAL_MAP.replace("external_id", "name"), "fields.external_id"),
        ("[fields", "is no valid TOML"),
        (DEAL_MAP + '\n[formats]\nsql_at = "%d"', "no column for sql_at"),
        (DEAL_MAP + '\n[formats]\nclosed_at = ["%d"]', "formats.closed_at cannot be read"),
        (DEAL_MAP + '\n[formats]\nclosed_at = "day"', "formats.closed_at has to be like"),
        (DEAL_MAP + '\n[constants]\noutcome = "wno"', "write won or lost"),
    ],
)
def test_a_mapping_that_cannot_work_ends_with_one_sentence(tmp_path, broken, sentence):
    make_crm()

    with pytest.raises(CommandError, match=sentence.replace("?", r"\?").replace(".", r"\.")):
        bring_in(tmp_path, mapping=broken)

    assert not Opportunity.objects.exists()
