"""German: complete, with every placeholder, in its own typography, and on every page instead of English."""

import gettext
import re
from collections import Counter
from functools import cache
from html import unescape

import pytest
from django.test import Client

from crmsync.models import BoardDeal, Handoff
from crmsync.services.convert import convert_lead
from leads.models import Channel, Lead, User
from leads.services.capture import receive
from routing.models import Certificate
from tests.catalogue import GERMAN, Entry, marked, read_catalogue
from tests.crmsync.things import make_sql
from tests.factories import make_channel, make_lead, make_reason, make_user
from tests.worker import drain
from tests.world import World, build_world

PLACEHOLDER = re.compile(r"%\(\w+\)[.\d]*[a-z]|%%|\{\w*\}|</?\w+>")
ENTRIES = read_catalogue()


def test_every_marked_string_is_in_the_catalogue() -> None:
    assert marked() - {entry.key for entry in ENTRIES} == set()


def test_every_string_has_its_german_and_none_is_a_guess() -> None:
    unfinished = [entry.text for entry in ENTRIES if not entry.forms or not all(entry.forms.values())]
    guessed = [entry.text for entry in ENTRIES if "fuzzy" in entry.flags or "#~" in entry.flags]

    assert (unfinished, guessed) == ([], [])
    assert [entry.text for entry in ENTRIES if entry.plural and len(entry.forms) != 2] == []


def test_no_placeholder_is_lost_or_invented() -> None:
    def holders(text: str) -> Counter[str]:
        return Counter(PLACEHOLDER.findall(text))

    pairs = [pair for entry in ENTRIES for pair in entry.pairs()]
    assert [(english, german) for english, german in pairs if holders(english) != holders(german)] == []


def test_edges_that_sentences_are_joined_by_stay() -> None:
    """A text that begins with a space or a line of its own does so in German."""
    moved = [
        (english, german)
        for entry in ENTRIES
        for english, german in entry.pairs()
        if english.strip()
        if english[:1].isspace() != german[:1].isspace() or english[-1:].isspace() != german[-1:].isspace()
    ]
    assert moved == []


def test_german_is_set_as_german() -> None:
    forms = [form for entry in ENTRIES for form in entry.forms.values()]

    assert [form for form in forms if form.count("„") != form.count("“") or "”" in form] == []
    assert [form for form in forms if re.search(r"\w%%", form)] == []
    assert [form for form in forms if re.search(r"!|\bbitte\b|\b(du|dein|deine|dir|dich)\b", form)] == []
    assert [form for form in forms if re.search(r"(?<!\\)\bG:i(?!\u00a0\\U)(?!:s)", form)] == []


def test_the_compiled_catalogue_says_the_same() -> None:
    """The product runs where nobody can compile it."""
    with (GERMAN / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)

    def said(entry: Entry, number: int) -> str:
        if entry.plural and entry.context:
            return compiled.npgettext(entry.context, entry.text, entry.plural, number + 1)
        if entry.plural:
            return compiled.ngettext(entry.text, entry.plural, number + 1)
        return compiled.pgettext(entry.context, entry.text) if entry.context else compiled.gettext(entry.text)

    stale = [entry.text for entry in ENTRIES for number, form in entry.forms.items() if said(entry, number) != form]
    assert stale == []


# What is no English on these pages: the column of the board and the channel as their owners called them, and the
# switch of languages.
NAMES = {"Lost", "website", "English"}
GERMANS = {form for entry in ENTRIES for form in entry.forms.values()}


@cache
def fragments() -> set[str]:
    """Pieces of English between placeholders, too long to be there by chance and said by no German text."""
    found = set()
    for entry in ENTRIES:
        for english, german in entry.pairs():
            if english != german:
                found |= {piece.strip() for piece in PLACEHOLDER.split(english)}
    together = "\n".join(GERMANS)
    return {piece for piece in found if len(piece) > 12 and " " in piece and piece not in together}


@cache
def words() -> set[str]:
    """English texts that may not be all that an element says."""
    english = {english for entry in ENTRIES for english, german in entry.pairs() if english != german}
    return {text for text in english if len(text) > 3 and not PLACEHOLDER.search(text)} - GERMANS - NAMES


def shown(html: str) -> list[str]:
    """What a page says, one text after the other: of elements, and of attributes that are read aloud or shown."""
    html = re.sub(r"<(script|style|select)\b.*?</\1>", "", html, flags=re.DOTALL)
    attributes = re.findall(r'\b(?:aria-label|title|placeholder|alt|data-key-label)="([^"]+)"', html)
    texts = re.findall(r">([^<>]+)<", html)
    return [" ".join(unescape(text).split()) for text in [*texts, *attributes] if text.strip()]


def english_on(html: str) -> list[str]:
    """What a page still says in English."""
    texts, pieces, exact = shown(html), fragments(), words()
    return [text for text in texts if text in exact or any(piece in text for piece in pieces)]


def test_the_search_for_english_finds_it() -> None:
    assert english_on('<p title="Sign out">Nichts</p><h1>Queue</h1><p>Yours since 9:41: rule 4, DACH</p>') == [
        "Queue",
        "Sign out",
    ]
    assert english_on("<p>Nothing waits for you.</p>") == ["Nothing waits for you."]


@pytest.fixture
def world(transactional_db: None) -> World:
    """One lead that has just come, one at the AE, one waiting, one of each end; everybody reads German."""
    world = build_world()
    make_user("admin", first_name="Ida", email="ida@ours.example")
    said = {"email": "h@rheintal.example", "last_name": "Hoffmann", "phone": "+4972155501840", "subject": "demo"}
    receive(world.channel, said | {"message": "Wir planen 45 Techniker in Excel."})
    drain()
    make_sql(owner=world.ann)
    for stage, kind in (("recycled", "recycle"), ("disqualified", "disqualify")):
        make_lead(stage=stage, owner=world.ann, reason=make_reason(kind))
    make_channel("contact", kind=Channel.Kind.FORM, name="Contact")
    User.objects.update(language="de")
    return world


def pages(world: World) -> dict[str, list[str]]:
    """Addresses by who looks at them."""
    deal, offered = BoardDeal.objects.get(), Handoff.objects.get()
    leads = [f"/leads/{pk}/" for pk in Lead.objects.values_list("pk", flat=True)]
    names = ("funnel", "speed", "sources", "team")
    reports = [f"/reports/{name}/{query}" for name in names for query in ("", "?period=all")]
    certificates = [f"/routing/certificates/{pk}/" for pk in Certificate.objects.values_list("pk", flat=True)]
    return {
        world.ann.email: ["/queue/", "/leads/", "/leads/new/", "/profile/", "/notifications/"],
        world.ada.email: ["/handoffs/", f"/handoffs/{offered.pk}/", "/board/", f"/board/{deal.pk}/"],
        world.mia.email: reports,
        "ida@ours.example": [
            *leads, *certificates, "/setup/", "/setup/crm/", "/routing/", "/routing/versions/", "/routing/waiting/",
            "/routing/reps/", f"/routing/pools/{world.pool.slug}/", "/search/?q=hoff", "/nichts/",
        ],
        "": ["/login/", "/password/forgotten/", "/f/contact/"],
    }  # fmt: skip


def test_no_page_speaks_english_to_a_german_reader(world: World) -> None:
    convert_lead(Lead.objects.get(stage="sql").pk, by=world.ann)
    drain()

    left = {}
    for email, addresses in pages(world).items():
        client = Client(HTTP_ACCEPT_LANGUAGE="de")
        if email:
            client.force_login(User.objects.get(email=email))
        for address in addresses:
            answer = client.get(address)
            assert answer.status_code == (404 if address == "/nichts/" else 200), address
            if found := english_on(answer.content.decode()):
                left[address] = found

    assert left == {}
