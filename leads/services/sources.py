"""Governed sources: every spelling that arrives leads to one source, a new one makes its own."""

import hashlib
from collections.abc import Iterable

from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.text import slugify

from leads.models import Campaign, Source


def source_slug(name: str) -> str:
    """The short name of a source that is first met under this spelling."""
    slug = slugify(name)[:80].strip("-_")
    return slug or "source-" + hashlib.sha256(name.casefold().encode()).hexdigest()[:12]


class Sources:
    """Sources and campaigns of a batch, by spelling."""

    def __init__(self) -> None:
        self._by_spelling: dict[str, Source] = {}
        self._campaigns: dict[tuple[int, str], Campaign] = {}

    def load(self, names: Iterable[str]) -> None:
        """Read what these spellings mean: an alias first, then a short name, then a name."""
        wanted = {name.casefold() for name in names if name}
        if not wanted:
            return
        slugs = {name: source_slug(name) for name in wanted}
        rows = (
            Source.objects.select_related("folded_into")
            .annotate(lower=Lower("name"), spelling=Lower("aliases__alias"))
            .filter(Q(slug__in=slugs.values()) | Q(lower__in=wanted) | Q(spelling__in=wanted))
            .order_by("-pk")
        )
        by_name, by_slug, by_alias = {}, {}, {}
        for row in rows:
            by_name[row.lower] = row
            by_slug[row.slug] = row
            if row.spelling:
                by_alias[row.spelling] = row
        for name, slug in slugs.items():
            source = by_alias.get(name) or by_slug.get(slug) or by_name.get(name)
            if source:
                # Somebody has said that it is another one.
                self._by_spelling[name] = source.folded_into or source

    def known(self, name: str) -> Source | None:
        """The source that goes by this spelling, if there is one."""
        return self._by_spelling.get(name.casefold())

    def source(self, name: str) -> Source | None:
        """The source that goes by this spelling, made if need be; None where nothing was said."""
        if not name:
            return None
        key = name.casefold()
        if key not in self._by_spelling:
            slug = source_slug(key)
            known = next((source for source in self._by_spelling.values() if source.slug == slug), None)
            self._by_spelling[key] = known or Source.objects.create(slug=slug, name=name, is_confirmed=False)
        return self._by_spelling[key]

    def campaign(self, source: Source | None, key: str) -> Campaign | None:
        """The source's campaign of this name; a campaign without a source has nowhere to be counted."""
        if source is None or not key:
            return None
        if (source.pk, key) not in self._campaigns:
            found = Campaign.objects.filter(source=source, key=key).first()
            self._campaigns[source.pk, key] = found or Campaign.objects.create(source=source, key=key, name=key)
        return self._campaigns[source.pk, key]
