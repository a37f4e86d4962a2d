"""Sources: a new spelling counts at once and waits for a word; two that are one are folded, and can be parted."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from leadmgmt.core.errors import DomainError, InvalidInput
from leads.models import Campaign, Channel, Lead, Source, SourceCost, SourceFold, Touchpoint
from leads.services.source_costs import put_costs, read_costs
from leads.services.source_governance import (
    SourceInUse,
    fold_source,
    gather_late,
    save_spellings,
    unfold_source,
)
from leads.services.sources import Sources
from qualification.models import Segment
from tests.factories import make_channel, make_lead, make_source, make_touchpoint, make_user
from tests.routing.things import page, signed_in

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 30, 12, tzinfo=UTC)


def arrive(name: str) -> Source:
    sources = Sources()
    sources.load([name])
    found = sources.source(name)
    assert found is not None
    return found


def fold(gone: Source, kept: Source, **options: Any) -> SourceFold:
    return fold_source(gone.pk, kept.pk, **({"by": None, "at": AT, "conditions": []} | options))


def test_a_spelling_that_nobody_knew_is_a_source_to_be_confirmed() -> None:
    made = arrive("G-Ads")

    assert (made.slug, made.is_confirmed) == ("g-ads", False)
    assert arrive("G-Ads") == made


def test_everything_that_came_by_one_counts_for_the_other() -> None:
    kept, gone = make_source("google-ads"), arrive("g_ads")
    lead, other = make_lead(source=gone), make_lead(source=kept)
    touch = make_touchpoint(lead, source=gone)
    channel = make_channel(source=gone)
    day = AT.date()
    cost = SourceCost.objects.create(source=gone, starts_on=day, ends_on=day, amount=10)

    fold(gone, kept)

    for row in (lead, touch, channel, cost):
        row.refresh_from_db()
        assert row.source == kept
    other.refresh_from_db()
    assert other.source == kept
    assert arrive("g_ads") == kept
    assert arrive("G_ADS") == kept


def test_campaigns_of_the_same_name_become_one() -> None:
    kept, gone = make_source("google-ads"), make_source("g-ads")
    mine, theirs = (Campaign.objects.create(source=one, key="brand", name="Brand") for one in (kept, gone))
    alone = Campaign.objects.create(source=gone, key="fair", name="Fair")
    lead = make_lead(source=gone, campaign=theirs)

    fold(gone, kept)

    lead.refresh_from_db()
    alone.refresh_from_db()
    assert (lead.campaign, alone.source) == (mine, kept)


def test_taken_apart_everything_is_as_it_was_but_what_came_since() -> None:
    kept, gone = make_source("google-ads"), make_source("g-ads")
    mine, theirs = (Campaign.objects.create(source=one, key="brand", name="Brand") for one in (kept, gone))
    alone = Campaign.objects.create(source=gone, key="fair", name="Fair")
    lead, other = make_lead(source=gone, campaign=theirs), make_lead(source=kept, campaign=mine)
    made = fold(gone, kept)
    since = make_lead(source=arrive("g-ads"))
    elsewhere = make_lead(source=gone)
    Lead.objects.filter(pk=elsewhere.pk).update(source=make_source("fair"))

    unfold_source(made.pk, by=None, at=AT)

    for row in (lead, other, since, alone):
        row.refresh_from_db()
    assert (lead.source, lead.campaign, alone.source) == (gone, theirs, gone)
    assert (other.source, other.campaign, since.source) == (kept, mine, kept)
    gone.refresh_from_db()
    assert (gone.folded_into, gone.is_active) == (None, True)
    assert arrive("g-ads") == gone
    with pytest.raises(DomainError):
        unfold_source(made.pk, by=None, at=AT)


def test_a_chain_leads_to_its_end() -> None:
    first, second, third = make_source("a"), make_source("b"), make_source("c")
    fold(first, second)
    fold(second, third)

    assert arrive("a") == third
    made = SourceFold.objects.get(gone=second)
    unfold_source(made.pk, by=None, at=AT)
    assert arrive("a") == second


def test_what_was_on_its_way_is_gathered_and_can_go_back() -> None:
    kept, gone = make_source("google-ads"), make_source("g-ads")
    made = fold(gone, kept)
    late = make_lead(source=gone)

    assert gather_late(AT) == 1
    assert gather_late(AT) == 0

    late.refresh_from_db()
    assert late.source == kept
    unfold_source(made.pk, by=None, at=AT)
    late.refresh_from_db()
    assert late.source == gone


def test_a_source_that_a_rule_asks_for_stays() -> None:
    kept, gone = make_source("google-ads"), make_source("g-ads")
    asks = {"fact": "lead.source", "op": "in", "value": ["g-ads"]}

    with pytest.raises(SourceInUse):
        fold(gone, kept, conditions=[asks])
    with pytest.raises(InvalidInput):
        fold(gone, gone)
    other = {"fact": "contact.language", "op": "eq", "value": "g-ads"}
    assert fold(gone, kept, conditions=[other])


def test_a_spelling_belongs_to_one_source() -> None:
    first, second = make_source("a"), make_source("b")
    save_spellings(first.pk, ["Adwords", "  ", "adwords", "GAds"])
    assert {row.alias for row in first.aliases.all()} <= {"Adwords", "adwords", "GAds"}
    assert first.aliases.count() == 2

    with pytest.raises(InvalidInput) as error:
        save_spellings(second.pk, ["ADWORDS"])

    assert "spellings" in error.value.fields
    save_spellings(first.pk, ["GAds"])
    save_spellings(second.pk, ["ADWORDS"])
    assert arrive("adwords") == second


class TestCosts:
    def test_lines_of_several_shapes_are_read(self) -> None:
        make_source("google-ads", name="Google Ads")
        text = (
            "Quelle;Kampagne;Von;Bis;Betrag\n"
            "Google Ads;Marke;01.11.2026;30.11.2026;1.234,56 €\n\n"
            "google-ads;;2.11.2026;;7,5\n"
        )

        good, wrong = read_costs(text)

        assert wrong == []
        assert [(one.campaign, str(one.first), str(one.last), one.amount) for one in good] == [
            ("Marke", "2026-11-01", "2026-11-30", Decimal("1234.56")),
            ("", "2026-11-02", "2026-11-02", Decimal("7.50")),
        ]

    @pytest.mark.parametrize(
        ("text", "amount"),
        [
            ("1,234.56", "1234.56"),
            ("1.234,5", "1234.50"),
            ("12,34", "12.34"),
            ("1,234,567", "1234567.00"),
            ("5", "5.00"),
        ],
    )
    def test_amounts(self, text: str, amount: str) -> None:
        make_source("x")
        (one,), _wrong = read_costs(f"source;from;amount\nx;2026-11-01;{text}")
        assert str(one.amount) == amount

    @pytest.mark.parametrize("text", ["1,234", "1.234", "12.500 €"])
    def test_what_can_be_read_in_two_ways_is_asked_for_again(self, text: str) -> None:
        make_source("google-ads")
        good, wrong = read_costs(f"source;from;amount\ngoogle-ads;2026-11-01;{text}")
        assert good == []
        assert "can be read in two ways" in wrong[0].remedy

    @pytest.mark.parametrize(("text", "amount"), [("1234.567", "1234.57"), ("0.125", "0.12"), ("1,5", "1.50")])
    def test_what_can_be_read_in_one_way_is_taken(self, text: str, amount: str) -> None:
        make_source("google-ads")
        (line,), wrong = read_costs(f"source;from;amount\ngoogle-ads;2026-11-01;{text}")
        assert (str(line.amount), wrong) == (amount, [])

    def test_the_same_days_again_take_the_place_of_what_was_said(self) -> None:
        source = make_source("x")
        assert put_costs("source;campaign;from;amount\nx;a;2026-11-01;5\nx;;2026-11-01;3") == (2, 0)
        assert put_costs("source\tcampaign\tfrom\tamount\nx\ta\t2026-11-01\t6") == (0, 1)

        assert sorted(SourceCost.objects.filter(source=source).values_list("amount", flat=True)) == [3, 6]
        assert Campaign.objects.get(source=source).key == "a"

    def test_every_line_to_mend_is_said_and_nothing_kept(self) -> None:
        make_source("x")
        text = (
            "source,from,to,amount\nx,2026-11-01,2026-10-01,5\nnobody,2026-11-01,,5\nx,soon,,5\n"
            "x,2026-11-01,,much\nx,2026-11-01,,5"
        )

        with pytest.raises(InvalidInput) as error:
            put_costs(text)

        assert [line.split(":")[0] for line in error.value.fields["text"].split("\n")] == [
            "Line 2", "Line 3", "Line 4", "Line 5",
        ]  # fmt: skip
        assert not SourceCost.objects.exists()
        assert not Source.objects.filter(slug="nobody").exists()

    @pytest.mark.parametrize("text", ["a;b\n1;2", "source;from;amount\n", ""])
    def test_what_is_no_list_is_said_to_be_none(self, text: str) -> None:
        with pytest.raises(InvalidInput):
            put_costs(text)


class TestPages:
    def test_a_new_name_is_folded_with_an_undo(self) -> None:
        kept, gone = make_source("google-ads", name="Google Ads"), arrive("gads")
        make_lead(source=gone)
        client = signed_in(make_user("marketing"))
        text = page(client, "source_list")
        assert "New names" in text
        assert "gads 1 lead" in text

        answer = client.post(reverse("source_fold", args=[gone.pk]), {"kept": str(kept.pk)}, follow=True)

        assert "gads counts for Google Ads" in answer.content.decode()
        made = SourceFold.objects.get()
        assert reverse("source_unfold", args=[made.pk]) in answer.content.decode()
        client.post(reverse("source_unfold", args=[made.pk]))
        assert Lead.objects.get().source == gone

    def test_a_new_name_is_confirmed(self) -> None:
        made = arrive("fair 2026")
        client = signed_in(make_user("admin"))
        client.post(reverse("source_confirm", args=[made.pk]), {"kind": "event"})
        made.refresh_from_db()
        assert (made.is_confirmed, made.kind) == (True, "event")

    def test_what_a_segment_asks_for_is_not_folded(self) -> None:
        kept, gone = make_source("a"), make_source("b")
        Segment.objects.create(name="x", condition={"fact": "lead.source", "op": "eq", "value": "b"})
        client = signed_in(make_user("admin"))
        answer = client.post(reverse("source_fold", args=[gone.pk]), {"kept": kept.pk}, follow=True)
        assert "change that first" in answer.content.decode()
        assert not SourceFold.objects.exists()
        client.post(reverse("source_fold", args=[gone.pk]), {"kept": "none"})
        assert not SourceFold.objects.exists()

    def test_a_source_is_added_and_its_spellings_saved(self) -> None:
        client = signed_in(make_user("admin"))
        client.post(reverse("source_list"), {"name": "Trade fair", "kind": "event", "spellings": "Messe\nexpo"})
        made = Source.objects.get(slug="trade-fair")
        assert arrive("MESSE") == made
        twice = client.post(reverse("source_list"), {"name": "trade FAIR", "kind": "event"})
        assert (twice.status_code, list(twice.context["form"].errors)) == (422, ["name"])
        client.post(
            reverse("source_edit", args=["trade-fair"]), {"name": "Fairs", "kind": "event", "spellings": "expo"}
        )
        made.refresh_from_db()
        assert (made.name, [one.alias for one in made.aliases.all()]) == ("Fairs", ["expo"])
        wrong = make_source("other")
        wrong.aliases.create(alias="show")
        answer = client.post(
            reverse("source_edit", args=["trade-fair"]), {"name": "Fairs", "kind": "event", "spellings": "show"}
        )
        assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["spellings"])

    def test_costs_come_by_file_and_go_again(self) -> None:
        make_source("x", name="Ex")
        client = signed_in(make_user("manager"))
        example = client.get(reverse("source_costs_example")).content.decode()
        file = SimpleUploadedFile("c.csv", example.replace("0.00", "12.50").encode())
        client.post(reverse("source_costs"), {"file": file})
        cost = SourceCost.objects.get()
        assert cost.amount == Decimal("12.5")
        assert "Ex" in page(client, "source_costs")
        assert "12.50" in page(client, "source_edit", "x")
        wrong = client.post(reverse("source_costs"), {"text": "source;from;amount\nnobody;2026-11-01;1"})
        assert (wrong.status_code, "Line 2" in wrong.content.decode()) == (422, True)
        assert client.post(reverse("source_costs"), {}).status_code == 422
        client.post(reverse("source_cost_delete", args=[cost.pk]))
        assert not SourceCost.objects.exists()

    @pytest.mark.parametrize("name", ["source_list", "source_costs"])
    def test_who_may(self, name: str) -> None:
        for role in ("sdr", "ae", "team_lead"):
            assert signed_in(make_user(role)).get(reverse(name)).status_code == 403


def test_many_rows_move_in_one_statement_each() -> None:
    kept, gone = make_source("a"), make_source("b")
    for _lead in range(5):
        make_touchpoint(make_lead(source=gone), source=gone, at=timezone.now() - timedelta(days=1))

    made = fold(gone, kept)

    assert len(made.moved["leads_lead"]) == 5
    assert Touchpoint.objects.filter(source=kept).count() == 5
    assert not Channel.objects.filter(source=gone).exists()
