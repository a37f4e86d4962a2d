"""What a row keeps in English is read by each in their own language."""

import pytest
from django.test import Client
from django.utils import translation

from crmsync.adapters.errors import Invalid
from crmsync.adapters.wire import Reply, by_status
from crmsync.models import Connection
from leadmgmt.core.kept_words import reworded, worded
from leads.models import User
from tests.crmsync.things import make_crm
from tests.factories import make_user


def in_german(said: str) -> str:
    with translation.override("de"):
        return reworded(said)


@pytest.mark.parametrize(
    ("said", "german"),
    [
        ("Too many requests.", "Zu viele Anfragen."),
        ("The stage “50 % there” is not mapped.", "Die Phase „50 % there“ ist nicht zugeordnet."),
        (
            "Tryton has no way from draft to won.",
            "Tryton hat keinen Weg von draft nach won.",
        ),
        # A sentence within a sentence, and complaints field by field.
        (
            "The CRM did not answer: Unavailable: The CRM answered 503.",
            "Das CRM hat nicht geantwortet: Unavailable: Das CRM hat mit 503 geantwortet.",
        ),
        (
            str(Invalid(field_errors={"stage": "Odoo has no such stage.", "amount": "must be positive"})),
            "stage: Odoo hat diese Phase nicht.; amount: must be positive",
        ),
        # What was marked for the reader's language, and written down by a job; with a number in its place.
        ("Cut off after 200 characters.", "Nach 200 Zeichen abgeschnitten."),
        ("Too many requests.\nTwo lines", "Zu viele Anfragen.\nTwo lines"),
        # What the CRM said itself stays as it is.
        ("REQUIRED_FIELD_MISSING: Close Date", "REQUIRED_FIELD_MISSING: Close Date"),
        ("", ""),
    ],
)
def test_a_kept_sentence_is_said_in_german(said: str, german: str) -> None:
    assert in_german(said) == german
    assert reworded(said) == said


def test_values_are_put_in_their_places() -> None:
    assert worded("Tryton does not know %(name)s.", name="100 %") == "Tryton does not know 100 %."
    assert in_german(worded("Tryton does not know %(name)s.", name="100 %")) == "Tryton kennt 100 % nicht."
    assert worded("Up to 5 % of it") == "Up to 5 % of it"


def test_an_answer_that_says_nothing_more_is_worded() -> None:
    assert in_german(str(by_status(Reply(503, {}, b""), False))) == "Das CRM hat mit 503 geantwortet."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "This connection is not signed in."), ("de", "Diese Verbindung ist nicht angemeldet.")],
)
def test_the_health_page_says_why_in_the_readers_language(client: Client, language: str, said: str) -> None:
    make_crm()
    Connection.objects.update(last_error="This connection is not signed in.", mode="both")
    admin = make_user("admin")
    User.objects.filter(pk=admin.pk).update(language=language)
    client.force_login(admin)

    assert said in client.get("/setup/crm/").content.decode()
