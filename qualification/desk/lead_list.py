"""One page of the list of leads, counted as far as anybody pages."""

from dataclasses import dataclass
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leads.models import Lead
from leads.querysets import LeadQuerySet

PER_PAGE = 50
# Nobody pages further; and counting stops there, whatever the table holds.
MOST_PAGES = 100


class CappedPaginator(Paginator[Lead]):
    """Counts no further than its last page."""

    def __init__(self, leads: LeadQuerySet) -> None:
        super().__init__(leads, PER_PAGE)
        self.leads = leads

    @cached_property
    def count(self) -> int:
        """How many leads, MOST_PAGES pages at most."""
        return self.leads.order_by()[: PER_PAGE * MOST_PAGES + 1].count()

    @property
    def is_capped(self) -> bool:
        """Whether there are more than can be paged through."""
        return self.count > PER_PAGE * MOST_PAGES

    @cached_property
    def num_pages(self) -> int:
        """The last page."""
        return min(MOST_PAGES, max(1, -(-self.count // PER_PAGE)))


@dataclass(frozen=True)
class Column:
    """A heading that sorts: `sort` is what a click asks for, `state` the aria-sort value."""

    label: str | Promise
    url: str
    state: str


HEADINGS: tuple[tuple[str, str | Promise, bool], ...] = (
    ("name", _("Name"), False),
    ("stage", _("Stage"), False),
    ("grade", _("Grade"), False),
    ("owner", _("Owner"), False),
    ("source", _("Source"), False),
    ("first", _("First touch"), True),
    ("touched", _("Last touch"), True),
)


def columns(params: QueryDict) -> list[Column]:
    """The headings with where a click leads: first the natural direction, then the other."""
    now = params.get("sort", "-touched")
    found = []
    for name, label, newest_first in HEADINGS:
        natural = f"-{name}" if newest_first else name
        other = name if newest_first else f"-{name}"
        wanted = params.copy()
        wanted.pop("page", None)
        wanted["sort"] = other if now == natural else natural
        state = "none" if now.lstrip("-") != name else "descending" if now.startswith("-") else "ascending"
        found.append(Column(label, f"?{wanted.urlencode()}", state))
    return found


def page_of(leads: LeadQuerySet, number: str) -> Page[Lead]:
    """The asked page, the nearest where it does not exist."""
    page = CappedPaginator(leads).get_page(number)
    # The page's numbers first: sorting with everything that a line shows would carry it through for all leads.
    ids = (
        list(leads.values_list("pk", flat=True)[page.start_index() - 1 : page.end_index()])
        if page.paginator.count
        else []
    )
    shown = {lead.pk: lead for lead in Lead.objects.filter(pk__in=ids).with_people()}
    page.object_list = [shown[pk] for pk in ids if pk in shown]
    return page
