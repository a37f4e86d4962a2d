"""The configuration as text: the same after a round trip, tried before it is put in place, as one or not at all."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse

from leadmgmt.config_text.text import parts, put, write
from leadmgmt.core.now import now
from leads.models import Change, Channel, Reason, Source, Target, Team
from leads.services.named_lists import save_list
from leads.services.territories import save_table
from qualification.models import Cadence, CadenceStep, Criteria, Framework, MailTemplate, ScoringModel, Segment
from qualification.services.defaults import install_defaults
from routing.models import Pool, PoolMember, Rule, RuleSet, SlaPolicy
from tests.factories import (
    make_channel,
    make_organisation,
    make_policy,
    make_pool,
    make_reason,
    make_rep,
    make_source,
    make_team,
    make_user,
)
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def organisation() -> Any:
    """Something of every part."""
    install_defaults()
    make_organisation()
    team, source, rep = make_team("dach"), make_source("fair", name="Fair"), make_rep(make_user("sdr"))
    source.aliases.create(alias="Messe")
    make_channel("web", kind="form", source=source, config={"fields": []}, secrets="sealed")
    pool = make_pool(rep, slug="inbound", team=team)
    policy = make_policy(15, name="Fast", is_default=not SlaPolicy.objects.filter(is_default=True).exists())
    save_list("partners", "Partners", "domain", "a.example\nb.example")
    save_table("areas", "Areas", "territory;country;region;codes\nSouth;DE;;70000-79999")
    segment = Segment.objects.create(name="DACH", condition={"fact": "contact.country", "op": "eq", "value": "DE"})
    # One code in two kinds: a reason is named by both.
    make_reason("lost", code="timing")
    asleep = make_reason("recycle", code="timing")
    Target.objects.create(team=team, measure="kept", value=90)
    Target.objects.create(measure="sqls", value=40)
    text = MailTemplate.objects.create(name="Hello", language="en", subject="Hi", body="Hello")
    cadence = Cadence.objects.create(name="First week", condition={}, recycle_reason=asleep)
    CadenceStep.objects.create(cadence=cadence, position=1, kind="email", after_days=0, template=text, segment=segment)
    rules = RuleSet.objects.create(version=90, status="published") if not _published() else _published()
    rules.rules.all().delete()
    condition = {"fact": "lead.source", "op": "eq", "value": "fair"}
    Rule.objects.create(
        rule_set=rules, position=1, name="Fairs", condition=condition, destination="pool", pool=pool, sla_policy=policy
    )
    Rule.objects.create(rule_set=rules, position=2, name="Others", destination="waiting")
    return team


def _published() -> Any:
    return RuleSet.objects.filter(status="published").first()


def changed(**told: Any) -> str:
    """The text with some parts saying something else."""
    return json.dumps(json.loads(write()) | told)


def trial(text: str, **options: Any) -> Any:
    return put(text, None, now(), is_trial=True, **options)


def in_place(text: str, **options: Any) -> Any:
    return put(text, None, now(), is_trial=False, **options)


def test_what_was_written_changes_nothing(organisation: Team) -> None:
    text = write()
    plan = in_place(text)

    assert (plan.count, plan.wrong, plan.is_in_place) == (0, [], True)
    assert write() == text
    said = json.loads(text)
    assert all(
        said[part.name]
        for part in parts()
        if part.name not in ("enrichment", "listed_senders", "programmes", "handoffs")
    )
    assert "sealed" not in text
    assert said["cadences"][0]["recycle_reason"] == "recycle.timing"
    assert [one["team"] for one in said["targets"]] == ["dach", None]


def test_an_empty_installation_becomes_the_same(organisation: Team) -> None:
    text = write()
    tables = (
        "leads_target leads_organisation leads_reason leads_source leads_channel leads_namedlist leads_territorytable "
        "routing_slapolicy routing_pool routing_shift routing_ruleset qualification_segment qualification_framework "
        "qualification_criteria qualification_scoringmodel qualification_cadence qualification_mailtemplate"
    )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables.split():
            cursor.execute(f"TRUNCATE {table} CASCADE")
        # Those who work there stay.
        cursor.execute("DELETE FROM leads_team")

    plan = in_place(text)

    assert plan.wrong == []
    assert write() == text
    assert Channel.objects.get().secrets == ""


def test_a_trial_says_what_would_change_and_changes_nothing(organisation: Team) -> None:
    before, kept = write(), Change.objects.count()
    text = changed(teams=[{"slug": "dach", "name": "D A CH"}, {"slug": "uk", "name": "UK"}])

    plan = trial(text)

    told = {(row.change.act, row.name): row.differences for row in plan.done[0].rows}
    assert set(told) == {("changed", "D A CH"), ("added", "UK")}
    assert [(one.before, one.after) for one in told["changed", "D A CH"]] == [("Dach", "D A CH")]
    assert write() == before
    assert Change.objects.count() == kept


def test_everything_or_nothing_with_each_thing_to_mend(organisation: Team) -> None:
    before = write()
    text = changed(
        teams=[{"slug": "uk", "name": "UK"}, {"slug": "not a slug", "name": "X"}, {"name": "lost"}, 7],
        sources=[{"slug": "fair", "kind": "nothing"}, {"slug": "fair"}, {"slug": "x", "name": "X", "colour": "red"}],
        channels=[{"slug": "web", "name": "Web", "kind": "form", "source": "gone"}],
        promises=[{"name": "Fast", "first_touch_minutes": "soon"}],
        pools=[{"slug": "inbound", "members": [{"rep": "nobody@ours.example"}]}],
        cadences=[{"name": "First week", "steps": [{"kind": "email", "template": ["Gone", "en"]}]}],
        scoring={"rules": [{"key": "x"}]},
        unknown=[],
    )
    plan = in_place(text)
    assert [str(one).split(":")[0] for one in plan.wrong] == ["unknown"]

    plan = in_place(
        changed(**{k: v for k, v in json.loads(text).items() if k not in ("unknown", "leadmgmt_configuration")})
    )

    found = {(one.part, one.row, one.field) for one in plan.wrong}
    assert {
        ("teams", "not a slug", "slug"),
        ("teams", "entry 3", "slug"),
        ("teams", "entry 4", ""),
        ("sources", "fair", "kind"),
        ("sources", "x", "colour"),
        ("channels", "web", "source"),
        ("promises", "Fast", "first_touch_minutes"),
        ("pools", "inbound", "members"),
        ("cadences", "First week", "steps-0"),
    } <= found
    assert any(part == "scoring" for part, _row, _field in found)
    assert not plan.is_in_place
    assert write() == before


def test_a_rep_is_an_address_that_is_there(organisation: Team) -> None:
    plan = trial(changed(reps=[{"user": "nobody@ours.example"}]))

    assert {(one.part, one.field) for one in plan.wrong} == {("reps", "user")}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "no JSON"),
        ("[]", "no configuration"),
        ('{"leadmgmt_configuration": 9}', "no configuration"),
        ("{}", "no con"),
    ],
)
def test_what_is_no_configuration_is_said_to_be_none(text: str, says: str) -> None:
    (wrong,) = trial(text).wrong
    assert says in wrong.text


def test_what_has_versions_gets_a_new_one(organisation: Team) -> None:
    said, old = json.loads(write()), _published()
    said["rules"][0]["name"] = "Fairs and shows"
    # What a rule leaves unsaid is as if it were empty.
    unsaid = [said["rules"][0], {"name": "Others", "destination": "waiting"}]
    said["scoring"]["half_life_days"] = 30
    said["criteria"][0]["name"] = "Another word"
    scoring = ScoringModel.objects.get(status="published")

    plan = in_place(json.dumps(said | {"rules": unsaid}))

    assert plan.wrong == []
    old.refresh_from_db()
    assert (old.status, _published().rules.first().name) == ("archived", "Fairs and shows")
    assert old.rules.first().name == "Fairs"
    assert _published().rules.first().sla_policy.name == "Fast"
    fresh = ScoringModel.objects.get(status="published")
    assert (fresh.version > scoring.version, fresh.half_life_days) == (True, 30)
    assert Criteria.objects.filter(status="published", name="Another word").exists()
    assert json.loads(write()) == said


def test_a_draft_that_somebody_works_on_is_not_overrun(organisation: Team) -> None:
    RuleSet.objects.create(version=99, status="draft")
    said = json.loads(write())
    said["rules"] = said["rules"][1:]

    (wrong,) = in_place(json.dumps(said)).wrong

    assert (wrong.part, wrong.field) == ("rules", "draft")
    assert _published().rules.count() == 2


def test_frameworks_keep_the_keys_that_answers_are_found_by(organisation: Team) -> None:
    said = json.loads(write())
    said["frameworks"].append(
        {"slug": "own", "name": "Own", "questions": [{"key": "why_us", "label_en": "Why now?", "kind": "text"}]}
    )
    in_place(json.dumps(said))
    assert Framework.objects.get(slug="own").questions.get().key == "why_us"
    said["frameworks"][-1]["questions"][0]["label_en"] = "Why us?"

    assert in_place(json.dumps(said)).wrong == []

    question = Framework.objects.get(slug="own", is_active=True).questions.get()
    assert (question.key, question.label_en) == ("why_us", "Why us?")


def test_what_is_not_named_stays_unless_it_shall_go(organisation: Team) -> None:
    make_source("old", name="Old")
    spare = make_reason("recycle", code="spare")
    said = json.loads(write())
    text = changed(
        sources=[one for one in said["sources"] if one["slug"] != "old"],
        reasons=[one for one in said["reasons"] if one["code"] != "spare"],
    )
    assert trial(text).count == 0

    assert in_place(text, removes=True).wrong == []

    assert not Source.objects.filter(slug="old").exists()
    assert not Reason.objects.filter(pk=spare.pk).exists()


def test_what_is_in_use_stays_and_is_said(organisation: Team) -> None:
    said = json.loads(write())
    text = changed(pools=[], sources=[one for one in said["sources"] if one["slug"] != "fair"])

    plan = in_place(text, removes=True)

    assert {(one.part, one.row) for one in plan.wrong} == {("pools", "inbound"), ("sources", "fair")}
    assert Pool.objects.filter(slug="inbound").exists()


def test_shares_of_a_pool_are_set_by_its_service(organisation: Team) -> None:
    other = make_rep(make_user("sdr"))
    said = json.loads(write())
    said["pools"][0]["members"] = [{"rep": other.user.email, "weight": "2.00", "ramp_days": None}]

    assert in_place(json.dumps(said)).wrong == []

    rows = PoolMember.objects.filter(pool__slug="inbound").order_by("rep_id")
    assert [(one.rep == other, one.left_at is None, str(one.weight)) for one in rows] == [
        (False, False, "1.00"),
        (True, True, "2.00"),
    ]


class TestThePage:
    def test_it_is_tried_first_and_put_in_place_then(self, organisation: Team) -> None:
        admin = make_user("admin")
        client, text = signed_in(admin), changed(teams=[{"slug": "uk", "name": "United Kingdom"}])
        url = reverse("configuration_text")

        tried = client.post(url, {"file": SimpleUploadedFile("c.json", text.encode()), "act": "try"})
        assert "1 row would change" in tried.content.decode()
        assert not Team.objects.filter(slug="uk").exists()

        done = client.post(url, {"text": tried.context["text"], "act": "put"}, follow=True)

        assert Team.objects.filter(slug="uk").exists()
        assert "as the text says" in done.content.decode()
        assert Change.objects.order_by("-pk")[0].actor == admin

    def test_what_is_wrong_stands_beside_its_place(self, organisation: Team) -> None:
        client = signed_in(make_user("admin"))
        answer = client.post(reverse("configuration_text"), {"text": changed(teams=[{"slug": "a b", "name": ""}])})
        assert answer.status_code == 422
        assert "nothing was changed" in answer.content.decode()
        nothing = client.post(reverse("configuration_text"), {})
        assert (nothing.status_code, "text" in nothing.context["form"].errors) == (422, True)
        odd = SimpleUploadedFile("c.json", b"\xff\xfe\x00")
        assert client.post(reverse("configuration_text"), {"file": odd}).status_code == 422

    def test_the_text_can_be_taken_along(self, organisation: Team) -> None:
        client = signed_in(make_user("admin"))
        answer = client.get(reverse("configuration_download"))
        assert answer.content.decode() == write()
        assert "attachment" in answer["Content-Disposition"]
        assert "How it works" in page(client, "configuration_text")

    @pytest.mark.parametrize("name", ["configuration_text", "configuration_download"])
    def test_only_admins(self, name: str) -> None:
        for role in ("sdr", "manager", "marketing", "ae"):
            assert signed_in(make_user(role)).get(reverse(name)).status_code == 403


class TestTheCommand:
    def test_write_try_put(self, organisation: Team, tmp_path: Path) -> None:
        file, out = tmp_path / "c.json", StringIO()
        call_command("config", "write", str(file))
        said = json.loads(file.read_text())
        said["teams"][0]["name"] = "Other"
        file.write_text(json.dumps(said))

        call_command("config", "try", str(file), stdout=out)
        assert "1 rows would change." in out.getvalue()
        assert "Dach → Other" in out.getvalue()
        admin = make_user("admin")
        call_command("config", "put", str(file), "--by", admin.email, stdout=out)

        assert Team.objects.get(slug="dach").name == "Other"
        assert Change.objects.order_by("-pk")[0].actor == admin

    def test_what_cannot_be_used_ends_with_one(self, organisation: Team, tmp_path: Path) -> None:
        file, told = tmp_path / "c.json", StringIO()
        file.write_text(changed(teams=[{"slug": "a b", "name": "x"}]))
        with pytest.raises(CommandError, match="nothing was changed"):
            call_command("config", "put", str(file), stderr=told)
        assert "teams: a b: slug" in told.getvalue()
        with pytest.raises(CommandError, match="Nobody has"):
            call_command("config", "put", str(file), "--by", "x@y.example")
        with pytest.raises(CommandError):
            call_command("config", "put", str(tmp_path / "none.json"))
