"""What the demo organisation knows of companies before anybody writes: a list that was brought in."""

import zlib
from datetime import datetime

from leadmgmt.demo.visitors import Firm
from leads.models import Channel, Company, User
from leads.normalise.company import name_key
from leads.services.provenance import Offer, offer_all

ORIGIN = Channel.Kind.IMPORT.value


def know(firm: Firm, at: datetime) -> None:
    """Have the company in the books, four times in five: the list is long, not complete."""
    if hash_of(firm.domain) % 5 == 0 or Company.objects.filter(domain=firm.domain).exists():
        return
    company = Company.objects.create(
        name=firm.name, name_key=name_key(firm.name), domain=firm.domain, **_relation(firm.domain)
    )
    facts = {"country": firm.land.code, "city": firm.town, "industry": firm.industry, "staff": firm.staff}
    offer_all(company, [Offer(name, value, ORIGIN) for name, value in facts.items()], at=at)


def _relation(domain: str) -> dict[str, object]:
    """One in thirty is a customer, one in fifty has an account owner."""
    number = hash_of(domain)
    owner = None
    if number % 50 == 1:
        owners = User.objects.filter(groups__name="ae").order_by("pk")
        owner = owners[number % owners.count()]
    return {"is_customer": number % 30 == 2, "account_owner": owner}


def hash_of(text: str) -> int:
    """A number that is the same in every process."""
    return zlib.crc32(text.encode())
