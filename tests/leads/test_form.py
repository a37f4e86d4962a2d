"""The hosted form: asks what its channel says, keeps what was typed, takes a person once and a machine never."""

import html
import re
import time
from typing import Any

import pytest
from django.core.signing import dumps
from django.test import Client

from leads.channels.form import WrongForm, read_form
from leads.forms import SALT, TRAP
from leads.models import Capture, Channel, Consent, Lead
from leads.services.capture import process_capture
from tests.factories import make_channel, make_organisation

pytestmark = pytest.mark.django_db
CONFIG: dict[str, Any] = {
    "title_en": "Ask for a demo",
    "title_de": "Demo anfragen",
    "button_en": "Ask for a demo",
    "button_de": "Demo anfragen",
    "subject": "demo",
    "privacy_url": "https://www.firm.example/privacy",
    "fields": [
        {"key": "first_name", "label_en": "First name", "label_de": "Vorname", "half": True},
        {"key": "last_name", "label_en": "Last name", "label_de": "Nachname", "half": True},
        {
            "key": "email",
            "type": "email",
            "label_en": "Work e-mail",
            "label_de": "Geschäftliche E-Mail",
            "required": True,
        },
        {
            "key": "team_size",
            "type": "select",
            "label_en": "Technicians",
            "options": ["1 to 30", {"value": "31+", "label_en": "more", "label_de": "mehr"}],
        },
    ],
    "consents": [
        {"purpose": "email", "text_en": "Write to me once a month.", "text_de": "Schreiben Sie mir.", "version": "7"}
    ],
}


@pytest.fixture
def form() -> Channel:
    return make_channel("demo", kind=Channel.Kind.FORM, config=CONFIG)


def token(age: float = 10) -> str:
    return dumps({"id": f"t{time.monotonic_ns()}", "at": time.time() - age}, salt=SALT)


def visit(language: str = "en", query: str = "", **headers: str) -> str:
    response = Client().get(f"/f/demo/{query}", headers={"Accept-Language": language, **headers})
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def send(data: dict[str, Any], language: str = "en") -> Any:
    return Client().post("/f/demo/", {"token": token(), **data}, headers={"Accept-Language": language})


def test_the_form_asks_what_its_channel_says_in_the_readers_language(form: Channel) -> None:
    make_organisation(name="Flinkwerk")
    english, german = visit(), visit("de-AT,de;q=0.9")

    assert "<h1>Ask for a demo</h1>" in english
    assert "Flinkwerk" in english
    for word in ("Demo anfragen", "Vorname", "Geschäftliche E-Mail", "Schreiben Sie mir.", "mehr"):
        assert word in german
    assert english.count('class="hosted-pair"') == 1
    assert 'href="https://www.firm.example/privacy"' in english


def test_what_is_written_becomes_a_submission_with_its_consent_and_where_it_came_from(form: Channel) -> None:
    page = visit(query="?utm_source=linkedin&utm_campaign=spring", Referer="https://www.linkedin.com/feed")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page))
    hidden["token"] = token()

    response = send(
        {**hidden, "first_name": "Ann", "email": "ann@firm.example", "team_size": "31+", "consent_email": "on"}, "de"
    )

    assert (response.status_code, response["Location"]) == (302, "/f/demo/thanks/")
    capture = process_capture(Capture.objects.get().pk)
    lead = Lead.objects.get()
    assert (capture.channel, lead.subject, lead.contact.attributes) == (form, "demo", {"team_size": "31+"})
    touch = lead.touchpoints.get()
    assert (touch.kind, touch.utm_source, touch.utm_campaign, touch.referrer) == (
        "form",
        "linkedin",
        "spring",
        "https://www.linkedin.com/feed",
    )
    assert touch.landing_page == "http://testserver/f/demo/?utm_source=linkedin&utm_campaign=spring"
    consent = Consent.objects.get()
    assert (consent.purpose, consent.granted, consent.text, consent.version) == (
        "email",
        True,
        "Schreiben Sie mir.",
        "7",
    )
    assert lead.contact.language == "de"


def test_a_box_that_was_not_ticked_says_nothing(form: Channel) -> None:
    send({"email": "ann@firm.example"})
    process_capture(Capture.objects.get().pk)

    assert Lead.objects.count() == 1
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    ("email", "complaint"),
    [("", "This is needed to answer you."), ("ann@firm", "The ending is missing"), ("ann", "The @-sign is missing.")],
)
def test_what_is_wrong_is_said_under_the_field_and_what_was_typed_stays(
    form: Channel, email: str, complaint: str
) -> None:
    response = send({"email": email, "first_name": "Ann", "team_size": "31+", "utm_source": "linkedin"})

    page = html.unescape(response.content.decode())
    assert response.status_code == 422
    assert complaint in page
    assert 'id="f_email_error"' in page
    assert 'value="Ann"' in page
    assert '<option value="31+" selected>' in page
    assert 'name="utm_source" value="linkedin"' in page
    assert not Capture.objects.exists()


def test_markup_is_shown_as_text(form: Channel) -> None:
    response = send({"email": "", "first_name": '"><script>alert(1)</script>', "utm_source": '"><b>'})

    assert b"<script>alert" not in response.content
    assert b'"><b>' not in response.content


def test_a_double_click_is_one_submission_and_another_answer_is_heard(form: Channel) -> None:
    same = {"token": token(), "email": "ann@firm.example"}
    assert [send(same).status_code for _number in range(2)] == [302, 302]
    assert Capture.objects.count() == 1

    send({**same, "first_name": "Ann"})
    assert Capture.objects.count() == 2


def test_who_fills_in_what_nobody_sees_is_thanked_and_makes_no_lead(form: Channel) -> None:
    response = send({"email": "ann@firm.example", TRAP: "https://spam.example"})

    assert response.status_code == 302
    capture = Capture.objects.get()
    assert capture.status == "quarantined"
    assert process_capture(capture.pk).status == "quarantined"
    assert not Lead.objects.exists()


@pytest.mark.parametrize("wrong", ["", "nonsense", "fresh"])
def test_a_token_that_is_missing_forged_or_seconds_old_asks_again(form: Channel, wrong: str) -> None:
    sent = token(age=0.1) if wrong == "fresh" else wrong
    response = send({"token": sent, "email": "ann@firm.example"})

    page = html.unescape(response.content.decode())
    assert response.status_code == 422
    assert 'value="ann@firm.example"' in page
    assert not Capture.objects.exists()
    again = re.search(r'name="token" value="([^"]+)"', page)
    assert again
    assert (again[1] == sent) == (wrong == "fresh")


def test_an_unknown_or_closed_form_is_not_there(form: Channel) -> None:
    make_channel("website")
    assert Client().get("/f/website/").status_code == 404
    Channel.objects.update(is_active=False)
    assert Client().get("/f/demo/").status_code == 404
    assert send({"email": "ann@firm.example"}).status_code == 404


def test_the_thanks_promise_only_what_is_known_and_lead_on(form: Channel) -> None:
    page = Client().get("/f/demo/thanks/").content.decode()
    assert "We have got your message." in page
    assert "hosted-steps" not in page

    form.config = CONFIG | {
        "redirect_url": "https://www.firm.example/next",
        "thanks_en": "See you soon.",
        "steps": [{"icon": "calendar", "text_en": "You choose the time."}],
    }
    form.save()
    page = Client().get("/f/demo/thanks/").content.decode()
    assert "See you soon." in page
    assert "You choose the time." in page
    assert 'content="2; url=https://www.firm.example/next"' in page


def test_a_form_that_was_told_nothing_asks_the_usual() -> None:
    make_channel("demo", kind=Channel.Kind.FORM)
    page = visit("de")

    assert "Wie können wir helfen?" in page
    assert send({"email": "ann@firm.example"}).status_code == 302


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"fields": [{"key": "E-Mail"}]}, "fields[0]"),
        ({"fields": [{"key": "email", "type": "color"}]}, "fields[0].type"),
        ({"fields": [{"key": "email"}, {"key": "size", "type": "select"}]}, "fields[1].options"),
        ({"fields": [{"key": "email"}, {"key": "email"}]}, "fields"),
        ({"fields": [{"key": "name"}]}, "fields"),
        ({"fields": "email"}, "fields"),
        ({"consents": [{"purpose": "fax", "text_en": "x"}]}, "consents[0]"),
        ({"consents": [{"purpose": "email"}]}, "consents[0]"),
        ({"redirect_url": "javascript:alert(1)"}, "redirect_url"),
    ],
)
def test_a_wrong_configuration_names_its_place(config: dict[str, Any], place: str) -> None:
    with pytest.raises(WrongForm) as caught:
        read_form(config)
    assert list(caught.value.fields) == [place]


def test_the_page_holds_no_script_and_no_inline_style(form: Channel) -> None:
    page = visit()
    assert "<script" not in page
    assert "style=" not in page
