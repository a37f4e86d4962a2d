"""Salesforce Web-to-Lead: the form that is there already."""

import pytest
from django.test import Client

from leads.models import Capture, Channel, Lead
from leads.services.capture import process_capture

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def channel() -> Channel:
    return Channel.objects.create(
        slug="web-to-lead", name="Old form", kind="salesforce", config={"hosts": ["www.firm.example"], "strict": True}
    )


def send(body: str, query: str = "?encoding=UTF-8", kind: str = FORM) -> "object":
    return Client().generic("POST", f"/api/v1/hooks/web-to-lead/{query}", body.encode("latin-1"), content_type=kind)


GOOD = "oid=00D000000000001&last_name=Dyk&company=Firm&email=ann%40firm.example"


@pytest.mark.parametrize(
    ("back", "location"),
    [
        ("https://www.firm.example/thanks", "https://www.firm.example/thanks"),
        ("http://WWW.firm.example/thanks?x=1", "http://WWW.firm.example/thanks?x=1"),
        ("https://evil.example/", None),
        ("https://www.firm.example.evil.example/", None),
        ("https://www.firm.example@evil.example/", None),
        ("https://evil.example\\@www.firm.example/", None),
        ("javascript:alert(1)//www.firm.example", None),
        ("//www.firm.example/x", None),
        ("https://www.firm.example/\r\nX: y", None),
        ("", None),
    ],
)
def test_it_leads_back_to_the_listed_hosts_alone(channel: Channel, back: str, location: str | None) -> None:
    from urllib.parse import quote

    response = send(f"{GOOD}&retURL={quote(back, safe='')}")
    assert response.headers.get("Location") == location  # type: ignore[attr-defined]
    assert response.status_code == (302 if location else 200)  # type: ignore[attr-defined]
    assert Capture.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "query", "kind"),
    [
        (f"{GOOD}&first_name=Zo%C3%AB", "?encoding=UTF-8", FORM),
        (f"{GOOD}&first_name=Zo%EB", "?encoding=ISO-8859-1", FORM),
        (f"{GOOD}&first_name=Zo%EB", "", f"{FORM}; charset=ISO-8859-1"),
        (f"{GOOD}&first_name=Zo\xeb", "?encoding=ISO-8859-1", FORM),
    ],
)
def test_letters_arrive_in_every_charset(channel: Channel, body: str, query: str, kind: str) -> None:
    send(body, query, kind)
    process_capture(Capture.objects.get().pk)
    assert Lead.objects.get().contact.first_name == "Zoë"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("email=ann%40firm.example", "last_name"),
        ("last_name=Dyk&company=Firm", "Enter an e-mail address or a phone number"),
    ],
)
def test_what_is_missing_is_told_to_the_person_on_a_page(channel: Channel, body: str, what: str) -> None:
    response = send(body)
    assert response.status_code == 422  # type: ignore[attr-defined]
    assert what in response.content.decode()  # type: ignore[attr-defined]
    assert not Capture.objects.exists()


def test_a_machine_that_fills_in_everything_is_held(channel: Channel) -> None:
    assert send(f"{GOOD}&website_hp=x").status_code == 200  # type: ignore[attr-defined]
    assert Capture.objects.get().status == "quarantined"


def test_several_choices_of_one_field_stay_together(channel: Channel) -> None:
    send(f"{GOOD}&00N1=a&00N1=b")
    process_capture(Capture.objects.get().pk)
    assert Lead.objects.get().contact.attributes["00N1"] == ["a", "b"]


def test_another_organisations_form_is_refused(channel: Channel) -> None:
    channel.config["oid"] = "00D000000000002AAA"
    channel.save()
    assert send(GOOD).status_code == 422  # type: ignore[attr-defined]
    channel.config["oid"] = "00D000000000001AAA"
    channel.save()
    assert send(GOOD).status_code == 200  # type: ignore[attr-defined]


def test_a_debugging_form_is_told_what_was_understood_if_the_channel_allows_it(channel: Channel) -> None:
    send(f"{GOOD}&debug=1")
    assert Capture.objects.count() == 1
    channel.config["debug"] = True
    channel.save()
    response = send(f"{GOOD}&debug=1&first_name=Ann")
    assert "first_name" in response.content.decode()  # type: ignore[attr-defined]
    assert Capture.objects.count() == 1


def test_more_than_salesforces_daily_limit_goes_through(channel: Channel) -> None:
    for number in range(520):
        assert send(f"last_name=Dyk&company=Firm&email=a{number}%40firm.example").status_code == 200  # type: ignore[attr-defined]
    assert Capture.objects.filter(status="received").count() == 520
