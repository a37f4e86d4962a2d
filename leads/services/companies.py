"""Companies of a batch: matched by domain, then by name, else made."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from leadmgmt.core.errors import InvalidInput
from leads.enrichers.company_domain import name_from_domain
from leads.enrichers.email_class import is_private_domain
from leads.models import Company, CompanyAlias, FieldValue
from leads.normalise import Submission
from leads.normalise.company import name_key, registered_domain
from leads.services.storing import insert_many, update_many, upsert_many


@lru_cache(maxsize=20_000)
def _is_private(domain: str) -> bool:
    return is_private_domain(domain)


def company_domain(found: Submission) -> str:
    """The domain that says for whom the person works: their website's, else that of a business address."""
    if found.domain and not _is_private(found.domain):
        return found.domain
    domain = registered_domain(found.email.rpartition("@")[2]) if found.email else ""
    return "" if not domain or _is_private(domain) else domain


class Companies:
    """The companies that a batch of submissions may name; grows as new ones are made."""

    def __init__(self) -> None:
        self._by_domain: dict[str, Company] = {}
        self._by_name: dict[str, list[Company]] = {}
        self.new: list[Company] = []
        self.changed: dict[int, Company] = {}
        self.values: list[FieldValue] = []

    def load(self, submissions: Iterable[Submission]) -> None:
        """Read the companies that these submissions can match."""
        domains, keys = set(), set()
        for found in submissions:
            domains.add(company_domain(found))
            keys.add(name_key(found.company))
        domains.discard("")
        keys.discard("")
        if domains or keys:
            self._index(Company.objects.filter(Q(domain__among=domains) | Q(name_key__among=keys)).order_by("pk"))
            self._load_aliases(domains, keys)

    def _load_aliases(self, domains: set[str], keys: set[str]) -> None:
        """What no company's own domain or name says may be a further one of theirs."""
        domains = {domain for domain in domains if domain not in self._by_domain}
        keys = {key for key in keys if key not in self._by_name}
        if not (domains or keys):
            return
        for alias in CompanyAlias.objects.select_related("company").filter(key__among=domains | keys):
            if alias.kind == CompanyAlias.Kind.DOMAIN:
                self._by_domain.setdefault(alias.key, alias.company)
            else:
                self._by_name.setdefault(alias.key, []).append(alias.company)

    def _index(self, companies: Iterable[Company]) -> None:
        for company in companies:
            if company.domain:
                self._by_domain.setdefault(company.domain, company)
            if company.name_key:
                self._by_name.setdefault(company.name_key, []).append(company)

    def company(self, found: Submission, *, origin: str, at: datetime) -> Company | None:
        """The company of this submission, made if need be; None where nothing tells."""
        domain, key = company_domain(found), name_key(found.company)
        if not domain and not key:
            return None
        known = self._by_domain.get(domain) or self._named(key, domain, found.country)
        if known is None:
            known = Company(
                name=found.company or name_from_domain(domain),
                name_key=key or name_key(name_from_domain(domain)),
                domain=domain or None,
                country=found.country,
                website=found.website,
            )
            self.new.append(known)
            self._index([known])
            self._note(known, {"name": found.company, "domain": domain, "website": found.website}, origin, at)
        else:
            self._complete(known, found, domain, key, origin, at)
        return known

    def _named(self, key: str, domain: str, country: str) -> Company | None:
        """By name: never one with another domain, nor one in another country."""
        for company in self._by_name.get(key, []) if key else []:
            if domain and company.domain:
                continue
            if not country or not company.country or country == company.country:
                return company
        return None

    def _complete(self, company: Company, found: Submission, domain: str, key: str, origin: str, at: datetime) -> None:
        """Fill in what was not known; nobody renames a company by writing another name into a form."""
        given = {}
        if domain and not company.domain and domain not in self._by_domain:
            company.domain = given["domain"] = domain
            self._by_domain[domain] = company
        if key and company.domain and company.name == name_from_domain(company.domain) != found.company:
            company.name = given["name"] = found.company
            company.name_key = key
            self._by_name.setdefault(key, []).append(company)
        if found.website and not company.website:
            company.website = given["website"] = found.website
        if not given:
            return
        if company.pk:
            self.changed[company.pk] = company
        self._note(company, given, origin, at)

    def _note(self, company: Company, given: dict[str, str], origin: str, at: datetime) -> None:
        self.values += [
            FieldValue(company=company, field=name, value=value, origin=origin, at=at)
            for name, value in given.items()
            if value
        ]

    def flush(self) -> None:
        """Write what is new. Somebody else's company of the same name or domain raises IntegrityError."""
        insert_many(self.new)
        update_many(list(self.changed.values()), ("name", "name_key", "domain", "website", "updated_at"))
        upsert_many(self.values, ("company", "field", "origin"), ("value", "at"))


REMATCH = """
    UPDATE leads_contact AS contact SET company_id = %(company)s, updated_at = now()
    WHERE contact.merged_into_id IS NULL AND contact.email_key IS NOT NULL
        AND split_part(contact.email_key, '@', 2) = ANY(%(domains)s)
        AND (contact.company_id IS NULL OR contact.company_id IN (
            SELECT id FROM leads_company WHERE domain = ANY(%(domains)s) AND id <> %(company)s
        ))
"""


def add_alias(company: Company, kind: str, text: str) -> CompanyAlias:
    """A further domain or name that leads to a company from now on, and for whom is known already.

    Raises InvalidInput where it is none, or leads to another company.
    """
    is_domain = kind == CompanyAlias.Kind.DOMAIN
    key = registered_domain(text) if is_domain else name_key(text)
    if not key or (is_domain and _is_private(key)):
        message = _("No domain can be read from this.") if is_domain else _("No name can be read from this.")
        raise InvalidInput(message, fields={"text": message})
    with transaction.atomic():
        alias, is_new = CompanyAlias.objects.get_or_create(
            kind=kind, key=key, defaults={"company": company, "text": text.strip()[:255]}
        )
        if not is_new and alias.company_id != company.pk:
            message = _("This leads to %(name)s already.") % {"name": alias.company.name}
            raise InvalidInput(message, fields={"text": message})
        rematch(company)
    return alias


def rematch(company: Company) -> int:
    """Bring people into the company whose addresses are at its domains, if they are in none or in one that is only
    known by such a domain. Safe to run twice; returns how many moved."""
    aliases = CompanyAlias.objects.filter(company=company, kind=CompanyAlias.Kind.DOMAIN)
    domains = [*filter(None, [company.domain]), *aliases.values_list("key", flat=True)]
    if not domains:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(REMATCH, {"company": company.pk, "domains": domains})
        return int(cursor.rowcount)
