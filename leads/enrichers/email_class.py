"""Which kind of address this is: business, role, free or disposable."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from disposable_email_domains import blocklist

from leads.enrichers.base import Known, Offered

OWN = Path(__file__).resolve().parent.parent / "data"
ROLES = frozenset(
    """
    abuse accounting accounts admin administration anfrage anfragen bestellung billing bewerbung buchhaltung buero
    career careers contact contactus dispo dispatch einkauf empfang enquiries enquiry finance finanzen geschaeftsleitung
    hallo hello help helpdesk hr info information inquiry invoice invoices it jobs kanzlei karriere kontakt kundendienst
    kundenservice mail marketing media news newsletter noreply no-reply office order orders personal post postmaster
    presse press procurement purchasing rechnung rechnungen reception recruiting sales secretary sekretariat service
    shop studio support team technik verkauf vertrieb verwaltung webmaster welcome zentrale contacto info-de ventas
    commercial comercial accueil
    """.split()
)


@lru_cache(maxsize=16)
def _read(path: str, changed: float) -> frozenset[str]:
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))


# Throw-away domains come and go by the week: a list that others keep, renewed with the package.
COMING_ALONG = {
    "free": _read(str(OWN / "free_mail.txt"), 0.0),
    "disposable": frozenset(blocklist),
}


def _lists(name: str, config: Mapping[str, Any]) -> frozenset[str]:
    """The list that comes with us and, where the provider's config names a file under `lists`, that one too."""
    paths = []
    lists = config.get("lists")
    if isinstance(lists, Mapping) and isinstance(lists.get(name), str):
        paths.append(Path(lists[name]))
    found = COMING_ALONG[name]
    for path in paths:
        try:
            found |= _read(str(path), path.stat().st_mtime)
        except (OSError, UnicodeDecodeError):
            # A file that is gone must not stop the lead; ours still counts.
            continue
    return found


def _listed(domain: str, names: frozenset[str]) -> bool:
    """Whether the domain or one above it is listed; mail.example.com counts as example.com."""
    labels = domain.split(".")
    return any(".".join(labels[i:]) in names for i in range(len(labels) - 1))


def classify(email: str, config: Mapping[str, Any] | None = None) -> str:
    """business, role, free or disposable; empty for what is no address."""
    local, _, domain = email.strip().lower().rpartition("@")
    if not local or "." not in domain:
        return ""
    config = config or {}
    if _listed(domain, _lists("disposable", config)):
        return "disposable"
    if _listed(domain, _lists("free", config)):
        return "free"
    return "role" if local.partition("+")[0] in ROLES else "business"


def is_private_domain(domain: str, config: Mapping[str, Any] | None = None) -> bool:
    """Whether addresses under this domain say nothing about a company."""
    return classify(f"somebody@{domain}", config) in ("free", "disposable")


def enrich(known: Known) -> list[Offered]:
    """The kind of the contact's address."""
    kind = classify(known.contact.email, known.config)
    return [Offered("contact", "email_class", kind, 0.95)] if kind else []
