"""Views of the queue and of the leads: kept under a name, one's own or the team's, and taken away with an undo."""

import pytest
from django.urls import reverse

from leadmgmt.core.errors import InvalidInput
from qualification.models import SavedView
from qualification.services.saved_views import MOST, kept_query, save_view, views_of
from tests.factories import make_team, make_user
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db


def test_the_same_filters_are_the_same_view_in_whatever_order() -> None:
    assert kept_query("source=fair&grade=A1&page=3&lead=7&q=") == kept_query("grade=A1&source=fair")


def test_a_view_of_the_same_name_takes_the_place_of_the_one_before() -> None:
    user = make_user()
    save_view(user, "leads", " Fairs  in May ", "source=fair")
    save_view(user, "leads", "Fairs in May", "source=fair&grade=A1")
    save_view(user, "queue", "Fairs in May", "source=fair")

    (row,) = views_of(user, "leads")
    assert (row.name, row.query) == ("Fairs in May", "grade=A1&source=fair")


@pytest.mark.parametrize(
    ("name", "query", "page_name", "wrong"),
    [("", "q=x", "leads", "name"), ("x", "page=2", "leads", "query"), ("x", "q=1", "board", "page"),
     ("x", "q=" + "y" * 900, "leads", "query")],
)  # fmt: skip
def test_what_is_no_view_is_refused(name: str, query: str, page_name: str, wrong: str) -> None:
    with pytest.raises(InvalidInput) as error:
        save_view(make_user(), page_name, name, query)
    assert wrong in error.value.fields


def test_there_are_not_too_many() -> None:
    user = make_user()
    for number in range(MOST):
        save_view(user, "leads", f"v{number}", "q=x")
    save_view(user, "leads", "v0", "q=y")
    with pytest.raises(InvalidInput):
        save_view(user, "leads", "one more", "q=x")


def test_a_view_for_the_team_is_seen_by_the_team_alone() -> None:
    team = make_team("dach")
    mine, colleague, other = make_user(team=team), make_user(team=team), make_user(team=make_team("uk"))
    save_view(mine, "leads", "Ours", "q=x", for_team=True)
    save_view(mine, "leads", "Mine", "q=y")

    assert [one.name for one in views_of(mine, "leads")] == ["Mine", "Ours"]
    assert [one.name for one in views_of(colleague, "leads")] == ["Ours"]
    assert not views_of(other, "leads")
    assert not save_view(make_user(), "leads", "Nobody's", "q=x", for_team=True).for_team


def test_kept_opened_and_taken_away_with_an_undo() -> None:
    user = make_user("sdr")
    client = signed_in(user)
    assert "Keep this view" not in page(client, "qualification:lead_list")
    assert "Keep this view" in page(client, "qualification:lead_list", grade="A1")

    said = {"page": "leads", "name": "Best", "query": "grade=A1"}
    answer = client.post(reverse("qualification:view_save"), said)
    assert answer["Location"] == f"{reverse('qualification:lead_list')}?grade=A1"
    html = client.get(answer["Location"]).content.decode()
    assert 'aria-current="true"' in html.partition('aria-label="Saved views"')[2][:600]
    assert "Keep this view" not in html

    row = SavedView.objects.get()
    gone = client.post(reverse("qualification:view_remove", args=[row.pk]), follow=True).content.decode()
    assert not SavedView.objects.exists()
    undo = gone.partition("data-toast-undo")[0].rpartition('action="')[2].partition('"')[0].replace("&amp;", "&")
    client.post(undo)
    assert SavedView.objects.get().query == "grade=A1"


def test_the_queue_has_views_of_its_own() -> None:
    client = signed_in(make_user("sdr"))
    answer = client.post(reverse("qualification:view_save"), {"page": "queue", "name": "Hot", "query": "tab=hot"})
    assert answer["Location"] == f"{reverse('qualification:queue')}?tab=hot"
    assert "Hot" in page(client, "qualification:queue")
    assert (
        "flag" not in client.get(reverse("qualification:lead_list")).content.decode().partition("saved-views")[2][:300]
    )


def test_nobody_takes_away_what_is_anothers() -> None:
    team = make_team("dach")
    row = save_view(make_user(team=team), "leads", "Ours", "q=x", for_team=True)
    client = signed_in(make_user("sdr", team=team))

    assert client.post(reverse("qualification:view_remove", args=[row.pk])).status_code == 404
    assert (
        client.post(reverse("qualification:view_save"), {"page": "leads", "name": "", "query": "q=1"}).status_code
        == 302
    )
    assert SavedView.objects.count() == 1
