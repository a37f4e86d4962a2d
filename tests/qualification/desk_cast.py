"""The cast of the desk's tests: Ann and Bob are SDRs of different teams, Mia manages, Out is a stranger."""

from dataclasses import dataclass

from django.test import Client

from leads.models import User
from qualification.services.defaults import install_defaults
from tests.factories import make_organisation, make_team, make_user


@dataclass(frozen=True)
class Cast:
    """Who is who."""

    ann: User
    bob: User
    lea: User
    mia: User
    out: User


def make_cast() -> Cast:
    """Ann and Lea (her team lead) in one team, Bob in another; reasons, questions and criteria of a new house."""
    make_organisation()
    install_defaults()
    home, away = make_team("sdr-dach"), make_team("sdr-europe")
    return Cast(
        ann=make_user("sdr", first_name="Ann", last_name="Ander", team=home),
        bob=make_user("sdr", first_name="Bob", last_name="Brown", team=away),
        lea=make_user("team_lead", first_name="Lea", last_name="Leitner", team=home),
        mia=make_user("manager", first_name="Mia", last_name="Moser"),
        out=make_user("ae", first_name="Out", last_name="Otto"),
    )


def as_user(user: User) -> Client:
    """A browser in which this person is signed in."""
    client = Client()
    client.force_login(user)
    return client
