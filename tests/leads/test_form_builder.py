"""The form builder and what forms can do: drafts, versions of consents, looks, embedding, people we know."""

import html
import re
import time
from typing import Any

import pytest
from django.core.signing import dumps
from django.test import Client

from leadmgmt.core.errors import InvalidInput
from leads.channels.form import WrongForm, read_form
from leads.channels.form_style import contrast, read_style, readable_ink
from leads.forms import SALT
from leads.models import Capture, Channel, Consent, Lead
from leads.services.capture import process_capture
from leads.services.form_drafts import published, save_draft, take_back
from tests.factories import make_organisation, make_user
from tests.leads.payloads import fixture, needs_payloads

pytestmark = pytest.mark.django_db
FIELDS = [
    {"key": "email", "type": "email", "label_en": "E-mail", "required": True},
    {"key": "team_size", "type": "select", "label_en": "Team", "options": ["1", "2"]},
]


@pytest.fixture
def form() -> Channel:
    make_organisation()
    config = {"title_en": "Ask", "fields": FIELDS, "least_seconds": 0}
    return Channel.objects.create(slug="demo", name="Demo", kind="form", config=config)


@pytest.fixture
def marketing(client: Client) -> Client:
    client.force_login(make_user("marketing"))
    return client


def text(response: Any) -> str:
    return html.unescape(response.content.decode())


def sheet(client: Client) -> dict[str, Any]:
    """The builder's form as a browser would send it unchanged."""
    page = client.get("/setup/forms/demo/").content.decode()
    body = page[page.index('id="builder"') :]
    body = body[: body.index("</form>")]
    told: dict[str, Any] = {}
    for name, value in re.findall(r'<input(?=[^>]*name="([^"]+)")(?=[^>]*value="([^"]*)")[^>]*>', body):
        is_box = re.search(rf'<input type="checkbox" name="{re.escape(name)}"[^>]*>', body)
        if is_box and "checked" not in is_box[0]:
            continue
        told.setdefault(name, []).append(html.unescape(value))
    for name, value in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        told.setdefault(name, []).append(html.unescape(value))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected>([^<]*)', options)
        told.setdefault(name, []).append((chosen[1] or chosen[2]) if chosen else "")
    return told


def change(client: Client, act: str = "save", **fields: Any) -> Any:
    return client.post("/setup/forms/demo/", {**sheet(client), "act": act, **fields}, follow=True)


def config() -> dict[str, Any]:
    found: dict[str, Any] = Channel.objects.get(slug="demo").config
    return found


def test_saving_what_is_there_changes_nothing_that_is_asked(marketing: Client, form: Channel) -> None:
    before = read_form(config())
    assert change(marketing, "publish").status_code == 200
    after = read_form(config())
    assert [one.key for one in after.questions] == [one.key for one in before.questions]
    assert [one.is_required for one in after.questions] == [True, False]
    assert after.questions[1].options == before.questions[1].options


def test_a_draft_is_seen_by_those_who_edit_and_by_nobody_else(marketing: Client, form: Channel) -> None:
    change(marketing, title_en="Talk to us")
    assert "Talk to us" not in text(Client().get("/f/demo/"))
    assert "Talk to us" not in text(Client().get("/f/demo/?draft=1"))
    assert "Talk to us" in text(marketing.get("/f/demo/?draft=1"))
    change(marketing, "publish")
    assert "Talk to us" in text(Client().get("/f/demo/"))


def test_questions_are_added_moved_and_removed(marketing: Client, form: Channel) -> None:
    change(marketing, "add:phone")
    change(marketing, "up:2")
    change(marketing, "remove:0")
    change(marketing, "publish")
    assert [one.key for one in read_form(config()).questions] == ["phone", "team_size"]


def test_a_form_by_which_nobody_can_be_answered_stays_a_draft(marketing: Client, form: Channel) -> None:
    change(marketing, "remove:0")
    page = text(change(marketing, "publish"))
    assert "Ask for email or phone" in page
    assert read_form(published(Channel.objects.get())).questions[0].key == "email"
    assert "draft" in config()


def test_two_at_once_do_not_write_over_each_other(marketing: Client, form: Channel) -> None:
    mine = sheet(marketing)
    change(marketing, title_en="Hers")
    answer = marketing.post("/setup/forms/demo/", {**mine, "act": "save", "title_en": "Mine"})
    assert answer.status_code == 409
    assert "A colleague has changed this form" in text(answer)
    assert "Mine" in text(answer)
    assert config()["draft"]["title_en"] == "Hers"


def test_the_last_publishing_is_taken_back(marketing: Client, form: Channel) -> None:
    change(marketing, "publish", title_en="New")
    assert config()["title_en"] == "New"
    marketing.post("/setup/forms/demo/back/")
    assert config()["title_en"] == "Ask"
    take_back(form.pk)
    assert config()["title_en"] == "New"


def test_words_that_change_get_a_new_version_and_others_keep_theirs(marketing: Client, form: Channel) -> None:
    told = {"purpose": ["email"], "consent_en": ["Write to me."], "consent_de": ["Schreiben Sie mir."]}
    change(marketing, "publish", **told)
    first = config()["consents"][0]["version"]
    change(marketing, "publish", title_en="Other title")
    assert config()["consents"][0]["version"] == first
    change(marketing, "publish", **{**told, "consent_en": ["Write to me twice."]})
    second = config()["consents"][0]["version"]
    assert second != first

    send({"email": "ann@firm.example", "consent_email": "on"})
    process_capture(Capture.objects.get().pk)
    consent = Consent.objects.get()
    assert (consent.text, consent.version) == ("Write to me twice.", second)


def token(age: float = 10) -> str:
    return dumps({"id": f"t{time.monotonic_ns()}", "at": time.time() - age}, salt=SALT)


def send(told: dict[str, Any], client: Client | None = None, query: str = "") -> Any:
    return (client or Client()).post(f"/f/demo/{query}", {"token": token(), **told})


def test_choices_of_several_kinds_arrive(form: Channel) -> None:
    form.config["fields"] = [
        FIELDS[0],
        {"key": "size", "type": "radio", "options": ["small", "large"]},
        {"key": "topics", "type": "checkboxes", "options": ["a", "b", "c"]},
        {"key": "seats", "type": "number"},
    ]
    form.save()
    answer = send({"email": "ann@firm.example", "size": "large", "topics": ["a", "c"], "seats": "12"})
    assert answer.status_code == 302, text(answer)
    process_capture(Capture.objects.get().pk)
    assert Lead.objects.get().contact.attributes == {"size": "large", "topics": ["a", "c"], "seats": "12"}


@pytest.mark.parametrize(
    ("style", "place"),
    [
        ({"accent": "red"}, "accent"),
        ({"accent": "#0b6470;}body{display:none"}, "accent"),
        ({"radius": "99"}, "radius"),
        ({"radius": "1px"}, "radius"),
        ({"font": "url(x)"}, "theme"),
    ],
)
def test_nothing_but_checked_values_gets_into_the_style(style: dict[str, str], place: str) -> None:
    with pytest.raises(WrongForm):
        read_form({"fields": FIELDS, "style": style})


def test_letters_on_the_colour_can_be_read() -> None:
    for colour in ("#0b6470", "#ffcc00", "#000000", "#ffffff"):
        assert contrast(colour, readable_ink(colour)) >= 4.5
    with pytest.raises(InvalidInput):
        read_style({"accent": "#777777"})
    css = read_style({"accent": "#FFCC00", "radius": "0", "theme": "dark", "font": "serif"}).css()
    assert "--accent: #ffcc00;" in css
    assert "--accent-ink: #11181c;" in css
    assert "color-scheme: dark;" in css


def test_the_style_is_a_file_of_its_own(form: Channel) -> None:
    assert "style.css" not in text(Client().get("/f/demo/"))
    form.config["style"] = {"accent": "#8a1c1c"}
    form.save()
    assert "/f/demo/style.css" in text(Client().get("/f/demo/"))
    answer = Client().get("/f/demo/style.css")
    assert answer["Content-Type"].startswith("text/css")
    assert "#8a1c1c" in answer.content.decode()


def test_only_the_named_pages_may_show_it_inside_theirs(form: Channel) -> None:
    plain = Client().get("/f/demo/?embed=1")
    assert plain["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in plain["Content-Security-Policy"]
    form.config["origins"] = ["https://www.firm.example"]
    form.save()
    shown = Client().get("/f/demo/?embed=1")
    assert "X-Frame-Options" not in shown
    assert "frame-ancestors https://www.firm.example" in shown["Content-Security-Policy"]
    with pytest.raises(WrongForm):
        read_form({"fields": FIELDS, "origins": ["https://x.example; script-src *"]})


def test_the_script_carries_where_the_visit_comes_from(form: Channel) -> None:
    script = Client().get("/f/demo/embed.js")
    assert script["Content-Type"].startswith("text/javascript")
    assert "utm_" in script.content.decode()
    send(
        {"email": "ann@firm.example", "utm_source": "news", "landing_page": "https://www.firm.example/p"},
        query="?embed=1",
    )
    process_capture(Capture.objects.get().pk)
    touch = Lead.objects.get().touchpoints.get()
    assert (touch.utm_source, touch.landing_page) == ("news", "https://www.firm.example/p")


def raw(told: dict[str, Any]) -> Any:
    return Client().generic(
        "POST", "/f/demo/", told["body"].encode("latin-1"), content_type=told["headers"]["Content-Type"]
    )


@needs_payloads
def test_a_form_of_another_page_may_post_if_that_is_allowed(form: Channel) -> None:
    form.config["fields"] = [FIELDS[0], {"key": "first_name"}]
    form.config["least_seconds"] = 1.5
    form.save()
    assert raw(fixture("form_latin1_body")).status_code == 422
    form.config["takes_direct"] = True
    form.save()
    assert raw(fixture("form_latin1_body")).status_code == 302
    process_capture(Capture.objects.get().pk)
    assert Lead.objects.get().contact.first_name == "Zoë"


@needs_payloads
def test_the_trap_of_another_page_works_as_well(form: Channel) -> None:
    form.config["takes_direct"] = True
    form.save()
    assert raw(fixture("form_honeypot")).status_code == 302
    assert Capture.objects.get().status == "quarantined"
    assert not Lead.objects.exists()


def test_people_we_know_are_asked_what_is_missing_and_shown_nothing(form: Channel) -> None:
    form.config |= {"is_progressive": True, "at_once": 1}
    form.config["fields"] = [*FIELDS, {"key": "budget", "later": True}, {"key": "city", "later": True}]
    form.save()
    visitor = Client()
    first = text(visitor.get("/f/demo/"))
    assert 'name="email"' in first
    assert 'name="budget"' not in first
    send({"email": "ann@firm.example", "team_size": "2"}, visitor)
    process_capture(Capture.objects.get().pk)

    second = text(visitor.get("/f/demo/"))
    assert 'name="email"' not in second
    assert 'name="budget"' in second
    assert 'name="city"' not in second
    assert "ann@firm.example" not in second
    assert send({"budget": "10k"}, visitor).status_code == 302
    for capture in Capture.objects.filter(status="received"):
        process_capture(capture.pk)
    assert Lead.objects.get().contact.attributes == {"team_size": "2", "budget": "10k"}
    assert 'name="city"' in text(visitor.get("/f/demo/"))


def test_a_forged_memory_is_none(form: Channel) -> None:
    form.config["is_progressive"] = True
    form.save()
    visitor = Client()
    visitor.cookies["form-demo"] = dumps("00000000-0000-4000-8000-000000000000", salt="another")
    assert 'name="email"' in text(visitor.get("/f/demo/"))


def test_reps_do_not_edit_forms(client: Client, form: Channel) -> None:
    client.force_login(make_user("sdr"))
    assert client.get("/setup/forms/demo/").status_code == 403


def test_a_draft_may_be_half_done(form: Channel, marketing: Client) -> None:
    save_draft(form.pk, {"fields": [{"key": "Not a key"}]}, 0)
    page = text(marketing.get("/setup/forms/demo/"))
    assert "A field needs a “key”" in page
