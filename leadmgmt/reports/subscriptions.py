"""Reports by e-mail: one sentence and the way to the page, in the reader's language, with what the reader may see."""

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from leadmgmt.core.clock import for_a_spell
from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from leadmgmt.core.permissions import REPORT_READERS, has_role
from leadmgmt.reports.attribution import attribution
from leadmgmt.reports.attribution_words import attribution_sentence
from leadmgmt.reports.filters import NARROWING, Filters, read
from leadmgmt.reports.funnel import funnel
from leadmgmt.reports.funnel_words import Sentence, sentence
from leadmgmt.reports.further_words import nurturing_sentence, scoring_sentence, syncing_sentence
from leadmgmt.reports.leaks import leaks
from leadmgmt.reports.leaks_words import leaks_sentence
from leadmgmt.reports.morning import morning
from leadmgmt.reports.morning_words import morning_sentence
from leadmgmt.reports.nurturing import nurturing
from leadmgmt.reports.scoring import scoring
from leadmgmt.reports.sources import sources
from leadmgmt.reports.sources_words import sources_sentence
from leadmgmt.reports.speed import speed
from leadmgmt.reports.speed_words import speed_sentence
from leadmgmt.reports.syncing import syncing
from leadmgmt.reports.team import team
from leadmgmt.reports.team_words import team_sentence
from leads.models import Subscription, User
from routing.models import Notification
from routing.services.notify import tell

KIND = "report.sent"
AT = time(7, 0)
SATURDAY = 5
AT_ONCE = 50
KEPT = (*NARROWING, "level")


def _leaks(filters: Filters) -> Sentence:
    found = leaks(filters)
    worst = max(found.leaks, key=lambda leak: leak.count)
    return leaks_sentence(found.total, found.working, worst.kind, worst.count)


# Report → what it is called and what a person would say of it first.
SENTENCES: dict[str, tuple[Callable[[], str], Callable[[Filters], Sentence]]] = {
    "morning": (lambda: _("This morning"), lambda filters: morning_sentence(morning(filters))),
    "funnel": (lambda: _("Funnel"), lambda filters: sentence(funnel(filters))),
    "speed": (lambda: _("Speed"), lambda filters: speed_sentence(speed(filters))),
    "sources": (lambda: _("Sources and cost"), lambda filters: sources_sentence(sources(filters))),
    "attribution": (lambda: _("Attribution"), lambda filters: attribution_sentence(attribution(filters))),
    "leaks": (lambda: _("Leaks"), _leaks),
    "scoring": (lambda: _("Scoring"), lambda filters: scoring_sentence(scoring(filters))),
    "nurture": (lambda: _("Nurture"), lambda filters: nurturing_sentence(nurturing(filters))),
    "sync": (lambda: _("Sync"), lambda filters: syncing_sentence(syncing(filters))),
    "team": (lambda: _("Team"), lambda filters: team_sentence(team(filters))),
}


def kept_query(params: Mapping[str, str]) -> str:
    """The filters of an address, without the period: a subscription is always about the days before."""
    return urlencode({name: value for name in KEPT if (value := params.get(name))})


def subscribe(
    user: User, report: str, params: Mapping[str, str], rhythm: str, at: datetime | None = None
) -> Subscription:
    """Send this report with these filters from the next morning on. Raises InvalidInput."""
    if report not in SENTENCES or rhythm not in Subscription.Rhythm.values:
        raise InvalidInput(_("Choose one of those shown."), fields={"rhythm": _("Choose one of those shown.")})
    query = kept_query(params)
    if len(query) > 500:
        raise InvalidInput(_("These filters are too long."), fields={"rhythm": _("Choose fewer filters.")})
    found, _made = Subscription.objects.update_or_create(
        user=user, report=report, query=query, defaults={"rhythm": rhythm, "next_at": following(rhythm, at or now())}
    )
    return found


def following(rhythm: str, at: datetime) -> datetime:
    """The next morning on which it goes out."""
    zone = ZoneInfo(settings.TIME_ZONE)
    day = at.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, AT, zone)
        fits = day.weekday() == 0 if rhythm == Subscription.Rhythm.WEEKLY else day.weekday() < SATURDAY
        if fits and moment > at:
            return moment
        day += timedelta(days=1)


def send_due(at: datetime) -> int:
    """Clock: send what is due, once. Returns how many went out. Whoever reads no reports any more gets none."""
    due = Subscription.objects.filter(next_at__lte=at).order_by("next_at").values_list("pk", flat=True)
    return sum(_send(pk, at) for pk in for_a_spell(list(due[:AT_ONCE])))


def _send(pk: int, at: datetime) -> bool:
    with transaction.atomic():
        rows = Subscription.objects.select_for_update(skip_locked=True).select_related("user")
        one = rows.filter(pk=pk, next_at__lte=at).first()
        if one is None:
            return False
        due, one.next_at, one.sent_at = one.next_at, following(one.rhythm, at), at
        one.save(update_fields=["next_at", "sent_at"])
        user = one.user
        if not user.is_active or not has_role(user, *REPORT_READERS) or one.report not in SENTENCES:
            return False
        with translation.override(user.language):
            named, said = SENTENCES[one.report]
            try:
                told = said(read(QueryDict(one.query), user))
            except InvalidInput as error:
                # The others behind it are sent all the same, and this one hears what is the matter.
                told = Sentence(str(error), _("Choose the filters anew."))
            context = {"title": f"{named()}: {told.finding}", "text": told.rest, "url": address(one)}
        tell(
            user,
            KIND,
            f"report:{one.pk}:{due.isoformat()}",
            None,
            context=context,
            ways=[Notification.Way.EMAIL],
            at=at,
        )
    return True


def address(one: Subscription) -> str:
    """The page that it is about."""
    query = urlencode(dict(parse_qsl(one.query)))
    return f"{reverse(f'reports:{one.report}')}{'?' if query else ''}{query}"
