"""Writing a mail on the lead's page, and the texts to begin from."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox

from leadmgmt.core.now import now
from leads.events import record_event
from leads.models import Consent, Lead, User
from qualification.mail_text import check
from qualification.models import Activity, MailTemplate, OutgoingMail
from qualification.services.defaults import install_defaults
from tests.factories import make_contact, make_lead, make_user
from tests.qualification.desk_cast import Cast, as_user, make_cast
from tests.routing.things import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def server(settings: Any) -> None:
    """Mails leave from here."""
    settings.MAIL_GOES_OUT = True


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


@pytest.fixture
def lead(cast: Cast) -> Lead:
    contact = make_contact(email="kim@nord.example", first_name="Kim", language="de", phone="")
    return make_lead(contact=contact, owner=cast.ann, team=cast.ann.team, stage="mql")


def text(**fields: Any) -> MailTemplate:
    said = {"name": "Answer", "language": "en", "subject": "Hello {{ first_name | there }}", "body": "We call you."}
    return MailTemplate.objects.create(**{**said, **fields})


def composer(user: User, lead: Lead, **asked: Any) -> str:
    return as_user(user).get(f"/leads/{lead.pk}/", {"log": "email", **asked}).content.decode()


class TestWriting:
    def test_a_text_fills_subject_and_body_those_in_their_language_first(self, cast: Cast, lead: Lead) -> None:
        text()
        german = text(name="Antwort", language="de", subject="Guten Tag {{ first_name | Sie }}", body="Wir rufen an.")

        plain = composer(cast.ann, lead)
        assert plain.index("Antwort") < plain.index("Answer")
        page = composer(cast.ann, lead, text=german.pk)
        assert 'value="Guten Tag Kim"' in page
        assert "Wir rufen an." in page

    def test_what_is_not_known_is_said_and_not_sent_as_a_gap(self, cast: Cast, lead: Lead) -> None:
        row = text(body="How are things in {{ city }}?")

        page = composer(cast.ann, lead, text=row.pk)
        assert "Not known of this lead: their city" in text_of(page)
        said = {"subject": "Hello", "body": "How are things in [their city]?"}
        assert as_user(cast.ann).post(f"/leads/{lead.pk}/mail/", said).status_code == 422
        assert not OutgoingMail.objects.exists()

    def test_it_is_sent_and_can_be_taken_back(self, cast: Cast, lead: Lead) -> None:
        row = text()
        said = {"subject": "Hello", "body": "We call you.", "template": row.pk}

        page = as_user(cast.ann).post(f"/leads/{lead.pk}/mail/", said, follow=True).content.decode()

        assert "The e-mail goes out in ten seconds." in page
        mail = OutgoingMail.objects.get()
        assert (mail.template, mail.to, mail.by) == (row, "kim@nord.example", cast.ann)
        as_user(cast.ann).post(f"/activities/{mail.activity_id}/undo/")
        mail.refresh_from_db()
        assert mail.status == "cancelled"
        assert not outbox.outbox

    def test_what_lacks_comes_back_as_it_was_typed(self, cast: Cast, lead: Lead) -> None:
        response = as_user(cast.ann).post(f"/leads/{lead.pk}/mail/", {"subject": "", "body": "Typed with care"})

        assert response.status_code == 422
        page = response.content.decode()
        assert "Write a subject." in page
        assert "Typed with care" in page
        assert not Activity.objects.exists()

    def test_who_does_not_want_mails_is_not_offered_any(self, cast: Cast, lead: Lead) -> None:
        Consent.objects.create(contact=lead.contact, purpose="email", granted=False, at=now())

        page = composer(cast.ann, lead)
        assert "They do not want e-mails." in page
        assert 'name="subject"' not in page
        refused = as_user(cast.ann).post(f"/leads/{lead.pk}/mail/", {"subject": "x", "body": "x"})
        assert refused.status_code == 422
        assert not OutgoingMail.objects.exists()

    def test_without_a_mail_server_it_opens_in_their_own_program_and_is_logged(
        self, cast: Cast, lead: Lead, settings: Any
    ) -> None:
        settings.MAIL_GOES_OUT = False
        row = text(subject="Hello & welcome", body="First line\nsecond")

        page = composer(cast.ann, lead, text=row.pk)
        link = "mailto:kim@nord.example?subject=Hello%20%26%20welcome&amp;body=First%20line%0Asecond"
        assert link in page
        assert as_user(cast.ann).post(f"/leads/{lead.pk}/mail/", {"subject": "x", "body": "x"}).status_code == 404
        as_user(cast.ann).post(f"/leads/{lead.pk}/log/", {"kind": "email", "body": "wrote"})
        assert Activity.objects.get().kind == "email"

    def test_nobody_writes_for_a_lead_they_may_not_work(self, cast: Cast, lead: Lead) -> None:
        stranger = as_user(make_user("sdr")).post(f"/leads/{lead.pk}/mail/", {"subject": "x", "body": "x"})

        assert stranger.status_code == 404
        as_user(make_user("manager")).post(f"/leads/{lead.pk}/mail/", {"subject": "x", "body": "x"})
        assert not OutgoingMail.objects.exists()

    def test_what_became_of_it_stands_in_the_timeline(self, cast: Cast, lead: Lead) -> None:
        as_user(cast.ann).post(f"/leads/{lead.pk}/mail/", {"subject": "Price list", "body": "Here it is."})
        record_event(lead, "mail.replied", at=now(), data={"subject": "Price list"})

        page = text_of(as_user(cast.ann).get(f"/leads/{lead.pk}/").content.decode())

        assert "Answered our e-mail “Price list”" in page
        assert "Price list Here it is." in page

    def test_the_signature_is_set_on_the_profile(self, cast: Cast, lead: Lead) -> None:
        cast.ann.mail_signature = "Ann from Nord"
        cast.ann.save()

        assert "Ann from Nord" in composer(cast.ann, lead)
        assert "Signature under e-mails" in as_user(cast.ann).get("/profile/").content.decode()


class TestTexts:
    FORM = {"name": "First", "language": "en", "subject": "Hi", "body": "Hello {{ first_name | there }}", "position": 5}

    def test_they_are_written_changed_and_thrown_away(self) -> None:
        admin = signed_in(make_user("admin"))

        admin.post("/outreach/texts/new/", {**self.FORM, "is_active": "on"})
        row = MailTemplate.objects.get()
        assert "First" in text_of(admin.get("/outreach/texts/").content.decode())
        admin.post(f"/outreach/texts/{row.pk}/", {**self.FORM, "name": "Second"})
        row.refresh_from_db()
        assert (row.name, row.is_active) == ("Second", False)
        admin.post(f"/outreach/texts/{row.pk}/delete/")
        assert not MailTemplate.objects.exists()

    def test_wrong_variables_and_a_name_twice_are_said(self) -> None:
        admin = signed_in(make_user("admin"))
        text(name="First")

        wrong = admin.post("/outreach/texts/new/", {**self.FORM, "body": "{{ firstname }}"})
        assert wrong.status_code == 422
        assert "There is no variable firstname." in wrong.content.decode()
        again = admin.post("/outreach/texts/new/", self.FORM)
        assert again.status_code == 422
        assert MailTemplate.objects.count() == 1

    def test_the_preview_reads_as_the_newest_lead_would_read_it(self) -> None:
        make_lead(contact=make_contact(first_name="Old"), captured_at=now() - timedelta(days=1))
        make_lead(contact=make_contact(first_name="Kim", city=""))
        said = {"subject": "{{ first_name }}", "body": "In {{ city }}"}

        part = signed_in(make_user("admin")).post("/outreach/texts/new/", said, headers={"HX-Request": "true"})

        words = text_of(part.content.decode())
        assert "Kim In [their city]" in words
        assert "Not known of this lead: their city" in words
        assert not MailTemplate.objects.exists()

    def test_only_admins_write_them(self) -> None:
        row = text()
        for role in ("manager", "sdr", "team_lead"):
            client = signed_in(make_user(role))
            assert client.get("/outreach/texts/").status_code == 403
            assert client.post(f"/outreach/texts/{row.pk}/delete/").status_code == 403

    def test_a_fresh_installation_has_some_that_can_be_used(self) -> None:
        install_defaults()
        install_defaults()

        rows = list(MailTemplate.objects.all())
        assert {row.language for row in rows} == {"en", "de"}
        assert len(rows) == 4
        for row in rows:
            check(row.subject, row.body)
