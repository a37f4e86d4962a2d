"""Parts whose rows stand for themselves: the organisation, people's settings, channels, sources, promises, pools."""

from collections.abc import Mapping
from datetime import time
from typing import Any

from django.utils.translation import gettext as _

from leadmgmt.config_text.part import Context, Part, Said, as_json, plain, referred
from leadmgmt.core.errors import InvalidInput
from leads.models import (
    Channel,
    Listed,
    NamedList,
    Organisation,
    Provider,
    Reason,
    Source,
    Target,
    Team,
    TerritoryTable,
    User,
)
from leads.services.named_lists import save_list
from leads.services.quarantine import list_sender
from leads.services.source_governance import save_spellings
from leads.services.territories import lines_of, save_table
from qualification.models import MailTemplate
from routing.models import Pool, Rep, SlaPolicy
from routing.services.availability import remove_member, set_hours, set_member
from routing.services.policies import FIELDS as POLICY
from routing.services.policies import delete_policy, save_policy

CAPS = ("max_open_leads", "max_per_day", "max_per_hour", "max_per_week")


def _aliases(source: Source) -> list[str]:
    return sorted(alias.alias for alias in source.aliases.all())


def _put_aliases(source: Source, said: Said, context: Context) -> None:
    if "aliases" not in said:
        return
    try:
        save_spellings(source.pk, map(str, _list(said, "aliases")))
    except InvalidInput as error:
        raise InvalidInput(str(error), fields={"aliases": str(error)}) from None


def _list(said: Said, name: str) -> list[Any]:
    value = said[name]
    if not isinstance(value, list):
        raise InvalidInput(_("Some of it cannot be used."), fields={name: _("Write a list in brackets here.")})
    return value


def _lists() -> list[dict[str, Any]]:
    rows = NamedList.objects.prefetch_related("entries").order_by("slug")
    return [
        {"slug": row.slug, "name": row.name, "kind": row.kind, "entries": sorted(one.text for one in row.entries.all())}
        for row in rows
    ]


def _put_list(said: Said, context: Context) -> None:
    lines = "\n".join(str(one) for one in _list(said, "entries")) if "entries" in said else ""
    save_list(said["slug"], str(said.get("name", "")), str(said.get("kind", "")), lines)


def _tables() -> list[dict[str, Any]]:
    rows = TerritoryTable.objects.order_by("slug")
    return [{"slug": row.slug, "name": row.name, "areas": lines_of(row).splitlines()} for row in rows]


def _put_table(said: Said, context: Context) -> None:
    lines = "\n".join(str(one) for one in _list(said, "areas")) if "areas" in said else ""
    known = TerritoryTable.objects.filter(slug=said["slug"]).first()
    # Its areas are written anew as a whole: what says the same is left as it is.
    if known is None or lines_of(known).splitlines() != lines.splitlines() or known.name != said.get("name"):
        save_table(said["slug"], str(said.get("name", "")), lines)


def _promises() -> list[dict[str, Any]]:
    rows = SlaPolicy.objects.order_by("name")
    return [{name: as_json(getattr(row, name)) for name in (*POLICY, "is_default")} for row in rows]


def _put_promise(said: Said, context: Context) -> None:
    row = SlaPolicy.objects.filter(name__iexact=said["name"]).first()
    before = {name: getattr(row or SlaPolicy(), name) for name in POLICY}
    is_default = bool(said.get("is_default", row.is_default if row else False))
    wrong = {
        name: _("Write a whole number here.")
        for name in POLICY
        if name.endswith(("minutes", "attempts", "days")) and not isinstance(said.get(name), int | None)
    }
    if wrong:
        raise InvalidInput(_("Some of it cannot be used."), fields=wrong)
    save_policy(row.pk if row else None, before | {k: v for k, v in said.items() if k in POLICY}, is_default=is_default)


def _drop_promise(said: Said) -> None:
    delete_policy(SlaPolicy.objects.get(name=said["name"]).pk)


def _members(pool: Pool) -> list[dict[str, Any]]:
    rows = pool.members.filter(left_at__isnull=True).select_related("rep__user").order_by("rep__user__email")
    return [{"rep": one.rep.user.email, "weight": as_json(one.weight), "ramp_days": one.ramp_days} for one in rows]


def _put_members(pool: Pool, said: Said, context: Context) -> None:
    if "members" not in said:
        return
    wanted: dict[int, Mapping[str, Any]] = {}
    for one in _list(said, "members"):
        if not isinstance(one, dict):
            raise InvalidInput(_("Some of it cannot be used."), fields={"members": _("Write an object in braces.")})
        rep = referred(Rep, "user__email", "members", one.get("rep"))
        if rep is None:
            raise InvalidInput(_("Some of it cannot be used."), fields={"members": _("Say whose share it is.")})
        wanted[rep.pk] = one
    known = {one.rep_id: one for one in pool.members.filter(left_at__isnull=True)}
    for rep_id in known.keys() - wanted.keys():
        remove_member(pool, rep_id, context.at)
    for rep_id, one in wanted.items():
        is_so = rep_id in known and (str(known[rep_id].weight), known[rep_id].ramp_days) == (
            str(one.get("weight", "1.00")),
            one.get("ramp_days"),
        )
        if not is_so:
            set_member(pool, rep_id, str(one.get("weight", "1")), context.at, ramp_days=one.get("ramp_days"))


def _shifts(rep: Rep) -> list[dict[str, Any]]:
    return [
        {"weekday": one.weekday, "from": one.starts_at.isoformat(), "to": one.ends_at.isoformat()}
        for one in rep.shifts.order_by("weekday", "starts_at")
    ]


def _put_shifts(rep: Rep, said: Said, context: Context) -> None:
    if "hours" not in said or _shifts(rep) == said["hours"]:
        return
    try:
        hours = [
            (int(one["weekday"]), time.fromisoformat(one["from"]), time.fromisoformat(one["to"]))
            for one in _list(said, "hours")
        ]
    except (KeyError, TypeError, ValueError):
        told = _("Write working hours as weekday (0 is Monday), from and to, such as 09:00:00.")
        raise InvalidInput(_("Some of it cannot be used."), fields={"hours": told}) from None
    set_hours(rep.pk, hours, context.at)


def _put_listed(said: Said, context: Context) -> None:
    row = Listed.objects.filter(kind=said["kind"], value=said["value"]).first()
    verdict, note = str(said.get("verdict", "")), str(said.get("note", ""))
    if row is None or (row.verdict, row.note) != (verdict, note):
        list_sender(str(said["kind"]), str(said["value"]), verdict, by=context.by, note=note)


_ORGANISATION = plain(
    "organisation",
    Organisation,
    ("name",),
    (
        "country", "time_zone", "currency", "expected_deal_value", "screening", "joins_deals", "decide_hours",
        "counts_mail_clicks",
    ),
    is_single=True,
)  # fmt: skip
_REPS = plain(
    "reps",
    Rep,
    ("user",),
    (*CAPS, "languages", "countries", "tags", "holiday_region"),
    {"user": (User, "email")},
    then=_put_shifts,
    more={"hours": _shifts},
)


def plain_parts() -> list[Part]:
    """In an order in which what is referred to stands before what refers to it."""
    listed = plain("listed_senders", Listed, ("kind", "value"), ("verdict", "note"))
    return [
        _ORGANISATION,
        plain("teams", Team, ("slug",), ("name", "converts_by_itself")),
        plain("targets", Target, ("team", "measure"), ("value",), {"team": (Team, "slug")}),
        plain(
            "reasons", Reason, ("kind", "code"), ("label_en", "label_de", "wake_after_days", "position", "is_active")
        ),
        plain(
            "sources",
            Source,
            ("slug",),
            ("name", "kind", "is_active", "is_confirmed"),
            then=_put_aliases,
            more={"aliases": _aliases},
            where={"folded_into": None},
        ),
        plain(
            "channels",
            Channel,
            ("slug",),
            ("name", "kind", "source", "config", "is_active"),
            {"source": (Source, "slug")},
        ),
        plain(
            "enrichment",
            Provider,
            ("slug",),
            ("name", "kind", "position", "deadline_ms", "price", "budget", "rate_per_minute", "config", "is_active"),
        ),
        Part("listed_senders", listed.key, listed.fields, listed.write, _put_listed, listed.drop),
        Part("named_lists", ("slug",), ("slug", "name", "kind", "entries"), _lists, _put_list),
        Part("territories", ("slug",), ("slug", "name", "areas"), _tables, _put_table),
        Part("promises", ("name",), (*POLICY, "is_default"), _promises, _put_promise, _drop_promise),
        _REPS,
        plain(
            "pools",
            Pool,
            ("slug",),
            ("name", "team", "strategy", "is_active"),
            {"team": (Team, "slug")},
            then=_put_members,
            more={"members": _members},
        ),
        plain("texts", MailTemplate, ("name", "language"), ("subject", "body", "position", "is_active")),
    ]
