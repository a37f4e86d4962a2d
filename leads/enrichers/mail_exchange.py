"""Whether the domain of an address receives mail at all: its mail exchangers in the DNS (RFC 5321, RFC 7505)."""

from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.resolver
from django.conf import settings

from leadmgmt.core.errors import RetryableError
from leadmgmt.core.kept_words import worded
from leads.enrichers.base import Offered
from leads.models import Contact, Provider


@dataclass(frozen=True)
class Question:
    """One domain to be looked up."""

    domain: str
    seconds: float


class MailExchange:
    """Looks up one domain. `ask` touches only the network."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    def applies_to(self, contact: Contact) -> bool:
        """Whether there is an address."""
        return "@" in contact.email

    def fields(self) -> frozenset[str]:
        """What it tells."""
        return frozenset({"contact.deliverability"})

    def question(self, contact: Contact) -> Question:
        """The domain of the address."""
        return Question(contact.email.rpartition("@")[2], self.provider.deadline_ms / 1000)

    @staticmethod
    def ask(question: Question) -> Any:
        """ "receives" or "none". Without an exchanger the domain's own address counts. Raises RetryableError."""
        resolver = dns.resolver.Resolver(configure=not settings.DNS_SERVERS)
        if settings.DNS_SERVERS:
            resolver.nameservers = list(settings.DNS_SERVERS)
            resolver.port = settings.DNS_PORT
        try:
            found = resolver.resolve(question.domain, "MX", lifetime=question.seconds)
            # "." says that the domain wants no mail (RFC 7505).
            return "receives" if any(str(row.exchange) != "." for row in found) else "none"
        except dns.resolver.NXDOMAIN:
            return "none"
        except dns.resolver.NoAnswer:
            return _by_address(resolver, question)
        except (dns.exception.DNSException, UnicodeError, OSError) as error:
            raise RetryableError(
                worded("The name server gave no answer: %(kind)s.", kind=type(error).__name__)
            ) from error

    def read(self, answer: Any) -> tuple[list[Offered], list[str]]:
        """One value."""
        if answer not in ("receives", "none"):
            return [], []
        return [Offered("contact", "deliverability", answer, 0.95)], []


def _by_address(resolver: dns.resolver.Resolver, question: Question) -> str:
    try:
        resolver.resolve(question.domain, "A", lifetime=question.seconds)
        return "receives"
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return "none"
    except dns.exception.DNSException as error:
        raise RetryableError(worded("The name server gave no answer: %(kind)s.", kind=type(error).__name__)) from error
