"""The watch over channels: counts what came in, and tells admins and marketing when a channel falls silent."""

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from leadmgmt.core import formats
from leadmgmt.core.permissions import ADMIN, MARKETING
from leads.models import ChannelSilence, User
from leads.services.channel_health import judge_silences, roll_up
from routing.models import Notification
from routing.notices import Notice, register_notice
from routing.services.notify import tell

CHANNEL_SILENT = "channel.silent"


def watch_channels(at: datetime) -> int:
    """Clock: count, judge, tell. Returns how many alarms began or ended."""
    roll_up(at)
    fresh, ended = judge_silences(at)
    for silence in fresh:
        _tell_all(silence, at)
    return len(fresh) + len(ended)


def _tell_all(silence: ChannelSilence, at: datetime) -> None:
    channel = silence.channel
    context = {
        "channel": channel.name,
        "since": silence.since.isoformat(),
        "url": reverse("leads:channel", args=[channel.slug]),
    }
    for person in watchers():
        tell(person, CHANNEL_SILENT, f"silence:{channel.pk}:{silence.since.isoformat()}", None, context=context, at=at)


def watchers() -> QuerySet[User]:
    """Who is told: active admins and marketing people."""
    return User.objects.filter(is_active=True, groups__name__in=[ADMIN, MARKETING]).distinct()


def _title(news: Notification) -> str:
    return _("%(channel)s has fallen silent") % {"channel": news.context.get("channel", "")}


def _line(news: Notification) -> str:
    since = datetime.fromisoformat(news.context["since"]) + timedelta(hours=1)
    return _(
        "Nothing has come in since %(time)s, which is not like it. See whether its form or webhook still works."
    ) % {"time": formats.moment(since)}


def _url(news: Notification) -> str:
    return str(news.context.get("url", "/"))


def register_all() -> None:
    """Teach the notices how a silence is worded."""
    register_notice(Notice(CHANNEL_SILENT, _title, _line, _url, mail="routing/mail/plain"))
