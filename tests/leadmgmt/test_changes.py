"""Who changed what: kept by the database, with the person who sent it, and shown with what was there before."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from leadmgmt.changes.actor import acting
from leadmgmt.changes.told import told
from leadmgmt.changes.watched import watched_tables
from leads.events import record_event
from leads.models import Change, Provider, Source
from qualification.models import MailTemplate
from routing.models import PoolMember, SlaPolicy
from tests.factories import make_channel, make_lead, make_policy, make_pool, make_reason, make_rep, make_user
from tests.routing.test_promises import FORM
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db


def newest(source: str) -> Change:
    return Change.objects.filter(source=source).order_by("-pk")[0]


def test_what_a_person_sends_is_kept_with_the_person_and_what_was_before() -> None:
    admin, policy = (
        make_user("admin", first_name="Ada", last_name="Admin"),
        make_policy(60, name="Slow", is_default=True),
    )

    signed_in(admin).post(reverse("routing:promise", args=[policy.pk]), FORM | {"is_default": "on"})

    change = newest("routing_slapolicy")
    assert (change.actor, change.act, change.row_id) == (admin, "changed", str(policy.pk))
    assert (change.before["first_touch_minutes"], change.after["first_touch_minutes"]) == (60, 15)
    assert set(change.before) == set(change.after)
    assert "attempts" not in change.before


def test_whose_doing_it_was_ends_with_the_request() -> None:
    admin, policy = make_user("admin"), make_policy(60, name="Slow", is_default=True)
    signed_in(admin).post(reverse("routing:promise", args=[policy.pk]), FORM | {"is_default": "on"})

    SlaPolicy.objects.update(first_touch_minutes=99)

    assert newest("routing_slapolicy").after == {"first_touch_minutes": 99}
    assert newest("routing_slapolicy").actor is None


def test_what_is_rolled_back_was_never_changed_and_the_next_is_the_persons_still() -> None:
    admin, policy = make_user("admin"), make_policy(60)
    with acting(admin):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            SlaPolicy.objects.filter(pk=policy.pk).update(first_touch_minutes=1)
            1 / 0  # noqa: B018
        SlaPolicy.objects.filter(pk=policy.pk).update(first_touch_minutes=2)

    changes = Change.objects.filter(source="routing_slapolicy", act="changed")
    assert [(one.actor, one.after) for one in changes] == [(admin, {"first_touch_minutes": 2})]


def test_a_secret_is_only_said_to_be_another() -> None:
    provider = Provider.objects.create(slug="geo", name="Geo", kind="geocode", position=1, secret="sealed-one")
    Provider.objects.filter(pk=provider.pk).update(secret="sealed-two")

    assert newest("leads_provider").after == {"secret": "•••"}
    assert "sealed" not in str(list(Change.objects.values()))


def test_what_moves_by_itself_is_no_change() -> None:
    pool, channel = make_pool(make_rep()), make_channel()
    before = Change.objects.count()

    PoolMember.objects.filter(pool=pool).update(balance=3)
    channel.save()
    Provider.objects.update(failures=3)

    assert Change.objects.count() == before


def test_what_came_and_went_says_all_that_it_said() -> None:
    source = Source.objects.create(slug="fair", name="Fair", kind="offline")
    source.delete()

    came, gone = Change.objects.filter(source="leads_source").order_by("pk")
    assert (came.act, came.name, came.before) == ("added", "Fair", {})
    assert (gone.act, gone.before, gone.after) == ("removed", came.after, {})


def test_every_watched_table_has_its_triggers_and_no_other() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tgrelid::regclass::text, array_agg(tgname::text ORDER BY tgname) FROM pg_trigger
               WHERE tgname IN ('leads_change_came', 'leads_change_changed') GROUP BY 1"""
        )
        found = dict(cursor.fetchall())

    assert set(found) == set(watched_tables())
    assert {tuple(one) for one in found.values()} == {("leads_change_came", "leads_change_changed")}


def test_every_column_is_watched_or_left_out_on_purpose() -> None:
    """A column that a migration adds later needs its table to be watched anew."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tgrelid::regclass::text,
                   (SELECT array_agg(attname::text) FROM pg_attribute
                    WHERE attrelid = tgrelid AND attnum = ANY(tgattr)),
                   string_to_array(convert_from(substring(tgargs FROM 1 FOR position('\\x00'::bytea IN tgargs) - 1),
                       'utf8'), ',')
               FROM pg_trigger WHERE tgname = 'leads_change_changed'"""
        )
        rows = cursor.fetchall()
    tables = watched_tables()
    for table, watched, left_out in rows:
        columns = {one.column for one in tables[table].model._meta.concrete_fields}
        assert columns == set(watched) | set(left_out), table


def test_the_page_tells_it_in_words() -> None:
    admin = make_user("admin", first_name="Ada", last_name="Admin")
    policy, reason = make_policy(60, name="Slow", is_default=True), make_reason(label_en="No budget")
    browser = signed_in(admin)
    browser.post(reverse("routing:promise", args=[policy.pk]), FORM | {"is_default": "on"})
    with acting(admin):
        reason.label_en = "No money"
        reason.save()
        MailTemplate.objects.create(name="Hello", language="en", subject="Hi", body="One\nTwo", position=1)
        MailTemplate.objects.update(body="One\nThree")

    text = page(browser, "changes")

    assert "Ada Admin" in text
    assert "promise Fast" in text or "promise Slow" in text
    assert "60 → is now 15" in text
    assert "No budget → is now No money" in text
    assert "− Two" in text
    assert "+ Three" in text
    assert "One" not in text.partition("− Two")[2][:20]
    assert "A job or a command" not in text
    assert "A job or a command" in page(browser, "changes", who="nobody")
    assert "No money" not in page(browser, "changes", area="routing")
    assert "No money" in page(browser, "changes", q="money")
    assert "Nothing of this kind" in page(browser, "changes", to="2001-01-01")
    assert "promise" in page(browser, "changes", who=str(admin.pk), **{"from": timezone.localdate().isoformat()})


def test_what_was_changed_at_one_go_stands_together() -> None:
    admin = make_user("admin")
    with acting(admin), transaction.atomic():
        Source.objects.create(slug="a", name="Alpha", kind="offline")
        Source.objects.create(slug="b", name="Beta", kind="offline")

    (one,) = told(Change.objects.filter(source="leads_source").select_related("actor"))

    assert [row.name for row in one.rows] == ["Beta", "Alpha"]


def test_the_changes_as_csv_are_safe_to_open() -> None:
    admin = make_user("admin")
    with acting(admin):
        Source.objects.create(slug="x", name="=1+1", kind="offline")

    answer = signed_in(admin).get(reverse("changes_export"))
    text = b"".join(answer.streaming_content).decode()

    assert text.startswith("\ufeffWhen,Who,What,Name")
    assert "'=1+1" in text
    assert admin.email in text


@pytest.mark.parametrize("name", ["changes", "changes_export", "decisions"])
def test_only_admins_read_them(name: str) -> None:
    for role in ("sdr", "manager", "marketing", "team_lead", "ae"):
        assert signed_in(make_user(role)).get(reverse(name)).status_code == 403


def test_decisions_are_told_with_their_people_and_reasons() -> None:
    admin, sdr = make_user("admin"), make_user("sdr", first_name="Sam", last_name="Seller")
    reason, lead = make_reason("disqualify", code="no-budget", label_en="No budget"), make_lead()
    record_event(lead, "stage.disqualified", actor=sdr, data={"reason": reason.code}, quiet=True)
    record_event(lead, "stage.mql", by="criteria", quiet=True)
    record_event(lead, "activity.logged", actor=sdr, quiet=True)
    record_event(lead, "lead.handed_back", actor=admin, data={"note": "on leave"}, quiet=True)
    old = timezone.now() - timedelta(days=40)
    record_event(lead, "answer.withdrawn", actor=sdr, at=old, quiet=True)
    browser = signed_in(admin)

    text = page(browser, "decisions")

    assert "Sam Seller made it Disqualified" in text
    assert "No budget" in text
    assert "on leave" in text
    assert "took an answer back" in text
    assert text.count(str(lead.contact)) == 3
    assert "on leave" not in page(browser, "decisions", who=str(sdr.pk))
    assert "made it" not in page(browser, "decisions", kind="lead.handed_back")
    recent = (timezone.localdate() - timedelta(days=10)).isoformat()
    assert "took an answer back" not in page(browser, "decisions", **{"from": recent})
