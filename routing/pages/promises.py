"""Promises in words, with how they were kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadmgmt.core import formats
from leads.cohort import narrow
from leads.models import Lead, User
from routing.models import RuleSet, SlaPolicy

DAYS = 30


@dataclass(frozen=True)
class Figure:
    """A count that leads to its leads."""

    count: int
    url: str


@dataclass(frozen=True)
class PolicyLine:
    """One promise; ``rules`` of the version that decides name it."""

    policy: SlaPolicy
    words: list[str]
    rules: int
    made: Figure
    kept: Figure
    tried: Figure | None

    @property
    def share(self) -> float:
        """How many of those that came due were kept."""
        return self.kept.count / self.made.count if self.made.count else 0.0


def policy_lines(user: User, at: datetime) -> list[PolicyLine]:
    """Every promise with its last thirty days; counted are leads that the person may see."""
    named = Count("rules", filter=Q(rules__rule_set__status=RuleSet.Status.PUBLISHED, rules__is_active=True))
    return [_line(policy, policy.named, user, at) for policy in SlaPolicy.objects.annotate(named=named)]


def _line(policy: SlaPolicy, rules: int, user: User, at: datetime) -> PolicyLine:
    made, kept = (_figure(user, at, policy=policy, promise=state) for state in ("made", "kept"))
    tried = _figure(user, at, policy=policy, attempts="missed") if policy.attempts else None
    return PolicyLine(policy, policy_words(policy), rules, made, kept, tried)


def _figure(user: User, at: datetime, *, policy: SlaPolicy, **words: str) -> Figure:
    first = (timezone.localtime(at) - timedelta(days=DAYS - 1)).date().isoformat()
    said = {"from": first, "policy": str(policy.pk), **words}
    count = narrow(Lead.objects.visible_to(user), said).count()
    return Figure(count, f"{reverse('qualification:lead_list')}?{urlencode(said)}")


def policy_words(policy: SlaPolicy) -> list[str]:
    """What is promised, in sentences."""
    span = _span(policy.first_touch_minutes)
    first = (
        _("A first touch within %(span)s of working time.")
        if policy.in_working_time
        else _("A first touch within %(span)s.")
    )
    return [first % {"span": span}, *_more(policy)]


def _more(policy: SlaPolicy) -> Iterable[str]:
    if policy.acknowledge_minutes is not None:
        yield _("Acknowledged within %(span)s.") % {"span": _span(policy.acknowledge_minutes)}
    if policy.escalate_minutes is not None:
        yield _("The team lead is told %(span)s before it runs out.") % {"span": _span(policy.escalate_minutes)}
    if policy.reassign_minutes is not None:
        yield _("%(span)s after it ran out, somebody else who works then gets the lead.") % {
            "span": _span(policy.reassign_minutes)
        }
    if policy.attempts is not None and policy.attempt_days is not None:
        tries = ngettext("%(count)s attempt", "%(count)s attempts", policy.attempts) % {"count": policy.attempts}
        days = ngettext("%(count)s day", "%(count)s days", policy.attempt_days) % {"count": policy.attempt_days}
        yield _("%(attempts)s within %(days)s, unless the person is reached before.") % {
            "attempts": tries,
            "days": days,
        }


def _span(minutes: int) -> str:
    return formats.span(minutes * 60) if minutes else _("no time")
