"""Cadences on their pages, on the lead's page and in the queue."""

from datetime import time, timedelta
from typing import Any

import pytest

from leadmgmt.core.now import now
from leads.models import Lead
from qualification.models import Cadence, CadenceEnrolment, MailTemplate
from qualification.services.cadence_setup import StepData, save_cadence
from qualification.services.cadences import begin_cadence
from tests.factories import make_company, make_contact, make_lead, make_user
from tests.qualification.desk_cast import Cast, as_user, make_cast
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def cadence(*steps: StepData, **more: Any) -> Cadence:
    fields = {
        "name": "Inbound", "position": 1, "is_active": True, "window_from": time(0), "window_to": time(23, 59),
        "wait_days": 2, "recycle_reason": None, "most_mails_a_day": 50, **more,
    }  # fmt: skip
    return save_cadence(None, fields, {}, steps or (StepData("call", 1), StepData("task", 1, hint="Send a card.")))


@pytest.fixture
def lead(cast: Cast) -> Lead:
    touched = now() - timedelta(hours=2)
    return make_lead(
        contact=make_contact(phone="+4930123456"), owner=cast.ann, team=cast.ann.team, stage="mql",
        captured_at=now() - timedelta(days=1), first_touched_at=touched, last_touch_at=now() - timedelta(days=1),
    )  # fmt: skip


class TestOnTheLead:
    def act(self, cast: Cast, lead: Lead, act: str, **more: Any) -> str:
        said = {"act": act, **more}
        return text_of(as_user(cast.ann).post(f"/leads/{lead.pk}/cadence/", said, follow=True).content.decode())

    def test_it_is_begun_ticked_off_left_out_and_ended(self, cast: Cast, lead: Lead) -> None:
        row = cadence(StepData("task", 0, hint="Look them up."), StepData("task", 0), StepData("call", 0))

        shown = self.act(cast, lead, "begin", cadence=row.pk)
        assert "In Inbound from now on." in shown
        assert "step 1 of Inbound." in shown
        assert "Look them up." in shown
        assert "Step done." in self.act(cast, lead, "done")
        assert "Step left out." in self.act(cast, lead, "skip")
        shown = self.act(cast, lead, "stop")
        assert "The cadence Inbound ended: Stopped by a person" in shown
        assert CadenceEnrolment.objects.get().end == "stopped"

    def test_what_cannot_be_done_is_said(self, cast: Cast, lead: Lead) -> None:
        assert "There is no step to be done any more." in self.act(cast, lead, "done")
        assert "Only leads that are worked" in self.act(cast, lead, "begin", cadence=99)
        self.act(cast, lead, "nonsense")
        assert not CadenceEnrolment.objects.exists()

    def test_nobody_touches_a_lead_they_may_not_work(self, cast: Cast, lead: Lead) -> None:
        row = cadence()

        as_user(make_user("sdr")).post(f"/leads/{lead.pk}/cadence/", {"act": "begin", "cadence": row.pk})
        as_user(make_user("manager")).post(f"/leads/{lead.pk}/cadence/", {"act": "begin", "cadence": row.pk})

        assert not CadenceEnrolment.objects.exists()

    def test_the_queue_says_which_step_is_next(self, cast: Cast, lead: Lead) -> None:
        begin_cadence(lead.pk, cadence().pk, by=cast.ann, at=now())

        assert "Call: step 1 of Inbound" in text_of(as_user(cast.ann).get("/queue/").content.decode())

    def test_colleagues_of_theirs_are_told_of(self, cast: Cast, lead: Lead) -> None:
        row = cadence()
        company = make_company()
        lead.contact.company = company
        lead.contact.save()
        other = make_lead(contact=make_contact(company=company), owner=cast.bob, stage="mql")
        begin_cadence(other.pk, row.pk, by=cast.bob, at=now())

        page = text_of(as_user(cast.ann).get(f"/leads/{lead.pk}/").content.decode())

        assert "of the same company is in Inbound with Bob Brown." in page


class TestSettingUp:
    def form(self, *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
        said = {
            "name": "Inbound", "position": "1", "is_active": "on", "window_from": "09:00", "window_to": "17:00",
            "wait_days": "2", "most_mails_a_day": "20", "mode": "all",
            "fact-0": "contact.country", "op-0": "eq", "value-0": "DE", "group-0": "0",
            "steps-TOTAL_FORMS": str(len(rows) + 1), "steps-INITIAL_FORMS": "0",
        }  # fmt: skip
        for place, row in enumerate([*rows, {"kind": "", "after_days": "1"}]):
            said |= {f"steps-{place}-{name}": value for name, value in row.items()}
        return {**said, **more}

    def test_a_cadence_is_written_read_and_changed(self) -> None:
        admin = signed_in(make_user("admin"))
        template = MailTemplate.objects.create(name="First mail", subject="Hi", body="Hello")
        mail = {"kind": "email", "after_days": "2", "template": template.pk, "is_automatic": "on", "hint": ""}
        call = {"kind": "call", "after_days": "1", "hint": "Be brief."}

        admin.post("/outreach/cadences/new/", self.form(call, mail))

        row = Cadence.objects.get()
        assert row.condition == {"all": [{"fact": "contact.country", "op": "eq", "value": "DE"}]}
        assert list(row.steps.values_list("kind", "is_automatic")) == [("call", False), ("email", True)]
        words = text_of(admin.get("/outreach/cadences/").content.decode())
        assert "2 working days later" in words
        assert "First mail by itself" in words
        kept = row.steps.get(kind="email").pk
        admin.post(f"/outreach/cadences/{row.pk}/", self.form({**mail, "pk": kept}, call, name="Changed"))
        row.refresh_from_db()
        assert row.name == "Changed"
        assert row.steps.get(position=1).pk == kept

    def test_what_lacks_stands_where_it_lacks(self) -> None:
        admin = signed_in(make_user("admin"))

        wrong = admin.post("/outreach/cadences/new/", self.form({"kind": "call", "is_automatic": "on"}))
        assert wrong.status_code == 422
        assert "Only e-mails go out by themselves." in wrong.content.decode()
        wrong = admin.post("/outreach/cadences/new/", self.form())
        assert "Give it at least one step." in wrong.content.decode()
        wrong = admin.post("/outreach/cadences/new/", self.form({"kind": "call"}, window_to="08:00"))
        assert "The window has to end after it begins." in wrong.content.decode()
        assert not Cadence.objects.exists()

    def test_the_condition_is_edited_in_rows_without_saving(self) -> None:
        admin = signed_in(make_user("admin"))

        said = self.form({"kind": "call"}, do="add")
        part = admin.post("/outreach/cadences/new/", said, headers={"HX-Request": "true"})

        assert part.content.decode().count('aria-label="Comparison"') == 2
        assert not Cadence.objects.exists()

    def test_only_admins(self) -> None:
        row = cadence()
        for role in ("sdr", "manager", "team_lead"):
            client = signed_in(make_user(role))
            assert client.get("/outreach/cadences/").status_code == 403
            assert client.post(f"/outreach/cadences/{row.pk}/", self.form()).status_code == 403
