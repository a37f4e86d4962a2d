"""What follows from what is known, without asking anybody."""

import json
from pathlib import Path

import pytest

from leads.enrichers import Known
from leads.enrichers.company_domain import company_domain, name_from_domain
from leads.enrichers.email_class import COMING_ALONG, classify, is_private_domain
from leads.enrichers.job_title import department_of, rank_of
from leads.enrichers.person_name import enrich as enrich_name
from leads.enrichers.person_name import name_in_address
from leads.enrichers.phone import enrich as enrich_phone
from leads.enrichers.phone import line_type
from leads.enrichers.place import country_of_domain, language_of
from leads.enrichers.place import enrich as enrich_place
from leads.models import Company, Contact

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "dirty"


def found(offers: list) -> dict[str, object]:
    return {f"{one.subject}.{one.field}": one.value for one in offers}


@pytest.mark.parametrize(
    ("email", "kind"),
    [
        ("ann@firma.de", "business"),
        ("Ann@GMX.de", "free"),
        ("ann@mail.gmx.net", "free"),
        ("info@firma.de", "role"),
        ("vertrieb+messe@firma.de", "role"),
        ("info@gmail.com", "free"),
        ("x@mailinator.com", "disposable"),
        ("x@sub.yopmail.com", "disposable"),
        ("no address", ""),
        ("ann@localhost", ""),
        ("", ""),
    ],
)
def test_addresses_have_a_kind(email: str, kind: str) -> None:
    assert classify(email) == kind


def test_an_admin_may_add_lists_and_a_missing_file_harms_nobody(tmp_path: Path) -> None:
    extra = tmp_path / "free.txt"
    extra.write_text("# ours\nstadtnetz.example\n")

    assert classify("a@stadtnetz.example") == "business"
    assert classify("a@stadtnetz.example", {"lists": {"free": str(extra)}}) == "free"
    assert classify("a@gmx.de", {"lists": {"free": str(tmp_path / "gone.txt")}}) == "free"
    assert classify("a@gmx.de", {"lists": "nonsense"}) == "free"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public lists are not beside this checkout")
def test_our_lists_do_not_contradict_the_public_ones() -> None:
    free, disposable = COMING_ALONG["free"], COMING_ALONG["disposable"]
    public_disposable = set((SHARED / "disposable_email_blocklist.conf").read_text().split())
    public_free = set(json.loads((SHARED / "free_email_domains.json").read_text()))

    assert not free & public_disposable
    # Both are renewed all the time, so neither holds all of the other.
    assert len(disposable & public_disposable) > 0.5 * len(public_disposable)
    assert not free & disposable
    assert len(free & public_free) > 180
    assert len(free) > 300
    assert len(disposable) > 5000


@pytest.mark.parametrize(
    ("title", "rank", "department"),
    [
        ("Geschäftsführerin", "c_level", "management"),
        ("Geschäftsführender Gesellschafter", "owner", "management"),
        ("Assistenz der Geschäftsführung", "staff", "management"),
        ("CEO & Founder", "owner", "management"),
        ("CTO", "c_level", "engineering"),
        ("Chief Financial Officer (CFO)", "c_level", "finance"),
        ("Managing Director", "c_level", "management"),
        ("General Manager", "c_level", "management"),
        ("Vice President Sales", "vp", "sales"),
        ("VP Engineering", "vp", "engineering"),
        ("Director of Operations", "director", "operations"),
        ("Bereichsleiter Technik", "director", "engineering"),
        ("Prokurist", "director", ""),
        ("Head of Service", "head", "service"),
        ("Leiter Einkauf", "head", "purchasing"),
        ("Vertriebsleiterin", "head", "sales"),
        ("Leitung Kundendienst", "head", "service"),
        ("IT-Leiter", "head", "it"),
        ("Kaufmännischer Leiter", "head", "finance"),
        ("Personalleiter", "head", "hr"),
        ("Betriebsleiter", "head", "operations"),
        ("Teamleiter Disposition", "manager", "service"),
        ("Stellvertretender Leiter Service", "manager", "service"),
        ("Key Account Managerin", "manager", "sales"),
        ("Projektleiter", "manager", ""),
        ("Account Executive", "staff", "sales"),
        ("Product Owner", "staff", "product"),
        ("Personal Assistant", "staff", "management"),
        ("Senior Software Engineer", "senior", "engineering"),
        ("Procurement Specialist", "senior", "purchasing"),
        ("Strategischer Einkäufer", "", "purchasing"),
        ("Servicetechniker", "", "service"),
        ("Werkstudent Marketing", "junior", "marketing"),
        ("Sachbearbeiter Buchhaltung", "", "finance"),
        ("Inhaber", "owner", "management"),
        ("Rentner", "", ""),
        ("", "", ""),
    ],
)
def test_titles_say_rank_and_department(title: str, rank: str, department: str) -> None:
    assert (rank_of(title), department_of(title)) == (rank, department)


def test_phones_say_country_zone_town_and_line() -> None:
    offers = found(enrich_phone(Known(Contact(phone="+497215550184"))))

    assert offers == {
        "contact.country": "DE",
        "contact.time_zone": "Europe/Berlin",
        "contact.city": "Karlsruhe",
    }
    assert line_type("+497215550184") == "landline"
    assert line_type("+491701234567") == "mobile"
    assert line_type("+49") == ""
    assert enrich_phone(Known(Contact(phone=""))) == []
    assert enrich_phone(Known(Contact(phone="nonsense"))) == []


def test_language_comes_from_the_message_then_from_the_country() -> None:
    german = "Guten Tag, wir planen 45 Techniker in Excel und suchen bitte ein System für die Saison."
    french = "Bonjour, nous cherchons une solution pour notre équipe, merci de nous rappeler."

    assert language_of(german) == "de"
    assert language_of(french) == "fr"
    assert language_of("OK") == ""
    known = Known(Contact(email="a@firma.at", country="AT"), message="We would like to see this with our team, please")
    assert found(enrich_place(known))["contact.language"] == "en"
    assert found(enrich_place(Known(Contact(email="a@firma.at", country="AT"))))["contact.language"] == "de"
    assert country_of_domain("firma.co.uk") == "GB"
    assert country_of_domain("start.io") == ""


def test_names_come_out_of_one_line_or_out_of_the_address() -> None:
    assert found(enrich_name(Known(Contact(first_name="Dr. Annika von der Tann")))) == {
        "contact.name_title": "Dr.",
        "contact.first_name": "Annika",
        "contact.last_name": "von der Tann",
    }
    assert name_in_address("anna-lena.mueller@firma.de") == ("Anna-Lena", "Mueller")
    assert name_in_address("service.team@firma.de") == ("", "")
    assert name_in_address("amueller@firma.de") == ("", "")
    assert enrich_name(Known(Contact(first_name="Ann", email="bob.builder@firma.de"))) == []


def test_the_mail_domain_says_the_company_unless_it_is_private() -> None:
    assert company_domain(Known(Contact(email="a@mail.rheintal-technik.co.uk"))) == "rheintal-technik.co.uk"
    assert company_domain(Known(Contact(email="a@gmail.com"))) == ""
    assert company_domain(Known(Contact(email=""))) == ""
    assert is_private_domain("gmx.ch")
    assert name_from_domain("rheintal-technik.de") == "Rheintal Technik"
    assert name_from_domain("meyer-gmbh.de") == "Meyer GMBH"


def test_the_companys_country_is_only_guessed_from_a_country_domain() -> None:
    known = Known(Contact(email="a@firma.ch", company=Company(name="Firma", domain="firma.ch")))

    assert found(enrich_place(known))["company.country"] == "CH"
