"""The list of leads: found, narrowed, sorted, exported, changed several at once; and leads entered by hand."""

import csv
import io
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadmgmt.core.csv_cells import safe_cell
from leads.models import Capture, ContactIdentity, Lead
from leads.services.capture import receive
from tests.factories import make_channel, make_company, make_contact, make_lead, make_source, make_user
from tests.qualification.desk_cast import Cast, as_user, make_cast
from tests.worker import drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def lead_of(owner: object, name: str, **fields: object) -> Lead:
    contact = fields.pop("contact", None) or make_contact(last_name=name, first_name="")
    return make_lead(owner=owner, contact=contact, **fields)


def shown(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/leads/{query}").context["page"]
    return [lead.contact.last_name for lead in page.object_list]


def test_everybody_sees_their_own_part(cast: Cast) -> None:
    lead_of(cast.ann, "Mine")
    lead_of(cast.lea, "Team")
    lead_of(cast.bob, "Else")

    assert sorted(shown(as_user(cast.ann))) == ["Mine", "Team"]
    assert shown(as_user(cast.bob)) == ["Else"]
    assert len(shown(as_user(cast.mia))) == 3
    assert shown(as_user(cast.out)) == []


def test_filters_stand_in_the_address(cast: Cast) -> None:
    ads = make_source("google-ads")
    firm = make_company(name="Rheintal GmbH")
    lead_of(
        cast.ann,
        "Hoffmann",
        stage="mql",
        source=ads,
        grade="A1",
        contact=make_contact(last_name="Hoffmann", company=firm),
    )
    lead_of(cast.ann, "Albrecht", stage="sql", grade="B2", contact=make_contact(last_name="Albrecht", country="AT"))
    lead_of(cast.bob, "Bach", stage="disqualified")
    mia = as_user(cast.mia)

    assert shown(mia, "?q=rheintal") == ["Hoffmann"]
    assert shown(mia, "?stage=sql") == ["Albrecht"]
    assert sorted(shown(mia, "?stage=working")) == ["Albrecht", "Hoffmann"]
    assert shown(mia, f"?owner={cast.bob.pk}") == ["Bach"]
    assert shown(mia, "?stage=disqualified") == ["Bach"]
    assert shown(mia, "?source=google-ads") == ["Hoffmann"]
    assert sorted(shown(mia, "?source=none")) == ["Albrecht", "Bach"]
    assert shown(mia, "?grade=b") == ["Albrecht"]
    assert shown(mia, "?country=at") == ["Albrecht"]
    assert sorted(shown(as_user(cast.ann), "?owner=me")) == ["Albrecht", "Hoffmann"]
    assert "No lead fits" in mia.get("/leads/?q=nobody").content.decode()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("annika", True),
        ("HOFFMANN annika", True),
        ("rheintal hoff", True),
        ("hoffmann@rhein", True),
        ("7215550", True),
        ("0721", True),
        ("0721/55501-840", True),
        ("999", False),
        ("mql-42", True),
        ("mql-4", False),
        ("100%", True),
        ("100_", False),
        ("%", True),
        ("annika bob", False),
        ("'; drop table leads_lead; --", False),
    ],
)
def test_each_word_is_found_somewhere_and_signs_mean_themselves(cast: Cast, words: str, found: bool) -> None:
    contact = make_contact(
        first_name="Annika",
        last_name="Hoffmann",
        email="A.Hoffmann@Rheintal.example",
        phone="+4972155501840",
        company=make_company(name="Rheintal 100% Kälte"),
    )
    ContactIdentity.objects.create(contact=contact, channel=make_channel("files"), external_id="mql-42")
    lead_of(cast.ann, "", contact=contact)
    lead_of(cast.ann, "Bob")

    assert ("Hoffmann" in shown(as_user(cast.mia), f"?{urlencode({'q': words})}")) is found


def test_a_period_counts_the_first_touch(cast: Cast) -> None:
    now = timezone.now()
    lead_of(cast.ann, "Old", at=now - timedelta(days=40))
    lead_of(cast.ann, "New", at=now)

    day = timezone.localdate() - timedelta(days=10)

    assert shown(as_user(cast.mia), f"?from={day}") == ["New"]
    assert shown(as_user(cast.mia), f"?to={day}") == ["Old"]
    assert as_user(cast.mia).get("/leads/?from=yesterday").status_code == 422


def test_a_click_on_a_heading_sorts_and_a_second_one_turns(cast: Cast) -> None:
    now = timezone.now()
    for days, name in ((3, "Bach"), (1, "Carl"), (2, "Abel")):
        lead_of(cast.ann, name, at=now - timedelta(days=days))
    mia = as_user(cast.mia)

    assert shown(mia) == ["Carl", "Abel", "Bach"]
    assert shown(mia, "?sort=name") == ["Abel", "Bach", "Carl"]
    assert shown(mia, "?sort=-name") == ["Carl", "Bach", "Abel"]
    assert shown(mia, "?sort=first") == ["Bach", "Abel", "Carl"]
    assert shown(mia, "?sort=nonsense") == ["Carl", "Abel", "Bach"]
    assert 'aria-sort="ascending"' in mia.get("/leads/?sort=name").content.decode()


def test_pages_hold_fifty_and_cost_the_same(cast: Cast) -> None:
    for number in range(5):
        lead_of(cast.ann, f"F{number}")
    mia = as_user(cast.mia)

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            mia.get("/leads/")
        return len(queries)

    cost()
    few = cost()
    for number in range(60):
        lead_of(cast.ann, f"M{number}")

    assert cost() == few
    assert few <= 14
    assert len(shown(mia)) == 50
    assert len(shown(mia, "?page=2")) == 15
    assert "Page 1 of 2" in mia.get("/leads/").content.decode()


def test_the_export_holds_the_filtered_leads_and_no_formula(cast: Cast) -> None:
    evil = make_contact(first_name="=HYPERLINK(1)", last_name="@evil", phone="+49721555010", job_title="-2+3")
    lead_of(cast.ann, "", contact=evil, stage="mql")
    lead_of(cast.ann, "Other", stage="sql")

    response = as_user(cast.mia).get("/leads/export/?stage=mql")
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(io.StringIO(text)))

    assert len(rows) == 1
    assert rows[0]["first_name"] == "'=HYPERLINK(1)"
    assert rows[0]["last_name"] == "'@evil"
    assert rows[0]["job_title"] == "'-2+3"
    assert rows[0]["phone"] == "+49721555010"
    assert rows[0]["owner"] == cast.ann.email
    assert as_user(cast.ann).get("/leads/export/").status_code == 403


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1", "'=1"),
        ("\t=1", "'\t=1"),
        ("-5", "-5"),
        ("+1.5", "+1.5"),
        ("+1+1", "'+1+1"),
        (None, ""),
        (7, "7"),
        ("a=b", "a=b"),
    ],
)
def test_what_begins_like_a_formula_is_kept_from_being_one(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_ticked_leads_are_snoozed_and_those_that_refuse_stop_no_other(cast: Cast) -> None:
    open_one, closed = lead_of(cast.ann, "Open"), lead_of(cast.ann, "Shut", stage="disqualified", team=cast.ann.team)
    foreign = lead_of(cast.bob, "Foreign")
    sent = {"leads": [open_one.pk, closed.pk, foreign.pk], "do": "snooze", "until": "tomorrow"}

    page = as_user(cast.ann).post("/leads/bulk/", sent, follow=True).content.decode()

    snoozed = Lead.objects.filter(snoozed_until__isnull=False)
    assert list(snoozed) == [open_one]
    assert "1 lead changed." in page
    assert "1 lead was left alone: This lead is closed by now" in page


def test_a_team_lead_assigns_what_is_ticked(cast: Cast) -> None:
    amy = make_user("sdr", team=cast.ann.team)
    leads = [lead_of(cast.ann, f"L{number}") for number in range(3)]
    sent = {"leads": [lead.pk for lead in leads], "do": "assign", "user": amy.pk}

    as_user(cast.ann).post("/leads/bulk/", sent)
    assert Lead.objects.filter(owner=amy).count() == 0

    as_user(cast.lea).post("/leads/bulk/", sent)
    assert Lead.objects.filter(owner=amy).count() == 3


def test_ticks_stay_where_nobody_was_chosen_and_the_way_back_keeps_the_filters(cast: Cast) -> None:
    first, second = lead_of(cast.ann, "First"), lead_of(cast.ann, "Second")
    lea = as_user(cast.lea)

    refused = lea.post("/leads/bulk/?stage=new", {"do": "assign", "leads": [first.pk]})

    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Choose who shall have them." in page
    assert f'value="{first.pk}" checked' in page
    assert f'value="{second.pk}" checked' not in page
    assert 'action="/leads/bulk/?stage=new"' in page
    assert lea.get("/leads/bulk/?stage=new")["Location"] == "/leads/?stage=new"


def test_nothing_ticked_is_said(cast: Cast) -> None:
    page = as_user(cast.ann).post("/leads/bulk/", {"do": "snooze"}, follow=True).content.decode()

    assert "Tick some leads" in page


def test_a_lead_entered_by_hand_goes_the_way_of_every_lead(cast: Cast) -> None:
    sent = {"email": "Ann.Smith@firm.example", "last_name": "Smith", "company": "Firm", "token": "t1", "keep": "on"}

    page = as_user(cast.ann).post("/leads/new/", sent, follow=True).content.decode()

    lead = Lead.objects.get()
    assert (lead.contact.email, lead.channel.slug, lead.owner) == ("Ann.Smith@firm.example", "manual", cast.ann)
    assert lead.events.earliest("pk").kind == "lead.captured"
    assert "Entered." in page
    drain()
    lead.refresh_from_db()
    assert lead.owner == cast.ann


def test_a_lead_that_goes_to_others_leads_back_to_the_list(cast: Cast) -> None:
    answer = as_user(cast.bob).post("/leads/new/", {"email": "ann@firm.example", "token": "t1"}, follow=True)
    assert answer.status_code == 200
    assert answer.redirect_chain[-1][0] == "/leads/"
    assert "Entered." in answer.content.decode()


def test_the_same_form_sent_twice_makes_one_lead(cast: Cast) -> None:
    sent = {"email": "ann@firm.example", "token": "t1"}

    as_user(cast.ann).post("/leads/new/", sent)
    as_user(cast.ann).post("/leads/new/", sent)

    assert Lead.objects.count() == 1
    assert Capture.objects.count() == 1


def test_a_known_person_is_shown_while_one_types_and_joined(cast: Cast) -> None:
    known = receive(make_channel("website"), {"email": "ann@firm.example", "last_name": "Knopf"}).capture.lead
    assert known is not None
    Lead.objects.filter(pk=known.pk).update(team=cast.ann.team)

    warning = as_user(cast.ann).get("/leads/new/check/?email=ANN@firm.example").content.decode()
    assert f"/leads/{known.pk}/" in warning
    hidden = as_user(cast.bob).get("/leads/new/check/?email=ann@firm.example").content.decode()
    assert "another team" in hidden
    assert "Knopf" not in hidden

    page = as_user(cast.ann).post("/leads/new/", {"email": "ann@firm.example", "token": "t"}, follow=True)
    assert "Joined to what is known" in page.content.decode()
    assert Lead.objects.count() == 1


def test_a_name_at_a_company_is_recognised_while_one_types(cast: Cast) -> None:
    told = {"email": "ann.knopf@firm.example", "first_name": "Katharina", "last_name": "Müller", "company": "Firm GmbH"}
    known = receive(make_channel("website"), told).capture.lead
    assert known is not None
    Lead.objects.filter(pk=known.pk).update(team=cast.ann.team)
    ask = as_user(cast.ann).get

    for query in (
        "first_name=Kathi&last_name=Mueller&company=Firm",
        "first_name=Katharina&last_name=Muller&company=FIRM",
    ):
        warning = ask(f"/leads/new/check/?{query}").content.decode()
        assert "by name and company" in warning
        assert f"/leads/{known.pk}/" in warning
    for query in (
        "first_name=Katharina&last_name=Müller&company=Another",
        "first_name=Bernd&last_name=Müller&company=Firm",
        "last_name=Müller&company=Firm",
        "first_name=Katharina&last_name=Müller",
    ):
        assert "known already" not in ask(f"/leads/new/check/?{query}").content.decode()


def test_a_further_address_leads_to_its_person(cast: Cast) -> None:
    channel = make_channel("website")
    told = {"first_name": "Ann", "last_name": "Knopf", "phone": "+49 30 5550100"}
    receive(channel, {**told, "email": "ann@firm.example"})
    receive(channel, {**told, "email": "ann.knopf@gmx.de"})
    warning = as_user(cast.ann).get("/leads/new/check/?email=ann.knopf@gmx.de").content.decode()
    assert "Known already, by this address" in warning


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "Give an e-mail address or a phone number."),
        ({"email": "nonsense"}, "Enter a valid email address."),
        ({"phone": "call me"}, "phone"),
    ],
)
def test_what_identifies_nobody_is_refused_under_its_field(cast: Cast, sent: dict[str, str], said: str) -> None:
    response = as_user(cast.ann).post("/leads/new/", sent)

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Lead.objects.exists()


def test_only_who_works_or_markets_enters_leads(cast: Cast) -> None:
    assert as_user(cast.mia).get("/leads/new/").status_code == 403
    assert as_user(cast.out).get("/leads/new/").status_code == 403
    assert as_user(make_user("marketing")).get("/leads/new/").status_code == 200
