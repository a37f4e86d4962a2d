"""The frame: who sees which links, search, messages after htmx, error pages."""

import json

import pytest
from django.contrib import messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, resolve, reverse
from django.views.defaults import server_error
from pytest_django import DjangoAssertNumQueries

from leadmgmt.core.messages import HtmxMessagesMiddleware, message_with_undo
from leadmgmt.core.permissions import has_role, role_required
from leadmgmt.navigation import GROUPS, waiting
from leadmgmt.shell import Shell, open_url
from leads.models import User
from tests.factories import make_company, make_contact, make_lead, make_team, make_user


def shell_of(user: User, path: str = "/") -> Shell:
    request = RequestFactory().get(path)
    request.user = user
    return Shell(request)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["sdr", "team_lead", "ae", "marketing", "manager", "admin"])
def test_every_link_that_a_role_sees_opens(client: Client, role: str) -> None:
    user = make_user(role)
    client.force_login(user)

    opened = {item.url: client.get(item.url).status_code for group in shell_of(user).groups for item in group.items}

    assert {url: status for url, status in opened.items() if status != 200} == {}


@pytest.mark.django_db
def test_a_page_answers_who_only_asks_whether_it_is_there(client: Client) -> None:
    assert (client.head("/login/").status_code, client.head("/login/").content) == (200, b"")
    assert client.head("/queue/").status_code == 302
    client.force_login(make_user("admin"))

    answers = {path: client.head(path).status_code for path in ("/queue/", "/leads/", "/setup/", "/nowhere/")}

    assert answers == {"/queue/": 200, "/leads/": 200, "/setup/": 200, "/nowhere/": 404}
    assert client.head("/queue/").content == b""


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["sdr", "ae", "marketing"])
def test_pages_of_other_roles_are_not_offered(role: str) -> None:
    user = make_user(role)
    offered = {item.url for group in shell_of(user).groups for item in group.items}

    for group in GROUPS:
        for entry in group.entries:
            try:
                url = reverse(entry.name)
            except NoReverseMatch:
                continue
            roles = getattr(resolve(url).func, "required_roles", ())
            assert (url in offered) == (not roles or has_role(user, *roles))


def test_a_guarded_view_says_whom_it_opens_to() -> None:
    @role_required("admin")
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert view.required_roles == ("admin",)  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_a_page_that_does_not_exist_is_not_offered() -> None:
    assert open_url(make_user("admin"), "nowhere:page") == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "team", "shown"),
    [("sdr", "SDR Europe", "SDR Europe"), ("ae", "DACH", "AE DACH"), ("ae", "Aerospace", "AE Aerospace")],
)
def test_a_team_that_names_the_role_is_said_once(role: str, team: str, shown: str) -> None:
    assert shell_of(make_user(role, team=make_team(name=team))).role == shown


@pytest.mark.django_db
def test_the_queue_counts_what_waits_for_this_person() -> None:
    ann, bob = make_user("sdr"), make_user("sdr")
    make_lead(owner=ann)
    make_lead(owner=ann, stage="mql")
    make_lead(owner=ann, stage="won")
    make_lead(owner=bob)

    assert waiting(ann) == {"qualification:queue": 2, "crmsync:handoff_list": 0}


@pytest.mark.django_db
def test_the_frame_costs_few_queries(client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    client.force_login(make_user("admin", team=make_team("dach")))

    with django_assert_max_num_queries(5):
        client.get("/styleguide/")


@pytest.mark.django_db
def test_the_page_has_its_landmarks_and_no_inline_code(client: Client) -> None:
    client.force_login(make_user("sdr", first_name="Ann", last_name="Ahlers"))

    answer = client.get("/profile/")

    page = answer.content.decode()
    assert page.count("<h1") == 1
    assert '<a class="skip-link" href="#main">' in page
    assert '<main id="main"' in page
    assert 'role="status"' in page
    assert " style=" not in page
    assert "onclick" not in page
    assert "script-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.django_db
@pytest.mark.parametrize("words", ["rheintal", "hoffmann annika", "HOFFMANN@", "721555"])
def test_search_finds_a_lead_by_name_company_address_and_number(client: Client, words: str) -> None:
    ann = make_user("sdr")
    contact = make_contact(
        first_name="Annika",
        last_name="Hoffmann",
        email="hoffmann@rheintal.example",
        phone="+497215550184",
        company=make_company(name="Rheintal Kältetechnik GmbH"),
    )
    lead = make_lead(owner=ann, contact=contact)
    client.force_login(ann)

    page = client.get("/search/", {"q": words}).content.decode()

    assert "Annika Hoffmann" in page
    assert f"/leads/{lead.pk}/" in page


@pytest.mark.django_db
def test_search_shows_nobody_elses_leads(client: Client) -> None:
    make_lead(owner=make_user("sdr"), contact=make_contact(last_name="Hoffmann"))
    client.force_login(make_user("sdr"))

    page = client.get("/search/", {"q": "hoffmann"}).content.decode()

    assert "No lead has “hoffmann”" in page


@pytest.mark.django_db
def test_search_answers_htmx_with_the_results_alone(client: Client) -> None:
    client.force_login(make_user("sdr"))

    page = client.get("/search/", {"q": "<b>zz"}, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in page
    assert "&lt;b&gt;zz" in page


@pytest.mark.django_db
def test_messages_of_an_htmx_request_travel_in_the_answer(rf: RequestFactory) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        message_with_undo(request, "Zurückgestellt", "/leads/4/undo/")
        answer = HttpResponse()
        answer["HX-Trigger"] = "moved"
        return answer

    answer = HtmxMessagesMiddleware(view)(_with_messages(rf, htmx=True))
    events = json.loads(answer["HX-Trigger"])
    assert events["moved"] is None
    assert events["toasts"]["items"] == [
        {"text": "Zurückgestellt", "tone": "good", "undo_url": "/leads/4/undo/", "stays": True}
    ]


def test_messages_wait_for_the_page_that_comes_next(rf: RequestFactory) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        messages.success(request, "Done.")
        answer = HttpResponse()
        answer["HX-Redirect"] = "/queue/"
        return answer

    request = _with_messages(rf, htmx=True)
    answer = HtmxMessagesMiddleware(view)(request)

    assert "HX-Trigger" not in answer
    assert len(messages.get_messages(request)) == 1


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "undo/", "/a b/", "javascript:x"])
def test_a_way_back_is_a_path_of_ours(rf: RequestFactory, url: str) -> None:
    with pytest.raises(ValueError):
        message_with_undo(_with_messages(rf), "Done.", url)


@pytest.mark.django_db
def test_an_unknown_address_gets_our_own_page(client: Client) -> None:
    answer = client.get("/nowhere/")

    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


@pytest.mark.django_db
def test_a_fault_gets_our_own_page_without_asking_the_database(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        answer = server_error(RequestFactory().get("/"))

    assert answer.status_code == 500
    assert "Something broke on our side" in answer.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token_gets_our_own_page() -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"email": "a@b.example", "password": "x"})

    assert answer.status_code == 403
    assert "This form was open too long" in answer.content.decode()


def _with_messages(rf: RequestFactory, *, htmx: bool = False) -> HttpRequest:
    request = rf.get("/")
    request.htmx = htmx  # type: ignore[attr-defined]
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    return request


@pytest.mark.django_db
def test_a_page_below_outreach_is_at_home_there() -> None:
    shell = shell_of(make_user("admin"), "/outreach/cadences/")

    assert [item.label for group in shell.groups for item in group.items if item.current] == ["Outreach"]
