"""How alike names are, and whether a crowd with a secret is told apart."""

from collections import Counter

import pytest
from django.utils import timezone

from leads.likeness import Traits, compare, name_likeness
from leads.models import Capture, Channel, Contact, Duplicate
from leads.normalise.naming import given_name, name_key
from leads.services.capture import receive
from leads.services.duplicates import find_duplicates
from tests.leads.crowd import Card, Crowd, Judged


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Thomas", "Müller"), ("Tom", "Mueller")),
        (("Robert", "Brand"), ("Bob", "BRAND")),
        (("Dr. Johannes", "Lang"), ("Hans", "Lang")),
        (("Müller", "Thomas"), ("Thomas", "Müller")),
        (("Seán", "O'Brien"), ("Sean", "OBrien")),
        (("Zoë", "Peña"), ("Zoe", "Pena")),
        (("Hans-Peter", "Groß"), ("Hans", "Gross")),
        (("Kathi", "von der Au"), ("Katharina", "Von der Au")),
    ],
)
def test_spellings_of_one_name_are_matched_by_the_same(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert name_key(*one) == name_key(*other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Anna", "Keller"), ("Hanna", "Keller")),
        (("Lea", "Moser"), ("Lena", "Moser")),
        (("Max", "Moser"), ("Moritz", "Moser")),
        (("Jan", "Lang"), ("Jan", "Langer")),
    ],
)
def test_names_of_two_people_are_not(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert name_key(*one) != name_key(*other)


@pytest.mark.parametrize(("first", "last"), [("", "Keller"), ("A", "Keller"), ("Anna", ""), ("Anna", "K"), ("", "")])
def test_half_a_name_is_matched_by_nothing(first: str, last: str) -> None:
    assert name_key(first, last) == ""


def test_a_nickname_leads_to_one_name_alone() -> None:
    assert {given_name(name) for name in ("Bill", "Will", "Willy", "Wilhelm")} == {"wilhelm"}
    assert given_name("Greta") == given_name("Margaret")


def test_two_strangers_of_one_office_phone_are_not_alike() -> None:
    one = Traits("Anna", "Keller", phone="+4930", company="nord", company_id=1)
    assert compare(one, Traits("Ben", "Moser", phone="+4930", company="nord", company_id=1)) is None


def test_twins_at_one_firm_are_not_alike() -> None:
    one = Traits("Max", "Moser", "max@m.example", "+4930", "nord", 1)
    assert compare(one, Traits("Paul", "Moser", "paul@m.example", "+4930", "nord", 1)) is None


def test_an_initial_counts_as_the_name_it_may_be_short_for() -> None:
    assert name_likeness(Traits("J.", "Langmann"), Traits("Jonas", "Langmann")) > 0.9
    assert name_likeness(Traits("K.", "Langmann"), Traits("Jonas", "Langmann")) == 0.0


def play(crowd: Crowd, size: int) -> tuple[Judged, Counter[tuple[str, str]]]:
    """Capture a crowd in which half come again or look like somebody, and judge what was made of it."""
    channel = Channel.objects.create(slug="crowd", name="Crowd", kind="api")
    known: dict[int, tuple[Card, int]] = {}
    first_of: dict[int, set[int]] = {}
    judged, kinds = Judged(0, 0, 0, 0, 0), Counter[tuple[str, str]]()
    for number in range(size):
        some = list(known.values())
        if number % 2 and some:
            card, _contact = crowd.chance.choice(some)
            card = crowd.again(card) if crowd.chance.random() < 0.7 else crowd.other(card)
        else:
            card = crowd.stranger()
        capture: Capture = receive(channel, card.payload() | {"external_ref": number}).capture
        assert capture.contact_id is not None
        contact = Contact.objects.select_related("company").get(pk=capture.contact_id)
        find_duplicates(contact, timezone.now())
        truth = first_of.get(card.who, set())
        if capture.match_reason != "new":
            right = contact.pk in truth
            judged.joined_right += right
            judged.joined_wrong += not right
            kinds[card.kind, "joined" if right else "wrongly joined"] += 1
        if truth:
            judged.true_pairs += 1
            pairs = Duplicate.objects.filter(first__in=[*truth, contact.pk], second__in=[*truth, contact.pk])
            asked = contact.pk not in truth and pairs.exists()
            judged.asked_right += asked
            if contact.pk not in truth:
                kinds[card.kind, "asked" if asked else "missed"] += 1
        first_of.setdefault(card.who, set()).add(contact.pk)
        known.setdefault(card.who, (card, contact.pk))
    owner = {contact: who for who, contacts in first_of.items() for contact in contacts}
    judged.asked_wrong = sum(
        owner[pair.first_id] != owner[pair.second_id] for pair in Duplicate.objects.filter(state="open")
    )
    return judged, kinds


@pytest.mark.django_db
def test_a_crowd_is_told_apart() -> None:
    judged, kinds = play(Crowd(20261126), 500)
    told = f"{judged} {sorted(kinds.items())}"
    assert judged.true_pairs > 120
    assert judged.precision >= 0.99, told
    assert judged.recall >= 0.95, told
