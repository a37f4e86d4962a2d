"""One configurable provider that is asked over HTTP and answers in JSON.

The row's config::

    {"url": "https://data.example/people?email={email}", "method": "GET",
     "headers": {"Authorization": "Bearer {secret}"},
     "body": {"email": "{email}"},
     "needs": "business",
     "mapping": {"company.staff": "company.metrics.employees", "contact.job_title": "person.titles.0"},
     "confidence": 0.9, "fresh_days": 30}

`mapping` says where in the answer each of our fields stands; a number in the path is a place in a list.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.utils.translation import gettext as _

from leadmgmt.core.errors import ConfigurationError, PermanentError
from leadmgmt.core.http import call
from leadmgmt.core.kept_words import worded
from leadmgmt.core.secrets import unseal
from leads.enrichers.base import Offered
from leads.models import Contact, Provider
from leads.services.fields import COMPANY_FIELDS, CONTACT_FIELDS

METHODS = ("GET", "POST")
# How leadmgmt.core.http says it: the service knows nobody of this name.
NOT_FOUND = "The service answered 404."
KNOWN = frozenset({"url", "method", "headers", "body", "needs", "mapping", "confidence", "fresh_days", "always"})
FIELDS = frozenset({f"contact.{name}" for name in CONTACT_FIELDS} | {f"company.{name}" for name in COMPANY_FIELDS})


@dataclass(frozen=True)
class Question:
    """One call, ready to make."""

    method: str
    url: str
    headers: dict[str, str]
    body: Any
    seconds: float


def check_config(config: Any) -> dict[str, str]:
    """What is wrong with a provider's config: field → remedy. Empty when it can be used."""
    if not isinstance(config, Mapping):
        return {"config": _("Write an object with url and mapping.")}
    wrong = {name: _("This word is not known here.") for name in config if name not in KNOWN}
    url = config.get("url")
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        wrong["url"] = _("Write the address, such as https://data.example/people?email={email}.")
    elif "{" in parts.netloc:
        wrong["url"] = _("The host must be fixed; {email} and {domain} go into path or query.")
    if config.get("method", "GET") not in METHODS:
        wrong["method"] = _("Write GET or POST.")
    headers = config.get("headers", {})
    if not isinstance(headers, Mapping) or not all(isinstance(text, str) for text in headers.values()):
        wrong["headers"] = _("Write an object of texts.")
    mapping = config.get("mapping")
    if not isinstance(mapping, Mapping) or not mapping:
        wrong["mapping"] = _('Say where our fields stand in the answer, such as {"company.staff": "company.size"}.')
    else:
        wrong |= {
            f"mapping.{field}": _("No such field.") if field not in FIELDS else _("Write a path such as company.size.")
            for field, path in mapping.items()
            if field not in FIELDS or not isinstance(path, str) or not path
        }
    confidence = config.get("confidence", 0.8)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 <= confidence <= 1:
        wrong["confidence"] = _("Write a number from 0 to 1.")
    return wrong


class HttpJson:
    """Speaks to one provider row. `question` reads the database's objects, `ask` only the network."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.config: Mapping[str, Any] = provider.config if isinstance(provider.config, Mapping) else {}

    def applies_to(self, contact: Contact) -> bool:
        """Whether there is something to ask by: an address, and a business one where `needs` says so."""
        if not contact.email:
            return False
        return self.config.get("needs") != "business" or contact.email_class in ("business", "role")

    def fields(self) -> frozenset[str]:
        """What the provider may tell; empty where it is asked whatever is known (`always` in the config)."""
        mapping = self.config.get("mapping")
        if self.config.get("always") or not isinstance(mapping, Mapping):
            return frozenset()
        return frozenset(str(name) for name in mapping)

    def question(self, contact: Contact) -> Question:
        """The call about one contact; raises ConfigurationError for a config that cannot be used."""
        if wrong := check_config(self.config):
            field, remedy = next(iter(wrong.items()))
            raise ConfigurationError(f"{field}: {remedy}")
        domain = contact.email.rpartition("@")[2]
        secret = unseal(self.provider.secret) if self.provider.secret else ""
        plain = {"email": contact.email, "domain": domain, "secret": secret}
        safe = {name: quote(value, safe="") for name, value in plain.items()}
        headers = {name: _fill(text, plain) for name, text in self.config.get("headers", {}).items()}
        if any("\n" in value or "\r" in value for value in headers.values()):
            raise ConfigurationError("headers: A header holds a line break.")
        return Question(
            method=self.config.get("method", "GET"),
            url=_fill(self.config["url"], safe),
            headers={"Accept": "application/json", **headers},
            body=_fill_tree(self.config.get("body"), plain),
            seconds=self.provider.deadline_ms / 1000,
        )

    @staticmethod
    def ask(question: Question) -> Any:
        """Make the call; see `ask`."""
        return ask(question)

    def read(self, answer: Any) -> tuple[list[Offered], list[str]]:
        """The values in an answer, and what was wrong with the others."""
        offered, problems = [], []
        confidence = float(self.config.get("confidence", 0.8))
        for name, path in self.config["mapping"].items():
            value = _at(answer, path)
            if value in (None, ""):
                continue
            subject, _, field = name.partition(".")
            try:
                clean = (CONTACT_FIELDS if subject == "contact" else COMPANY_FIELDS)[field].read(value)
            except ValueError as error:
                problems.append(f"{name}: {error}.")
                continue
            offered.append(Offered("contact" if subject == "contact" else "company", field, clean, confidence))
        return offered, problems


def ask(question: Question) -> Any:
    """Make the call and return the JSON; touches no database, so that it may run in a thread.

    Raises RetryableError, PermanentError or ConfigurationError, each with a sentence. None: nothing is known.
    """
    try:
        response = call(
            question.method, question.url, seconds=question.seconds, headers=question.headers, json=question.body
        )
    except PermanentError as error:
        if str(error) == NOT_FOUND:
            return None
        raise
    if 300 <= response.status_code < 400:
        raise PermanentError(
            worded("The service answered %(status)s and pointed elsewhere.", status=response.status_code)
        )
    if response.status_code == 204 or not response.content:
        return None
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        kind = response.headers.get("content-type", "").partition(";")[0] or "something unnamed"
        raise PermanentError(worded("The answer is %(kind)s, not JSON.", kind=kind)) from None
    if not isinstance(answer, dict | list):
        raise PermanentError(worded("The answer is JSON, but neither an object nor a list."))
    return answer


def _fill(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _fill_tree(tree: Any, values: Mapping[str, str]) -> Any:
    if isinstance(tree, str):
        return _fill(tree, values)
    if isinstance(tree, list):
        return [_fill_tree(one, values) for one in tree]
    return {name: _fill_tree(one, values) for name, one in tree.items()} if isinstance(tree, dict) else tree


def _at(tree: Any, path: str) -> Any:
    """What stands at ``a.b.0``; None where the path leads nowhere."""
    for step in path.split("."):
        if isinstance(tree, Mapping):
            tree = tree.get(step)
        elif isinstance(tree, list) and step.isdigit() and int(step) < len(tree):
            tree = tree[int(step)]
        else:
            return None
    return tree
