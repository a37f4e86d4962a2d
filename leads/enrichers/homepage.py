"""The company's own homepage: what it says of itself in title, description, JSON-LD and links.

Its robots.txt is respected, redirects are followed a few times and checked anew each time, nothing private is reached
(leadmgmt.core.http).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from leadmgmt.core.errors import ConfigurationError, PermanentError
from leadmgmt.core.http import call
from leadmgmt.core.kept_words import worded
from leads.enrichers.base import Offered
from leads.models import Contact, Provider
from leads.services.fields import COMPANY_FIELDS

AGENT = "Leadmgmt"
MOST_HOPS = 3
TOLD = ("name", "description", "city", "country", "staff", "linkedin")
_LINKEDIN = re.compile(r"https?://(?:[a-z]{2,3}\.)?linkedin\.com/company/([\w%.-]{2,80})", re.IGNORECASE)
KINDS = ("organization", "corporation", "localbusiness", "ngo")
NEEDLESS = (" - home", " | home", "home | ", "home - ", " – home", "startseite | ", " | startseite", "willkommen bei ")


@dataclass(frozen=True)
class Question:
    """One homepage to be read."""

    url: str
    seconds: float


class Homepage:
    """Reads one homepage. `question` reads the database's objects, `ask` only the network."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.config: Mapping[str, Any] = provider.config if isinstance(provider.config, Mapping) else {}

    def applies_to(self, contact: Contact) -> bool:
        """Whether the company has a domain of its own."""
        return contact.company is not None and bool(contact.company.domain)

    def fields(self) -> frozenset[str]:
        """What it is asked for: the rest is said along with it."""
        return frozenset({"company.description"})

    def question(self, contact: Contact) -> Question:
        """The homepage of the contact's company; raises ConfigurationError where there is none."""
        company = contact.company
        if company is None or not company.domain:
            raise ConfigurationError(worded("The company has no domain."))
        url = str(self.config.get("url") or "https://{domain}/").replace("{domain}", company.domain)
        return Question(url, self.provider.deadline_ms / 1000)

    @staticmethod
    def ask(question: Question) -> Any:
        """Read the page; None where robots.txt forbids it or there is none. Raises as `call` does."""
        url = question.url
        if not _is_allowed(url, question.seconds):
            return None
        for _hop in range(MOST_HOPS):
            try:
                response = call("GET", url, seconds=question.seconds, headers={"User-Agent": AGENT})
            except PermanentError as error:
                if " 404." in str(error):
                    return None
                raise
            if not 300 <= response.status_code < 400:
                break
            url = urljoin(url, response.headers.get("location", ""))
            if urlsplit(url).scheme not in ("http", "https"):
                raise PermanentError(worded("The page points to something that is no web address."))
        else:
            raise PermanentError(worded("The page points on and on."))
        if "html" not in response.headers.get("content-type", "text/html"):
            return None
        return read_page(response.content.decode(response.encoding or "utf-8", "replace"))

    def read(self, answer: Any) -> tuple[list[Offered], list[str]]:
        """What can be offered, and what was wrong with the rest."""
        offered, problems = [], []
        told = answer if isinstance(answer, Mapping) else {}
        for name in ("name", "description", "city", "country", "staff"):
            if told.get(name) in (None, ""):
                continue
            try:
                value = COMPANY_FIELDS[name].read(told[name])
            except ValueError as error:
                problems.append(f"company.{name}: {error}.")
                continue
            offered.append(Offered("company", name, value, 0.7 if name == "description" else 0.5))
        return offered, problems


def _is_allowed(url: str, seconds: float) -> bool:
    """Whether robots.txt lets us read the page; without one everybody may."""
    try:
        response = call("GET", urljoin(url, "/robots.txt"), seconds=seconds, headers={"User-Agent": AGENT})
    except PermanentError:
        return True
    if response.status_code != 200:
        return True
    rules = RobotFileParser()
    rules.parse(response.content.decode("utf-8", "replace").splitlines())
    return rules.can_fetch(AGENT, url)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title, self.meta, self.blocks, self._open = "", dict[str, str](), list[str](), ""
        self.linkedin = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "meta":
            name = (told.get("name") or told.get("property") or "").lower()
            self.meta.setdefault(name, told.get("content", ""))
        elif tag == "a" and not self.linkedin:
            self.linkedin = linkedin_page(told.get("href", ""))
        elif tag == "title" and not self.title:
            self._open = "title"
        elif tag == "script" and told.get("type", "").lower() == "application/ld+json":
            self._open = "block"
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("title", "script"):
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "title":
            self.title += data
        elif self._open == "block":
            self.blocks[-1] += data


def read_page(html: str) -> dict[str, Any]:
    """What a page says of the company; nothing that it does not say."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    told: dict[str, Any] = {
        "name": reader.meta.get("og:site_name", ""),
        "description": reader.meta.get("description") or reader.meta.get("og:description") or _bare(reader.title),
        "linkedin": reader.linkedin,
    }
    for block in reader.blocks:
        for one in _organisations(block):
            told |= {name: value for name, value in _of_organisation(one).items() if value not in (None, "")}
    return {name: value.strip()[:500] if isinstance(value, str) else value for name, value in told.items() if value}


def _bare(title: str) -> str:
    text = " ".join(title.split())
    for words in NEEDLESS:
        at = text.casefold().find(words)
        if at >= 0:
            text = text[:at] + text[at + len(words) :]
    return text


def _organisations(block: str) -> Iterator[Mapping[str, Any]]:
    """The organisations in a JSON-LD block, wherever in it they stand."""
    try:
        level: list[Any] = [json.loads(block)]
    except (ValueError, RecursionError):
        return
    for _depth in range(4):
        deeper: list[Any] = []
        for one in level:
            if isinstance(one, list):
                deeper += one
            elif isinstance(one, Mapping):
                kinds = one.get("@type")
                names = [str(kind).lower() for kind in (kinds if isinstance(kinds, list) else [kinds])]
                if any(name in KINDS for name in names):
                    yield one
                deeper += [inner for inner in one.values() if isinstance(inner, list | Mapping)]
        level = deeper[:200]


def _of_organisation(one: Mapping[str, Any]) -> dict[str, Any]:
    address = one.get("address")
    address = address[0] if isinstance(address, list) and address else address
    place = address if isinstance(address, Mapping) else {}
    country = place.get("addressCountry")
    staff = one.get("numberOfEmployees")
    return {
        "name": one.get("name") if isinstance(one.get("name"), str) else "",
        "description": one.get("description") if isinstance(one.get("description"), str) else "",
        "city": place.get("addressLocality"),
        "country": country.get("name") if isinstance(country, Mapping) else country,
        "staff": staff.get("value") if isinstance(staff, Mapping) else staff,
        "linkedin": next(filter(None, map(linkedin_page, _texts(one.get("sameAs")))), ""),
    }


def _texts(value: Any) -> list[str]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]


def linkedin_page(address: str) -> str:
    """The address of a company's page there, without what follows it; empty for anything else."""
    found = _LINKEDIN.match(address.strip())
    return f"https://www.linkedin.com/company/{found[1]}" if found else ""
