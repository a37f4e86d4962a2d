"""Places: postal codes as people write them, ranges, tables of territories, and what is proved about them."""

from itertools import product
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from leadmgmt.core.errors import InvalidInput
from leads.conditions import parse
from leads.conditions.prover import Prover
from leads.facts import lead_facts
from leads.models import Contact, Lead, TerritoryArea
from leads.normalise.postal import InvalidRange, plain_code, read_range, within
from leads.services.capture import receive
from leads.services.territories import InUse, delete_table, lines_of, read_areas, save_table, territory_of
from tests.factories import make_channel, make_contact, make_lead, make_user
from tests.routing.things import ALWAYS, make_rules, signed_in

CODE = "contact.postal_code"
TABLE = "Nord;DE;;0-4\nSüd;DE;;8 9\nMünchen;DE;;80331-80339\nWien;AT;Wien;\nRest;Österreich;;\n"


def in_ranges(*ranges: str) -> dict[str, Any]:
    return {"fact": CODE, "op": "in_ranges", "value": list(ranges)}


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("80-87", ("80", "87")),
        ("80331 - 87999", ("80331", "87999")),
        ("01067", ("01067", "01067")),
        ("SW1–sw9", ("SW1", "SW9")),
        ("00-950", ("00950", "00950")),
        ("12345-6789", ("123456789", "123456789")),
        ("10..12", ("10", "12")),
    ],
)
def test_ranges_are_read_as_people_write_them(text: str, ends: tuple[str, str]) -> None:
    assert read_range(text) == ends


@pytest.mark.parametrize("text", ["", "-", "80 - 870", "87-80", "1 - 2 - 3", "–"])
def test_a_range_that_is_none_says_so(text: str) -> None:
    with pytest.raises(InvalidRange):
        read_range(text)


def test_a_turned_range_is_refused_in_its_place() -> None:
    with pytest.raises(InvalidInput) as wrong:
        parse({"all": [in_ranges("80-87", "90-80")]})

    assert list(wrong.value.fields) == ["all[0].value[1]"]


@pytest.mark.parametrize(
    ("code", "held"), [("80331", True), ("87999", True), ("88000", False), ("8", False), ("", False), (None, False)]
)
def test_a_range_holds_for_the_codes_that_begin_with_it(code: str | None, held: bool) -> None:
    assert parse(in_ranges("80-87")).holds({CODE: code}) is held


def test_it_says_itself_in_two_languages() -> None:
    condition = parse(in_ranges("80-87", "94"))

    assert condition.sentence("en") == "postal code lies in 80-87 or 94"
    assert condition.sentence("de") == "Postleitzahl liegt in 80-87 oder 94"


RANGES = ["0-4", "3", "30-33", "ZZ", "Z", "00-0Z", "A0-AZ"]
ALL_CODES = [None, *("".join(signs) for length in (1, 2, 3) for signs in product("0349AZ", repeat=length))]


@given(
    wanted=st.lists(st.sampled_from(RANGES), min_size=1, max_size=2),
    without=st.lists(st.sampled_from(RANGES), max_size=3),
    exact=st.sampled_from(["3", "30", "333", "ZZ", "A"]),
    is_exact=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_the_prover_agrees_with_trying_every_code(
    wanted: list[str], without: list[str], exact: str, is_exact: bool
) -> None:
    first = {"fact": CODE, "op": "eq", "value": exact} if is_exact else in_ranges(*wanted)
    conditions = [parse(first), *(parse(in_ranges(one)) for one in without)]
    found = Prover(conditions).find(conditions[0], conditions[1:])

    # A code of three signs tells apart what ranges of two say, of these signs.
    exists = any(
        conditions[0].holds({CODE: code}) and not any(one.holds({CODE: code}) for one in conditions[1:])
        for code in ALL_CODES
    )

    assert found.is_sure
    if found.example is None:
        assert not exists
    else:
        assert conditions[0].holds(found.example)
        assert not any(one.holds(found.example) for one in conditions[1:])


@given(st.text("0123456789AZ", min_size=1, max_size=5), st.sampled_from([("80", "87"), ("0", "Z"), ("A1", "A9")]))
def test_within_is_what_the_beginnings_say(code: str, ends: tuple[str, str]) -> None:
    low, high = ends
    padded = code.ljust(len(low), "\0")[: len(low)]
    assert within(code, low, high) is (low <= padded <= high)


@pytest.mark.django_db
def test_the_narrowest_area_wins() -> None:
    save_table("sales", "Sales", TABLE)

    told = [territory_of("sales", "DE", "", code) for code in ("80335", "80999", "30159", "5", "")]
    austria = [territory_of("sales", "at", region, "1010") for region in ("WIEN", "Tirol")]

    assert told == ["München", "Süd", "Nord", None, None]
    assert austria == ["Wien", "Rest"]
    assert territory_of("sales", "FR", "", "80335") is None


@pytest.mark.django_db
def test_a_table_is_taken_whole_or_not_at_all() -> None:
    save_table("sales", "Sales", TABLE)
    before = list(TerritoryArea.objects.values_list("territory", "country", "region", "low", "high"))

    with pytest.raises(InvalidInput) as wrong:
        wrong_lines = "Süd;Atlantis;;8\nWest;DE;;3\nOst;DE;Sachsen;01\n;DE;;\nA;DE;;\nB;DE;;"
        save_table("sales", "Sales", f"Nord;DE;;0-4\n{wrong_lines}")

    said = wrong.value.fields["areas"].split("\n")
    assert [line.split(":")[0] for line in said] == ["Line 2", "Line 3", "Line 4", "Line 5", "Line 7"]
    assert "overlaps with line 1" in said[1]
    assert list(TerritoryArea.objects.values_list("territory", "country", "region", "low", "high")) == before


@pytest.mark.django_db
def test_a_table_survives_its_own_file() -> None:
    table = save_table("sales", "Sales", TABLE)
    before = {tuple(one) for one in table.areas.values_list("territory", "country", "region_key", "low", "high")}

    again = save_table("sales", "Sales", lines_of(table))

    assert {
        tuple(one) for one in again.areas.values_list("territory", "country", "region_key", "low", "high")
    } == before


@pytest.mark.django_db
def test_a_table_that_a_rule_asks_for_stays() -> None:
    save_table("sales", "Sales", TABLE)

    with pytest.raises(InUse):
        delete_table("sales", [{"fact": "territory.sales", "op": "in", "value": ["Nord"]}])
    delete_table("sales", [{"fact": "territory.sales_two", "op": "in", "value": ["Nord"]}])

    assert not TerritoryArea.objects.exists()


def test_lines_of_a_spreadsheet_are_read() -> None:
    areas, wrong = read_areas("Gebiet,Land,Region,PLZ\n Nord ,DE,,20|21 - 22\nSüd\t,DE,,8\n")

    assert not wrong
    assert [(one.territory, one.low, one.high) for one in areas][:2] == [("Nord", "20", "20"), ("Nord", "21", "22")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [("postal_code", "D-80331", "80331"), ("postal_code", "sw1a 1aa", "SW1A 1AA"), ("region", " Bayern ", "Bayern")],
)
def test_what_a_form_sends_is_kept(field: str, sent: str, kept: str) -> None:
    receive(make_channel(), {"email": "nele@nord.example", "country": "DE", field: sent})

    assert getattr(Contact.objects.get(), field) == kept


def test_a_code_is_kept_without_the_country_before_it() -> None:
    assert [plain_code(one) for one in ("D-80331", "CH 8001", "A - 1010", "sw1a 1aa")] == [
        "80331",
        "8001",
        "1010",
        "SW1A 1AA",
    ]


@pytest.mark.django_db
class TestPages:
    def test_an_admin_makes_a_table_and_tries_a_place(self) -> None:
        client = signed_in(make_user("admin"))
        form = {"name": "Sales", "slug": "sales", "areas": TABLE}

        made = client.post(reverse("routing:territory_new"), form)
        page = client.get(reverse("routing:territory", args=["sales"]), {"country": "DE", "code": "80335"})

        assert made["Location"] == reverse("routing:territory", args=["sales"])
        assert "München" in page.content.decode()
        assert page.context["found"] == "München"

    def test_what_is_wrong_stands_at_the_field_with_its_line(self) -> None:
        client = signed_in(make_user("admin"))

        page = client.post(
            reverse("routing:territory_new"), {"name": "S", "slug": "s", "areas": "Nord;DE;;1\nSüd;DE;;1"}
        )

        assert page.status_code == 422
        assert "Line 2: 1 overlaps with line 1" in page.content.decode()

    def test_counts_lead_to_their_leads(self) -> None:
        client = signed_in(make_user("admin"))
        save_table("sales", "Sales", TABLE)
        for code in ("80335", "80336", "30159", ""):
            make_lead(contact=make_contact(country="DE", postal_code=code))

        shares = client.get(reverse("routing:territory", args=["sales"])).context["shares"]

        assert {one.name: one.leads for one in shares} == {
            "Nord": 1,
            "Süd": 0,
            "München": 2,
            "Wien": 0,
            "Rest": 0,
            "": 1,
        }
        for share in shares:
            assert client.get(share.url).context["page"].paginator.count == share.leads

    @pytest.mark.parametrize("role", ["sdr", "ae", "manager"])
    def test_others_look_and_change_nothing(self, role: str) -> None:
        save_table("sales", "Sales", TABLE)
        client = signed_in(make_user(role))

        assert client.get(reverse("routing:territory", args=["sales"])).status_code == 200
        assert (
            client.post(reverse("routing:territory", args=["sales"]), {"name": "x", "areas": "A;DE;;"}).status_code
            == 404
        )
        assert client.post(reverse("routing:territory_delete", args=["sales"])).status_code == 403
        assert client.post(reverse("routing:territory_new"), {}).status_code == 403

    def test_the_file_can_be_taken_and_given_back(self) -> None:
        client = signed_in(make_user("admin"))
        save_table("sales", "Sales", TABLE)
        content = client.get(reverse("routing:territory_file", args=["sales"])).content

        file = SimpleUploadedFile("t.csv", content + b"Tirol;AT;Tirol;\n")
        client.post(reverse("routing:territory", args=["sales"]), {"name": "Sales", "areas": "", "file": file})

        assert territory_of("sales", "AT", "tirol", "") == "Tirol"

    def test_a_rule_in_use_keeps_its_table(self) -> None:
        save_table("sales", "Sales", TABLE)
        make_rules(("Nord", {"fact": "territory.sales", "op": "in", "value": ["Nord"]}, None), ("Rest", ALWAYS, None))

        answer = signed_in(make_user("admin")).post(reverse("routing:territory_delete", args=["sales"]))

        assert answer.status_code in (302, 409)
        assert TerritoryArea.objects.exists()


@pytest.mark.django_db
def test_facts_say_the_territory() -> None:
    save_table("sales", "Sales", TABLE)
    lead = make_lead(contact=make_contact(country="DE", postal_code="80 335"))

    facts = lead_facts(Lead.objects.get(pk=lead.pk), lead.captured_at)

    assert facts["territory.sales"] == "München"
