"""How leads are spread over the territories of a table."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from leads.facts import fact_named
from leads.facts.places import PREFIX, divisions
from leads.models import Lead, TerritoryTable, User

DAYS = 30


@dataclass(frozen=True)
class Share:
    """One territory with the leads of the last days; ``name`` is empty for leads that lie in none."""

    name: str
    leads: int
    part: float
    url: str


def shares_of(table: TerritoryTable, user: User, at: datetime) -> list[Share]:
    """Every territory in the order of the table, then what lies in none; counted are leads that the person may see."""
    fact = fact_named(f"{PREFIX}.{table.slug}")
    known = divisions().get(table.slug)
    if fact is None or fact.column is None or known is None:
        return []
    today = timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today - timedelta(days=DAYS - 1)
    leads = Lead.objects.visible_to(user).seen_between(first, None).annotate(territory=fact.column(at))
    found = dict(leads.order_by().values_list("territory").annotate(n=Count("pk")))
    most = max(found.values(), default=0)
    return [
        Share(
            name or "",
            found.get(name, 0),
            found.get(name, 0) / most if most else 0,
            _url(table, name or "", first),
        )
        for name in [*known.territories, None]
    ]


def _url(table: TerritoryTable, name: str, first: datetime) -> str:
    words = {"territory": f"{table.slug}:{name}", "from": first.date().isoformat()}
    return f"{reverse('qualification:lead_list')}?{urlencode(words)}"
