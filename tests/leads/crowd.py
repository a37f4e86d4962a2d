"""A seeded crowd with a secret: who of them is who. For precision and recall of matching, in tests and in the bench."""

import random
from dataclasses import dataclass, replace

from leads.normalise.naming import given_name

FIRST = """Anna Ben Clara David Emma Felix Greta Hannah Ida Jonas Karl Laura Max Nina Oskar Paula Quentin Rosa Simon
Tina Uwe Vera Walter Xenia Yannick Zoe Robert William Elisabeth Johannes Katharina Michael Thomas Stefan Alexander
Christine Susanne Wolfgang Friedrich Margaret James Jennifer Daniel Matthew Nicholas Samuel Theresa Andreas""".split()
NICK = {
    "Robert": "Bob",
    "William": "Bill",
    "Elisabeth": "Lisa",
    "Johannes": "Hans",
    "Katharina": "Kathi",
    "Michael": "Mike",
    "Thomas": "Tom",
    "Alexander": "Sascha",
    "Christine": "Tina",
    "Susanne": "Susi",
    "Friedrich": "Fritz",
    "Margaret": "Maggie",
    "James": "Jim",
    "Jennifer": "Jenny",
    "Daniel": "Dan",
    "Matthew": "Matt",
    "Nicholas": "Nick",
    "Samuel": "Sam",
    "Andreas": "Andi",
}
START = "Adler Becker Brand Dietz Engel Fuchs Gruber Hart Iversen Jansen Keller Lang Moser Nolte Oster Pfeiffer".split()
END = "mann,berger,hofer,inger,feld,stein,bach,er,ler,sen,,ner,dorfer,meier,huber,wald".split(",")
FIRMS = "Nord Sued Alpen Rhein Main Donau Elbe Isar Spree Weser Neckar Mosel Ruhr Saale Havel Inn".split()
TRADES = "Technik Logistik Software Maschinenbau Energie Bau Chemie Optik Medien Pharma Textil Stahl".split()
LEGAL = ["GmbH", "AG", "GmbH & Co. KG", "SE", "KG"]
CITIES = "Berlin Hamburg Muenchen Koeln Ulm Linz Graz Bern Basel Bremen Kiel Jena".split()


@dataclass(frozen=True)
class Card:
    """One submission; ``who`` is the secret."""

    who: int
    kind: str
    first: str
    last: str
    email: str
    phone: str
    company: str
    city: str

    def payload(self) -> dict[str, str]:
        """As it is captured."""
        told = {
            "first_name": self.first,
            "last_name": self.last,
            "email": self.email,
            "phone": self.phone,
            "company": self.company,
            "city": self.city,
        }
        return {name: value for name, value in told.items() if value}


def domain_of(company: str) -> str:
    """The firm's domain, without its legal form."""
    words = company.split()[:2]
    return f"{'-'.join(words).lower()}.example"


class Crowd:
    """Makes people, and cards of people who come again."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._number = 0

    def _pick(self, things: list[str]) -> str:
        return self.chance.choice(things)

    def stranger(self, kind: str = "new") -> Card:
        """Somebody who was not here before."""
        self._number += 1
        first = self._pick(FIRST)
        last = self._pick(START) + self._pick(END)
        number = self._number
        firm = f"{self._pick(FIRMS)}{self._pick(FIRMS).lower()} {self._pick(TRADES)}{number % 97}"
        company = f"{firm} {self._pick(LEGAL)}"
        email = f"{first}.{last}{number}@{domain_of(company)}".lower()
        phone = f"+49 30 {2000000 + number}"
        return Card(number, kind, first, last, email, phone, company, self._pick(CITIES))

    def again(self, card: Card) -> Card:
        """The same person, in one of the ways in which people come again."""
        kinds = [
            "same",
            "spelling",
            "nameless",
            "nickname",
            "typo",
            "moved",
            "private",
            "address typo",
            "no phone",
            "swapped",
        ]
        kind = self._pick(kinds)
        return replace(getattr(self, f"_{kind.replace(' ', '_')}")(card), kind=kind)

    def other(self, card: Card) -> Card:
        """Somebody else who looks like this one."""
        stranger = self.stranger()
        kind = self._pick(["twin", "office phone", "namesake", "colleague"])
        if kind == "twin":
            # No parents call twins Tina and Christine.
            others = [name for name in FIRST if given_name(name) != given_name(card.first)]
            first = self._pick(others)
            email = f"{first}.{card.last}{stranger.who}@{domain_of(card.company)}".lower()
            return replace(card, who=stranger.who, kind=kind, first=first, email=email)
        if kind == "office phone":
            email = f"{stranger.first}.{stranger.last}{stranger.who}@{domain_of(card.company)}".lower()
            return replace(stranger, kind=kind, phone=card.phone, company=card.company, email=email)
        if kind == "namesake":
            return replace(stranger, kind=kind, first=card.first, last=card.last)
        email = f"{stranger.first}.{stranger.last}{stranger.who}@{domain_of(card.company)}".lower()
        return replace(stranger, kind=kind, company=card.company, email=email)

    def _same(self, card: Card) -> Card:
        return card

    def _spelling(self, card: Card) -> Card:
        return replace(card, email=card.email.upper(), last=card.last.upper(), phone=card.phone.replace(" ", ""))

    def _nameless(self, card: Card) -> Card:
        return replace(card, first="", last="")

    def _nickname(self, card: Card) -> Card:
        return replace(card, first=NICK.get(card.first, card.first), email=self._private_address(card))

    def _typo(self, card: Card) -> Card:
        return replace(card, last=self._mistype(card.last), email=self._private_address(card))

    def _moved(self, card: Card) -> Card:
        stranger = self.stranger()
        email = f"{card.first}.{card.last}@{domain_of(stranger.company)}".lower()
        return replace(card, email=email, company=stranger.company)

    def _private(self, card: Card) -> Card:
        return replace(card, email=self._private_address(card), company="")

    def _address_typo(self, card: Card) -> Card:
        local, _at, domain = card.email.partition("@")
        return replace(card, email=f"{self._mistype(local)}@{domain}", phone="")

    def _no_phone(self, card: Card) -> Card:
        return replace(card, phone="", email=f"{card.first[0]}{card.last}@{domain_of(card.company)}".lower())

    def _swapped(self, card: Card) -> Card:
        return replace(card, first=card.last, last=card.first, email=self._private_address(card))

    def _private_address(self, card: Card) -> str:
        return f"{card.first}{card.last}{self.chance.randint(1, 99)}@gmail.com".lower()

    def _mistype(self, word: str) -> str:
        place = self.chance.randrange(1, len(word) - 1)
        letter = self._pick(list("abcdefghiklmnoprstuw"))
        ways = [
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
            word[:place] + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + letter + word[place + 1 :],
        ]
        return self._pick([way for way in ways if way != word] or [word + letter])


@dataclass
class Judged:
    """What matching made of a crowd: pairs of cards that are one person, joined by themselves or found for review."""

    true_pairs: int
    joined_right: int
    joined_wrong: int
    asked_right: int
    asked_wrong: int

    @property
    def precision(self) -> float:
        """Of what was joined by itself, the share that is one person."""
        return self.joined_right / max(1, self.joined_right + self.joined_wrong)

    @property
    def recall_joined(self) -> float:
        """Of those who came again, the share that was joined by itself."""
        return self.joined_right / max(1, self.true_pairs)

    @property
    def recall(self) -> float:
        """Of those who came again, the share that was joined or put up for decision."""
        return (self.joined_right + self.asked_right) / max(1, self.true_pairs)

    @property
    def asked_precision(self) -> float:
        """Of what people are asked about, the share that is one person."""
        return self.asked_right / max(1, self.asked_right + self.asked_wrong)
