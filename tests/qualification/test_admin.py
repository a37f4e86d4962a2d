"""The admin of qualification and enrichment: drafts, publishing, credentials, retries."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from leadmgmt.core.secrets import unseal
from leads.models import EnrichmentRequest, Provider
from qualification.models import Criteria, Framework, Outcome, Question, ScoringModel
from qualification.services.defaults import install_defaults
from tests.factories import make_lead, make_user

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CONFIG = {"url": "https://data.example/?q={email}", "mapping": {"company.staff": "size"}}

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_user("admin", is_staff=True, is_superuser=True))
    return client


def url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def act(client: Client, model: Any, action: str, *rows: Any) -> str:
    response = client.post(
        url(model, "changelist"), {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True
    )
    assert response.status_code == 200
    return " ".join(str(message) for message in response.context["messages"])


def provider_data(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Cognita",
        "slug": "cognita",
        "kind": "http_json",
        "position": 10,
        "deadline_ms": 5000,
        "is_active": "on",
        "config": json.dumps(CONFIG),
        "new_secret": "",
        **fields,
    }


def test_every_list_and_page_of_ours_opens(boss: Client) -> None:
    install_defaults()
    lead = make_lead()
    provider = Provider.objects.create(slug="p", name="P", kind="http_json", config=CONFIG)
    EnrichmentRequest.objects.create(lead=lead, provider=provider, asked_at=AT, status="failed", error="503")

    for model in (model for model in admin.site._registry if model._meta.app_label == "qualification"):
        assert boss.get(url(model, "changelist")).status_code == 200
        row = model._default_manager.first()
        if row is not None:
            assert boss.get(url(model, "change", row.pk)).status_code == 200
    for model in (Provider, EnrichmentRequest):
        assert boss.get(url(model, "changelist")).status_code == 200
        assert boss.get(url(model, "change", model.objects.get().pk)).status_code == 200


def test_others_stay_outside(client: Client) -> None:
    client.force_login(make_user("sdr"))

    assert client.get(url(ScoringModel, "changelist")).status_code == 302


def test_a_credential_goes_in_and_never_comes_out(boss: Client) -> None:
    boss.post(url(Provider, "add"), provider_data(new_secret="s3cret-token"))

    provider = Provider.objects.get()
    assert unseal(provider.secret) == "s3cret-token"
    page = boss.get(url(Provider, "change", provider.pk)).content.decode()
    assert "s3cret-token" not in page
    assert provider.secret not in page

    boss.post(url(Provider, "change", provider.pk), provider_data(name="Renamed"))
    provider.refresh_from_db()
    assert (provider.name, unseal(provider.secret)) == ("Renamed", "s3cret-token")

    boss.post(url(Provider, "change", provider.pk), provider_data(forget_secret="on"))
    provider.refresh_from_db()
    assert provider.secret == ""


def test_a_provider_that_could_never_answer_is_refused(boss: Client) -> None:
    broken = json.dumps({"url": "ftp://x", "mapping": {"company.shoes": "a"}})
    response = boss.post(url(Provider, "add"), provider_data(config=broken, deadline_ms=5))

    assert not Provider.objects.exists()
    errors = response.context["adminform"].form.errors
    assert sorted(errors) == ["config", "deadline_ms"]
    assert any("mapping.company.shoes" in one for one in errors["config"])


def test_failed_questions_are_asked_again(boss: Client) -> None:
    provider = Provider.objects.create(slug="p", name="P", kind="http_json", config=CONFIG, failures=9, paused_until=AT)
    one = EnrichmentRequest.objects.create(
        lead=make_lead(), provider=provider, asked_at=AT, status="failed", error="503", attempts=4
    )
    two = EnrichmentRequest.objects.create(lead=make_lead(), provider=provider, asked_at=AT, status="done")

    said = act(boss, EnrichmentRequest, "ask_again", one, two)
    act(boss, Provider, "resume", provider)

    assert said == "1 question is asked again."
    assert list(EnrichmentRequest.objects.order_by("pk").values_list("status", "attempts", "error")) == [
        ("waiting", 0, ""),
        ("done", 0, ""),
    ]
    provider.refresh_from_db()
    assert (provider.failures, provider.paused_until) == (0, None)


def test_a_scoring_model_is_copied_changed_published_and_rolled_back(boss: Client) -> None:
    install_defaults()
    first = ScoringModel.objects.get()

    act(boss, ScoringModel, "copy", first)
    draft = ScoringModel.objects.get(version=2)
    rules = [{"key": "a", "label_en": "A", "part": "fit", "points": 5}]
    boss.post(url(ScoringModel, "change", draft.pk), {"half_life_days": 7, "rules": json.dumps(rules)})
    assert act(boss, ScoringModel, "publish", draft).endswith("Version 2 scores from now on.")

    assert dict(ScoringModel.objects.values_list("version", "status")) == {1: "archived", 2: "published"}
    draft.refresh_from_db()
    assert (draft.rules, draft.half_life_days) == (rules, 7)
    # What is published stays as it is.
    assert boss.post(url(ScoringModel, "change", draft.pk), {"half_life_days": 1, "rules": "[]"}).status_code == 403
    assert boss.post(url(ScoringModel, "delete", draft.pk), {"post": "yes"}).status_code == 403
    act(boss, ScoringModel, "publish", first)
    assert dict(ScoringModel.objects.values_list("version", "status")) == {1: "published", 2: "archived"}


def test_a_wrong_rule_is_refused_with_its_place(boss: Client) -> None:
    rules = [{"key": "a", "label_en": "A", "part": "fit", "points": 0}]

    response = boss.post(url(ScoringModel, "add"), {"half_life_days": 14, "rules": json.dumps(rules)})

    assert not ScoringModel.objects.exists()
    assert "rules[0].points" in response.context["adminform"].form.errors["rules"][0]


def test_criteria_are_read_before_they_are_stored(boss: Client) -> None:
    install_defaults()
    data = {"kind": "mql", "name": "Strict", "framework": "", "condition": '{"fact": "score.fit", "op": "gte"}'}

    response = boss.post(url(Criteria, "add"), data)
    assert "value" in response.context["adminform"].form.errors["condition"][0]

    boss.post(url(Criteria, "add"), data | {"condition": '{"fact": "score.fit", "op": "gte", "value": 90}'})
    made = Criteria.objects.get(name="Strict")
    assert (made.version, made.status) == (2, "draft")
    assert "Strict" not in act(boss, Criteria, "publish", made, Criteria.objects.get(kind="sql"))
    assert act(boss, Criteria, "publish", made) == "MQL 2 applies from now on."
    assert "fit is at least 90" in boss.get(url(Criteria, "changelist")).content.decode()


def test_a_framework_is_copied_with_its_questions(boss: Client) -> None:
    install_defaults()

    act(boss, Framework, "copy", Framework.objects.get())

    made = Framework.objects.get(version=2)
    assert not made.is_active
    assert list(made.questions.values_list("key", flat=True)) == ["budget", "authority", "need", "timeline"]
    assert Question.objects.count() == 8


def test_outcomes_are_there_to_look_at(boss: Client) -> None:
    assert boss.get(url(Outcome, "add")).status_code == 403
