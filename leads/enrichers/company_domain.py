"""What the mail domain says about the company: its address on the web and, for want of better, a name."""

from leads.enrichers.base import Known, Offered
from leads.enrichers.email_class import is_private_domain
from leads.normalise.company import registered_domain

# Words that are written small or in capitals where a domain becomes a name.
CAPITALS = ("gmbh", "ag", "kg", "se", "it", "ug", "bv", "nv", "ab", "srl", "spa", "sa", "edv", "ltd")


def company_domain(known: Known) -> str:
    """The domain that the person's company is known by; empty for private and throw-away mailboxes."""
    domain = registered_domain(known.contact.email.rpartition("@")[2])
    return "" if not domain or is_private_domain(domain, known.config) else domain


def name_from_domain(domain: str) -> str:
    """A name to go by until somebody tells a better one: rheintal-technik.de is Rheintal Technik."""
    words = domain.partition(".")[0].split("-")
    return " ".join(word.upper() if word in CAPITALS else word[:1].upper() + word[1:] for word in words if word)


def enrich(known: Known) -> list[Offered]:
    """Name and website, both guesses that everything else overrules."""
    company = known.contact.company
    if company is None or not company.domain:
        return []
    return [
        Offered("company", "name", name_from_domain(company.domain), 0.2),
        Offered("company", "website", f"https://{company.domain}", 0.3),
    ]
