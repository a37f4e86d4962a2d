"""Which leads a list is asked for."""

from typing import Any

import django_filters
from django.db.models import QuerySet

from leads.models import Lead, Stage
from leads.models.channel import Channel
from leads.normalise.email import InvalidAddress, read_address


class LeadFilter(django_filters.FilterSet):
    """Filters of GET leads/; several of one stage are written as stage=new&stage=mql."""

    stage = django_filters.MultipleChoiceFilter(choices=Stage.choices)
    grade = django_filters.CharFilter(field_name="grade", lookup_expr="istartswith", help_text="A1, or A for A1–A4.")
    owner = django_filters.CharFilter(method="filter_owner", help_text="E-mail or number of a person; `none`: nobody.")
    source = django_filters.CharFilter(method="filter_source", help_text="Short name of a source; `none`: none given.")
    channel = django_filters.ModelChoiceFilter(queryset=Channel.objects.all(), to_field_name="slug")
    email = django_filters.CharFilter(method="filter_email")
    external_id = django_filters.CharFilter(field_name="contact__identities__external_id", distinct=True)
    created_after = django_filters.IsoDateTimeFilter(field_name="first_seen_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="first_seen_at", lookup_expr="lt")
    touched_after = django_filters.IsoDateTimeFilter(field_name="last_touch_at", lookup_expr="gte")
    search = django_filters.CharFilter(method="filter_search", help_text="Name, company, address or number.")

    class Meta:
        model = Lead
        fields: list[str] = []

    def filter_owner(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """By e-mail, by number, or those that nobody owns."""
        if value == "none":
            return leads.filter(owner__isnull=True)
        return leads.filter(owner_id=int(value)) if value.isdecimal() else leads.filter(owner__email=value.lower())

    def filter_source(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """By short name, or those whose submission named none."""
        return leads.filter(source__isnull=True) if value == "none" else leads.filter(source__slug=value)

    def filter_email(self, leads: QuerySet[Lead], name: str, value: str) -> QuerySet[Lead]:
        """Whatever spelling finds the same contact as a submission would."""
        try:
            return leads.filter(contact__email_key=read_address(value).key)
        except InvalidAddress:
            return leads.none()

    def filter_search(self, leads: Any, name: str, value: str) -> Any:
        """The same search as the product's own list."""
        return leads.search(value)
