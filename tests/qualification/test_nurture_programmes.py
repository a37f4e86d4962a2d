"""Nurture programmes: who goes into one, who is held out, which mails go, what wakes, and whether it is worth it."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import moment
from leads.models import Consent, Lead, Reason, User
from qualification.models import MailTemplate, NurtureEnrolment, NurtureProgramme, OutgoingMail
from qualification.services.mail import send_mail
from qualification.services.mail_news import note_news
from qualification.services.nurture import begin_nurture, end_nurture
from qualification.services.nurture_mails import nurture_due
from qualification.services.nurture_programmes import StepData, is_held_out, save_programme, worth_of
from qualification.services.recycle import recycle_lead
from tests.factories import make_company, make_contact, make_lead, make_reason, make_user
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db
# A Tuesday, 11:00 in Berlin.
AT = datetime.fromisoformat("2026-05-05T09:00:00+00:00")


@pytest.fixture(autouse=True)
def clock(settings: Any) -> Iterator[None]:
    settings.MAIL_GOES_OUT = True
    with moment(AT):
        yield


@pytest.fixture
def mia() -> User:
    return make_user("marketing", first_name="Mia")


@pytest.fixture
def timing() -> Reason:
    return make_reason("recycle", "bad-timing", wake_after_days=200)


def text(name: str = "Still there?", **more: str) -> MailTemplate:
    return MailTemplate.objects.create(
        **{"name": name, "subject": name, "body": "Hello {{ first_name | there }}", **more}
    )


def programme(mia: User, *days: int, reasons: Any = (), condition: Any = None, **more: Any) -> NurtureProgramme:
    fields = {
        "name": "Later", "position": 1, "is_active": True, "sender": mia, "held_out_percent": 0, "needs_consent": False,
        "click_wakes": True, "company_wakes": False, "window_from": time(9), "window_to": time(17), **more,
    }  # fmt: skip
    template = MailTemplate.objects.first() or text()
    return save_programme(None, fields, reasons, condition or {}, [StepData(one, template) for one in days or (7, 14)])


def asleep(**more: Any) -> Lead:
    said = {"email": "kim@nord.example", "first_name": "Kim", "country": "DE", "time_zone": "Europe/Berlin", **more}
    lead = make_lead(contact=make_contact(**said), stage="mql", at=AT)
    lead = recycle_lead(lead.pk, "bad-timing", None, at=AT)
    begin_nurture(lead, lead.events.get(kind="stage.recycled"))
    return lead


def enrolment(lead: Lead) -> NurtureEnrolment:
    return NurtureEnrolment.objects.get(lead=lead)


class TestWhoGoesIn:
    def test_the_first_that_fits_by_reason_and_kind(self, mia: User, timing: Reason) -> None:
        other = make_reason("recycle", "price")
        programme(mia, name="Other reason", reasons=[other])
        programme(mia, name="Austria", condition={"fact": "contact.country", "op": "eq", "value": "AT"})
        fits = programme(mia, name="Fits", reasons=[timing, other], position=2)

        row = enrolment(asleep())

        assert row.programme == fits
        assert row.step == fits.steps.first()
        assert row.next_at == AT + timedelta(days=7)

    def test_a_share_is_held_out_for_good(self, mia: User, timing: Reason) -> None:
        row = programme(mia, held_out_percent=30)
        share = sum(is_held_out(row, contact) for contact in range(4000)) / 4000

        assert 0.27 < share < 0.33
        out = NurtureProgramme(pk=row.pk, held_out_percent=90)
        assert [is_held_out(out, one) for one in range(50)] == [is_held_out(out, one) for one in range(50)]

    def test_who_is_held_out_gets_nothing(self, mia: User, timing: Reason, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("qualification.services.nurture_programmes.is_held_out", lambda *args: True)
        programme(mia)
        lead = asleep()

        assert nurture_due(AT + timedelta(days=30)) == 0
        assert (enrolment(lead).is_held_out, enrolment(lead).next_at) == (True, None)
        assert not OutgoingMail.objects.exists()


class TestMails:
    def test_each_goes_on_its_day_once(self, mia: User, timing: Reason) -> None:
        programme(mia, 7, 14)
        lead = asleep()
        week = AT + timedelta(days=7)

        assert nurture_due(week - timedelta(minutes=1)) == 0
        assert [nurture_due(week), nurture_due(week)] == [1, 0]
        mail = OutgoingMail.objects.get()
        assert (mail.by, mail.activity, mail.body.splitlines()[0]) == (mia, None, "Hello Kim")
        with moment(week):
            assert send_mail(mail.pk) == "sent"
        assert enrolment(lead).next_at == week + timedelta(days=14)
        nurture_due(week + timedelta(days=14))
        row = enrolment(lead)
        assert (OutgoingMail.objects.count(), row.sent, row.step, row.next_at) == (2, 2, None, None)

    def test_no_human_touch_is_pretended(self, mia: User, timing: Reason) -> None:
        programme(mia)
        lead = asleep()
        nurture_due(AT + timedelta(days=7))

        lead.refresh_from_db()
        assert (lead.stage, lead.first_touched_at, lead.last_activity_at) == ("recycled", None, None)
        assert lead.events.filter(kind="nurture.mail").count() == 1

    def test_quiet_hours_weekends_and_holidays_are_kept(self, mia: User, timing: Reason) -> None:
        # Nine days on is Ascension Day, a holiday in Germany.
        programme(mia, 9)
        lead = asleep()
        thursday = AT + timedelta(days=9)

        assert nurture_due(thursday) == 0
        assert enrolment(lead).next_at == datetime.fromisoformat("2026-05-15T07:00:00+00:00")
        assert nurture_due(datetime.fromisoformat("2026-05-15T07:00:00+00:00")) == 1

    @pytest.mark.parametrize(
        ("needs", "granted", "mails"), [(True, None, 0), (True, True, 1), (False, None, 1), (False, False, 0)]
    )
    def test_consent_is_asked_for(
        self, mia: User, timing: Reason, needs: bool, granted: bool | None, mails: int
    ) -> None:
        programme(mia, needs_consent=needs)
        lead = asleep()
        if granted is not None:
            Consent.objects.create(contact=lead.contact, purpose="email", granted=granted, at=AT)

        nurture_due(AT + timedelta(days=7))

        assert OutgoingMail.objects.count() == mails
        # Whoever says yes later gets the next one.
        assert enrolment(lead).next_at == AT + timedelta(days=21)

    def test_a_text_with_a_gap_is_not_sent(self, mia: User, timing: Reason) -> None:
        text(body="In {{ city }}")
        programme(mia)
        asleep(city="")

        nurture_due(AT + timedelta(days=7))

        assert not OutgoingMail.objects.exists()

    def test_who_is_awake_gets_no_more(self, mia: User, timing: Reason) -> None:
        programme(mia)
        lead = asleep()
        row = enrolment(lead)
        row.ended_at, row.end = AT, "returned"
        row.save()

        assert nurture_due(AT + timedelta(days=7)) == 0


class TestWaking:
    @pytest.mark.parametrize(("wakes", "stage"), [(True, "new"), (False, "recycled")])
    def test_a_click_brings_them_back_where_that_is_wanted(
        self, mia: User, timing: Reason, wakes: bool, stage: str
    ) -> None:
        programme(mia, click_wakes=wakes)
        lead = asleep()
        nurture_due(AT + timedelta(days=7))
        mail = OutgoingMail.objects.get()

        for _twice in range(2):
            note_news(mail.pk, "clicked", AT + timedelta(days=8))

        lead.refresh_from_db()
        assert lead.stage == stage
        if wakes:
            end_nurture(lead, lead.events.get(kind="stage.new"))
            assert enrolment(lead).end == "returned"

    def test_a_colleague_brings_them_back_where_that_is_wanted(self, mia: User, timing: Reason) -> None:
        programme(mia, company_wakes=True)
        company = make_company()
        lead = asleep(company=company)
        assert nurture_due(AT + timedelta(days=1)) == 0

        later = AT + timedelta(days=2)
        make_lead(contact=make_contact(company=company), captured_at=later)
        assert nurture_due(later) == 1

        lead.refresh_from_db()
        assert lead.stage == "new"


class TestWorth:
    def outcomes(self, row: NurtureProgramme, written: tuple[int, int], out: tuple[int, int]) -> None:
        reason = make_reason("recycle", "bad-timing")
        for held, (back, total) in ((False, written), (True, out)):
            for place in range(total):
                end = {"ended_at": AT, "end": "returned"} if place < back else {}
                NurtureEnrolment.objects.create(
                    lead=make_lead(),
                    reason=reason,
                    starts_at=AT - timedelta(days=40),
                    programme=row,
                    is_held_out=held,
                    **end,
                )

    def test_mails_that_cause_returns_are_told_from_those_that_do_not(self, mia: User) -> None:
        causes, idle, young = (programme(mia, name=name) for name in ("Causes", "Idle", "Young"))
        self.outcomes(causes, (60, 150), (10, 100))
        self.outcomes(idle, (15, 100), (14, 100))
        self.outcomes(young, (3, 5), (0, 5))
        found = worth_of([causes.pk, idle.pk, young.pk], AT)

        assert found[causes.pk].is_sure
        assert found[causes.pk].low > 1
        assert not found[idle.pk].is_sure
        assert found[idle.pk].says
        assert not found[young.pk].says

        words = text_of(signed_in(make_user("manager")).get("/outreach/").content.decode())
        assert "40.0 % of those written to came back (60 of 150)" in words
        assert "The mails bring leads back: 3.9 times as many return" in words
        assert "No difference that is more than chance." in words
        assert "Too few yet to say whether the mails cause it." in words


class TestPages:
    def form(self, mia: User, **more: Any) -> dict[str, Any]:
        return {
            "name": "Later", "position": "1", "sender": mia.pk, "is_active": "on", "held_out_percent": "10",
            "window_from": "09:00", "window_to": "17:00", "mode": "all", "steps-TOTAL_FORMS": "2",
            "steps-INITIAL_FORMS": "0", "steps-0-template": text("For the form").pk, "steps-0-after_days": "30",
            "steps-1-after_days": "14", **more,
        }  # fmt: skip

    def test_a_programme_is_written_and_changed(self, mia: User, timing: Reason) -> None:
        admin = signed_in(make_user("admin"))

        admin.post("/outreach/programmes/new/", self.form(mia, reasons=[timing.pk]))

        row = NurtureProgramme.objects.get()
        assert list(row.reasons.all()) == [timing]
        assert list(row.steps.values_list("after_days", flat=True)) == [30]
        assert not row.needs_consent
        shown = text_of(admin.get("/outreach/").content.decode())
        assert "30 days later" in shown
        assert admin.get(f"/outreach/programmes/{row.pk}/").status_code == 200

    def test_what_lacks_is_said(self, mia: User) -> None:
        admin = signed_in(make_user("admin"))
        said = self.form(mia)

        for wrong, words in (
            ({"steps-0-template": ""}, "Give it at least one mail."),
            ({"window_to": "08:00"}, "The window has to end after it begins."),
            ({"held_out_percent": "95"}, "At most 90, or nobody is written to."),
        ):
            response = admin.post("/outreach/programmes/new/", {**said, **wrong})
            assert response.status_code == 422
            assert words in response.content.decode()
        assert not NurtureProgramme.objects.exists()

    def test_a_name_is_given_once(self, mia: User) -> None:
        programme(mia)

        with pytest.raises(InvalidInput) as found:
            programme(mia)
        assert list(found.value.fields) == ["name"]

    def test_only_admins_change_it(self, mia: User) -> None:
        row = programme(mia)

        manager = signed_in(make_user("manager"))
        assert manager.get("/outreach/").status_code == 200
        assert manager.post(f"/outreach/programmes/{row.pk}/", self.form(mia)).status_code == 403
        assert signed_in(make_user("sdr")).get("/outreach/").status_code == 403
