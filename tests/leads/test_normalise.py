"""What arrives is read without losing or inventing anything."""

import csv
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from email_validator import validate_email

from leads.normalise import Submission, read_submission, surely_readable
from leads.normalise.company import name_key, registered_domain
from leads.normalise.country import countries, country_name, read_country
from leads.normalise.email import InvalidAddress, read_address
from leads.normalise.moment import InvalidMoment, read_moment
from leads.normalise.person import Name, split_name
from leads.normalise.phone import read_phone
from leads.normalise.refusal import Refused
from tests.leads.shared import FOLDER, needs_dirty_data

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DIRTY = FOLDER / "dirty"


def read(**payload: Any) -> Submission:
    return read_submission({"email": "ann@firm.example", **payload}, received_at=NOW)


def refusal(payload: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        read_submission(payload, received_at=NOW)
    return caught.value


def attempt(payload: dict[str, Any]) -> Submission | Refused:
    try:
        return read_submission(payload, received_at=NOW)
    except Refused as refused:
        return refused


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Ann@Firm.Example", "ann@firm.example"),
        (" ann@firm.example ", "ann@firm.example"),
        ("Ann Dyk <ann@firm.example>", "ann@firm.example"),
        ("mailto:ann@firm.example", "ann@firm.example"),
        ("ann+web@firm.example", "ann+web@firm.example"),
        ("A.n.n+web@GoogleMail.com", "ann@gmail.com"),
        ("a.nn+web@outlook.com", "a.nn@outlook.com"),
        ("ann@MÜNCHEN.example", "ann@münchen.example"),
        ("ann@xn--mnchen-3ya.example", "ann@münchen.example"),
        ("ANN@STRASSE.example", "ann@strasse.example"),
    ],
)
def test_one_person_has_one_key_however_the_address_is_written(written: str, key: str) -> None:
    assert read_address(written).key == key


def test_the_address_is_kept_as_the_person_writes_it() -> None:
    assert read_address("Ann.Dyk@Firm.Example").written == "Ann.Dyk@Firm.Example"
    assert read_address("Ann <Ann@firm.example>").written == "Ann@firm.example"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ann", "The @-sign is missing."),
        ("@firm.example", "The part before the @-sign is missing."),
        ("ann@firm", "The ending is missing, for example “.com”."),
        ("ann@fi rm.example", "This is not a valid e-mail address."),
        ("ann@" + "x" * 600 + ".example", "This address is too long."),
    ],
)
def test_a_broken_address_is_told_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(InvalidAddress, match=complaint.replace(".", r"\.").replace("“", ".").replace("”", ".")):
        read_address(text)


@needs_dirty_data
def test_addresses_of_the_public_set_are_judged_alike() -> None:
    judged = {"ISEMAIL_ERR": False, "ISEMAIL_VALID_CATEGORY": True}
    # Blanks and what cannot be seen are a slip of the hand, not an error; a domain without a dot reaches nobody.
    lenient = [row for row in csv.DictReader((DIRTY / "isemail_cases.csv").open()) if row["category"] in judged]
    wrong = []
    for row in lenient:
        text = row["address"]
        if text != text.strip() or not (text.isprintable() and text.isascii()) or "." not in text.rpartition("@")[2]:
            continue
        try:
            valid = bool(read_address(text))
        except InvalidAddress:
            valid = False
        if valid != judged[row["category"]]:
            wrong.append((text, row["diagnosis"]))

    assert len(lenient) == 80
    assert wrong == []


@needs_dirty_data
def test_international_addresses_are_taken() -> None:
    cases = json.loads((DIRTY / "email_validator_cases.json").read_text())
    for text, _normal in cases["test_email_valid"] + cases["test_email_valid_intl_local_part"]:
        assert read_address(text).key
    for text, _complaint in cases["test_email_invalid_syntax"]:
        if text == text.strip() and "<" not in text:
            with pytest.raises(InvalidAddress):
                read_address(text)


@needs_dirty_data
def test_phone_numbers_of_all_countries_become_e164() -> None:
    rows = list(csv.DictReader((DIRTY / "phone_cases.csv").open()))
    wrong = [
        row["raw"]
        for row in rows
        if read_phone(row["raw"], row["default_region"]).e164
        != (row["expected_e164"] if row["is_valid"] == "1" else "")
    ]

    assert len(rows) == 3178
    assert wrong == []


def test_a_number_that_is_none_is_kept_as_written_and_noted() -> None:
    found = read(phone="call me after five")

    assert (found.phone, found.phone_raw) == ("", "call me after five")
    assert [problem.field for problem in found.problems] == ["phone"]


def test_a_number_is_read_in_the_country_of_the_submission() -> None:
    assert read(phone="01 58 20 01 23", country="Frankreich").phone == "+33158200123"
    assert read(phone="0721 5550 1840").phone == "+4972155501840"


def test_an_extension_stays_beside_the_number() -> None:
    found = read(phone="+49 721 5550 1840 ext. 12")

    assert found.phone == "+4972155501840"
    assert "12" in found.phone_raw


@pytest.mark.parametrize(
    ("full", "name"),
    [
        ("Zoë Müller", Name("Zoë", "Müller")),
        ("Müller, Zoë", Name("Zoë", "Müller")),
        ("Dr. Ann van Dyk", Name("Ann", "van Dyk", "Dr.")),
        ("Herr Dr. Hans-Peter Meier", Name("Hans-Peter", "Meier", "Herr Dr.")),
        ("Frau Müller", Name("", "Müller", "Frau")),
        ("José de la Peña", Name("José", "de la Peña")),
        ("Madonna", Name("Madonna", "")),
    ],
)
def test_names_fall_into_their_parts(full: str, name: Name) -> None:
    assert split_name(full) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme GmbH & Co. KG", "ACME"),
        ("Müller & Söhne GmbH", "Mueller & Soehne".replace("ue", "ü").replace("oe", "ö")),
        ("Peña, S.A.", "pena"),
        ("Żółć Sp. z o.o.", "zolc"),
        ("Acme, Inc.", "acme"),
    ],
)
def test_a_company_has_one_key_whatever_its_legal_form(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


def test_a_name_that_is_only_a_legal_form_still_has_a_key() -> None:
    assert name_key("Company") == "company"
    assert name_key("!!!") == ""


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("https://www.Firm.co.uk/x?y", "firm.co.uk"),
        ("mail.firm.de", "firm.de"),
        ("ann@sub.firm.example", "firm.example"),
        ("firm.example:8080", "firm.example"),
        ("10.0.0.1", ""),
        ("localhost", ""),
        ("not a domain", ""),
    ],
)
def test_the_registered_domain_of_an_address(text: str, domain: str) -> None:
    assert registered_domain(text) == domain


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Deutschland", "DE"),
        ("de", "DE"),
        ("España", "ES"),
        ("The Netherlands", "NL"),
        ("UK", "GB"),
        ("Narnia", ""),
        ("Poland", "PL"),
        ("France", "FR"),
        ("Liechtenstein", "LI"),
    ],
)
def test_countries_by_code_and_name(text: str, code: str) -> None:
    assert read_country(text) == code


@pytest.mark.parametrize(
    ("code", "language", "name"),
    [
        ("AT", "de", "Österreich"),
        ("AT", "en", "Austria"),
        ("AT", "de-at", "Österreich"),
        # Spelled in German as elsewhere, and in English.
        ("TW", "de", "Taiwan"),
        ("DE", "en", "Germany"),
        ("XK", "de", "Kosovo"),
        ("ZZ", "de", "ZZ"),
    ],
)
def test_a_country_is_named_in_the_readers_language(code: str, language: str, name: str) -> None:
    assert country_name(code, language) == name


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_name_of_a_country_is_read_as_its_code(language: str) -> None:
    assert [code for code, name in countries(language) if read_country(name) != code] == []
    assert [name for _code, name in countries("de")][-1] == "Zypern"


@pytest.mark.parametrize(
    ("field", "value", "kind"),
    [
        ("email", 5, "a number"),
        ("email", ["a@b.example"], "a list"),
        ("phone", 4972155501840, "a number"),
        ("company", {"name": "Firm"}, "an object"),
        ("message", True, "true or false"),
        ("external_id", 1.5, "a number"),
        ("consent", "yes", "a text"),
        ("utm_source", ["google"], "a list"),
    ],
)
def test_a_wrong_type_is_refused_by_name(field: str, value: Any, kind: str) -> None:
    refused = refusal({"email": "ann@firm.example", field: value})

    assert list(refused.fields) == [field]
    assert kind in refused.fields[field]


def test_all_wrong_fields_are_named_at_once() -> None:
    assert set(refusal({"email": 5, "phone": [], "consent": {"fax": True}}).fields) == {"email", "phone", "consent.fax"}


def test_null_and_a_whole_number_as_external_id_are_taken() -> None:
    found = read_submission({"external_id": 4711, "email": None, "company": None}, received_at=NOW)

    assert (found.external_id, found.email, found.company) == ("4711", "", "")


@pytest.mark.parametrize(
    "payload", [{}, {"name": "Ann"}, {"email": "", "phone": " "}, {"phone": "12"}, {"email": None}]
)
def test_what_identifies_nobody_is_refused_with_the_remedy(payload: dict[str, Any]) -> None:
    refused = refusal(payload)

    assert refused.code == "identifies_nobody"
    assert "send email, phone or external_id" in str(refused)


def test_a_broken_address_alone_is_refused_by_name() -> None:
    assert refusal({"email": "ann@firm"}).fields == {"email": "The ending is missing, for example “.com”."}


@pytest.mark.parametrize("other", [{"phone": "0721 5550 1840"}, {"external_id": "x1"}])
def test_a_broken_address_beside_another_identity_is_kept_and_noted(other: dict[str, str]) -> None:
    found = read_submission({"email": "ann@firm", **other}, received_at=NOW)

    assert (found.email, found.email_raw) == ("", "ann@firm")
    assert [problem.field for problem in found.problems] == ["email"]


def test_what_is_too_long_is_cut_and_noted() -> None:
    found = read(first_name="x" * 500, message="y" * 50_000)

    assert (len(found.first_name), len(found.message)) == (120, 20_000)
    assert {problem.field for problem in found.problems} == {"first_name", "message"}


def test_zero_bytes_and_half_surrogates_do_no_harm() -> None:
    found = read(first_name="A\x00nn", last_name="\ud800Dyk", message="a\x00b\r\nc", extra={"k\x00": "\udfff"})

    assert (found.first_name, found.last_name, found.message) == ("Ann", "\ufffdDyk", "ab\nc")
    json.dumps(found.attributes).encode()
    assert "\x00" not in json.dumps(found.attributes)


@needs_dirty_data
def test_naughty_strings_are_read_or_refused_in_every_field() -> None:
    strings = json.loads((DIRTY / "blns.json").read_text())
    fields = (
        "email phone first_name last_name name company website domain job_title country city language message subject "
        "source campaign utm_source utm_campaign referrer landing_page external_id occurred_at own_field"
    ).split()
    read_count = 0
    for text in strings:
        for field in fields:
            found = attempt({"email": "ann@firm.example", field: text})
            if isinstance(found, Refused):
                assert set(found.fields) <= {field}, (field, text)
            else:
                read_count += 1
                assert "\x00" not in repr(found)

    assert read_count > len(strings) * (len(fields) - 3)


def test_further_answers_are_kept_within_bounds() -> None:
    found = read(size="30 bis 120", tags=["a", "b"], empty="", huge="x" * 5000, nested={"deep": [1, {"x": None}]})

    assert found.attributes == {"size": "30 bis 120", "tags": ["a", "b"], "nested": {"deep": [1, {"x": None}]}}
    assert [problem.field for problem in found.problems] == ["huge"]
    many = read(**{f"k{number}": number for number in range(500)})
    assert len(many.attributes) == 60
    assert len(many.problems) == 1


def test_consent_is_what_was_said_with_its_wording() -> None:
    found = read(
        consent={"email": True, "call": {"granted": False, "text": "Ring me", "version": 3}, "profiling": None}
    )

    assert [(said.purpose, said.granted, said.text, said.version) for said in found.statements] == [
        ("email", True, "", ""),
        ("call", False, "Ring me", "3"),
    ]


def test_a_time_is_read_where_we_are_and_the_future_is_not_believed() -> None:
    assert read(occurred_at="2026-03-01").occurred_at == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert read(occurred_at="2026-03-01T10:00:00Z").occurred_at == datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    ahead = read(occurred_at=(NOW + timedelta(days=3)).isoformat())
    assert ahead.occurred_at == NOW
    assert [problem.field for problem in ahead.problems] == ["occurred_at"]
    assert list(refusal({"email": "ann@firm.example", "occurred_at": "2026-02-30"}).fields) == ["occurred_at"]


def test_a_time_before_1900_is_a_slip() -> None:
    with pytest.raises(InvalidMoment, match="1900"):
        read_moment("0026-03-01")


def test_where_the_person_works_is_read_from_website_and_language_from_a_locale() -> None:
    found = read(website="www.firm.co.uk/contact", language="de-AT")

    assert (found.domain, found.website, found.language) == ("firm.co.uk", "https://www.firm.co.uk/contact", "de")
    assert read(website="not a site").problems[0].field == "website"


@needs_dirty_data
def test_the_quick_look_never_promises_what_the_reading_refuses() -> None:
    cases = json.loads((DIRTY / "email_validator_cases.json").read_text())
    texts = [row[0] for rows in cases.values() for row in rows if isinstance(row, list) and isinstance(row[0], str)]
    texts += [row["address"] for row in csv.DictReader((DIRTY / "isemail_cases.csv").open())]
    texts += [f"ann@firm.{ending}" for ending in ("local", "invalid", "onion", "arpa", "test", "example")]
    promised = [text for text in texts if surely_readable({"email": text})]

    assert len(promised) > 10
    for text in promised:
        found = validate_email(text, check_deliverability=False, test_environment=True)
        assert read_address(text).domain == found.domain
        assert isinstance(attempt({"email": text}), Submission)


@pytest.mark.parametrize(
    "more",
    [
        {"phone": 5},
        {"consent": {"fax": True}},
        {"occurred_at": "never"},
        {"external_id": "x" * 300},
        {"message": ["x"]},
    ],
)
def test_the_quick_look_leaves_the_rest_to_the_reading(more: dict[str, Any]) -> None:
    assert surely_readable({"email": "ann@firm.example", "phone": "12", "own": [1], "company": None})
    assert not surely_readable({"email": "ann@firm.example", **more})
    assert not surely_readable({"external_id": "x1"})
