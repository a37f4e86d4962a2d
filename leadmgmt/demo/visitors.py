"""Who comes, when, and with what: the demo's strangers, drawn from a seeded source of chance. No database here."""

import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from leadmgmt.demo.areas import CODES
from leadmgmt.demo.market import ORIGINS, PAGES, WORDS_DE, WORDS_EN, Origin
from leadmgmt.demo.names import LANDS, OUTSIDE, TITLES, TRADES, Land

GERMAN = "Europe/Berlin"
UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ł": "L", "ł": "l"}
)


@dataclass(frozen=True)
class Firm:
    """A company that may need planning software."""

    name: str
    domain: str
    industry: str
    fit: float
    staff: int
    town: str
    land: Land


@dataclass
class Visitor:
    """One person. ``worth`` is the hidden chance that qualifying ends well; nobody in the product sees it."""

    first_name: str
    last_name: str
    email: str
    phone: str
    title: str
    firm: Firm
    origin: Origin
    campaign: str
    worth: float
    technicians: int
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrival:
    """One touch of one visitor."""

    at: datetime
    visitor: Visitor
    ask: str
    channel: str
    payload: dict[str, Any]


def plain(text: str) -> str:
    """Letters for an address."""
    folded = unicodedata.normalize("NFKD", text.translate(UMLAUTS)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")


class Crowd:
    """Makes firms, visitors and their touches."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.firms: list[Firm] = []
        self._domains: set[str] = set()
        self._emails: set[str] = set()

    def firm(self) -> Firm:
        """A new firm, or now and then one that is known already."""
        if self.firms and self.chance.random() < 0.22:
            return self.chance.choice(self.firms)
        land = self.chance.choices([*LANDS, OUTSIDE], [*(one.share for one in LANDS), 3])[0]
        industry, german, english, fit, staff = self.chance.choices(
            TRADES, [6 if one[3] > 0.4 else 2 for one in TRADES]
        )[0]
        owner = self.chance.choice(land.last.split())
        word = german if land.language == "de" else english
        name = f"{owner} {word} {self.chance.choice(land.legal.split('|'))}"
        base = plain(f"{owner} {word}")
        domain, count = f"{base}.example", 1
        while domain in self._domains:
            count += 1
            town = plain(self.chance.choice(land.towns.split()))
            domain, name = f"{base}-{town}{'' if count < 4 else count}.example", f"{owner} {word} {town.title()}"
        self._domains.add(domain)
        size = max(4, round(staff * self.chance.lognormvariate(0, 0.75)))
        town = self.chance.choice(land.towns.split())
        firm = Firm(name, domain, industry, fit, size, town, land)
        self.firms.append(firm)
        return firm

    def visitor(self) -> Visitor:
        """Somebody new."""
        chance, firm = self.chance, self.firm()
        origin = chance.choices(ORIGINS, [one.share for one in ORIGINS])[0]
        first, last = chance.choice(firm.land.first.split()), chance.choice(firm.land.last.split())
        email = f"{plain(first)}.{plain(last)}@{firm.domain}"
        while email in self._emails:
            last = chance.choice(firm.land.last.split())
            first = chance.choice(firm.land.first.split())
            email = f"{plain(first)}.{plain(last)}{chance.choice(['', '', str(chance.randint(2, 99))])}@{firm.domain}"
        self._emails.add(email)
        german, english, say = chance.choice(TITLES)
        size = 1.0 if 25 <= firm.staff <= 900 else 0.6
        worth = origin.quality * (0.35 + 0.65 * firm.fit) * (0.4 + 0.6 * say) * size * 0.95
        return Visitor(
            first_name=first,
            last_name=last,
            email=email,
            phone=firm.land.number.format(f"{chance.randint(0, 999):03d}") if chance.random() < 0.8 else "",
            title=german if firm.land.language == "de" else english,
            firm=firm,
            origin=origin,
            campaign=chance.choice(origin.campaigns)[0] if origin.campaigns and chance.random() < 0.9 else "",
            worth=min(worth, 0.92),
            technicians=min(160, max(2, round(firm.staff * chance.uniform(0.12, 0.5)))),
        )

    def arrival(self, visitor: Visitor, at: datetime, *, again: bool = False) -> Arrival:
        """A touch of the visitor, with what the channel sends."""
        asks = visitor.origin.asks
        ask = self.chance.choices([one for one, _ in asks], [weight + again for _, weight in asks])[0]
        if again and self.chance.random() < 0.5:
            ask = self.chance.choice(["demo", "pricing"])
        channel = self._channel(visitor.origin, ask)
        return Arrival(at, visitor, ask, channel, self._payload(visitor, ask, channel))

    def _channel(self, origin: Origin, ask: str) -> str:
        if origin.kind == "referral" and self.chance.random() < 0.45:
            return "manual"
        return "demo" if ask == "demo" and self.chance.random() < 0.75 else "website"

    def _payload(self, visitor: Visitor, ask: str, channel: str) -> dict[str, Any]:
        firm, chance = visitor.firm, self.chance
        german = firm.land.language == "de"
        payload: dict[str, Any] = {
            "email": visitor.email,
            "first_name": visitor.first_name,
            "last_name": visitor.last_name,
            "company": firm.name,
            "job_title": visitor.title if chance.random() < 0.8 else "",
            "phone": visitor.phone,
            "country": firm.land.code if chance.random() < 0.85 else "",
            "postal_code": CODES.get(firm.town, ""),
            "language": firm.land.language,
            "subject": ask,
            "consent": {"call": bool(visitor.phone), "email": True},
        }
        words = (WORDS_DE if german else WORDS_EN).get(ask)
        if words and chance.random() < 0.75:
            payload["message"] = chance.choice(words).format(n=visitor.technicians)
        if ask in ("demo", "pricing"):
            payload["technicians"] = visitor.technicians
        if channel == "manual":
            payload["source"] = visitor.origin.slug
        else:
            payload |= self._trail(visitor, ask)
        return {name: value for name, value in payload.items() if value not in ("", None)}

    def _trail(self, visitor: Visitor, ask: str) -> dict[str, str]:
        """Where the visit came from. Some links carry no mark at all: then no source is given."""
        origin = visitor.origin
        if origin.medium == "organic" and self.chance.random() < 0.2:
            return {"landing_page": f"https://www.tourenwerk.example{PAGES[ask]}"}
        spelling = self.chance.choice([origin.slug, *origin.aliases[:1]])
        return {
            "utm_source": spelling,
            "utm_medium": origin.medium,
            "utm_campaign": visitor.campaign,
            "landing_page": f"https://www.tourenwerk.example{PAGES[ask]}",
        }

    def arrivals(self, count: int, start: datetime, end: datetime) -> Iterator[Arrival]:
        """So many new visitors between two instants, and some of them again; more towards the end."""
        for moment in self._moments(count, start, end):
            visitor = self.visitor()
            yield self.arrival(visitor, moment)
            if self.chance.random() < 0.11:
                again = moment + timedelta(days=self.chance.expovariate(1 / 9), hours=self.chance.uniform(1, 8))
                if again < end:
                    yield self.arrival(visitor, again, again=True)

    def _moments(self, count: int, start: datetime, end: datetime) -> list[datetime]:
        """Instants with the rhythm of office weeks: most in the mornings, few at night and at weekends."""
        span = (end - start).total_seconds()
        found: list[datetime] = []
        while len(found) < count:
            # More every week.
            moment = start + timedelta(seconds=span * self.chance.random() ** 0.7)
            local = moment.astimezone(ZoneInfo(GERMAN))
            weekend = local.weekday() >= 5
            if self.chance.random() < RHYTHM[local.hour] * (0.22 if weekend else 1.0):
                found.append(moment)
        return sorted(found)


RHYTHM = (
    0.05, 0.03, 0.02, 0.02, 0.03, 0.06, 0.16, 0.4, 0.8, 1.0, 1.0, 0.9, 0.65, 0.8, 0.95, 0.9, 0.75, 0.5, 0.32, 0.28,
    0.26, 0.22, 0.15, 0.09,
)  # fmt: skip
