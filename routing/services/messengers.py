"""Messengers: setting one up, sending to it, and giving it up when it is gone."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from leadmgmt.core.errors import ConfigurationError, InvalidInput, PermanentError, RetryableError
from leadmgmt.core.http import call
from leadmgmt.core.kept_words import worded
from leadmgmt.core.now import now
from leadmgmt.core.secrets import seal, unseal
from leads.models import User
from routing.hours import known_zone
from routing.messages import MAKERS
from routing.models import Messenger, Notification
from routing.notices import MESSENGER_DEAD
from routing.services.notify import tell

SECONDS = 10.0
# Where these services have their webhooks; anything else is somebody else's address.
HOSTS = {
    Messenger.Kind.SLACK.value: ("hooks.slack.com", "hooks.slack-gov.com"),
    Messenger.Kind.TEAMS.value: (".webhook.office.com", ".logic.azure.com", ".powerplatform.com", ".office.com"),
}
FAILURES_TO_GIVE_UP = 20


def set_messenger(user: User, kind: str, url: str) -> Messenger:
    """Take a webhook's address, which replaces the one there was. Raises InvalidInput."""
    if kind not in Messenger.Kind.values:
        raise InvalidInput(_("Choose Slack or Teams."), fields={"kind": _("Choose Slack or Teams.")})
    if not is_theirs(kind, url):
        sentence = _("This is no webhook of %(name)s: it begins with https:// and names their host.")
        told = sentence % {"name": Messenger.Kind(kind).label}
        raise InvalidInput(told, fields={"url": told})
    fresh = {"url": seal(url.strip()), "failures": 0, "dead_at": None, "error": ""}
    return Messenger.objects.update_or_create(user=user, kind=kind, defaults=fresh)[0]


def is_theirs(kind: str, url: str) -> bool:
    """Whether an address is one of the service's own; a stand-in on this host is, where private calls are allowed."""
    parts = urlsplit(url.strip())
    host = (parts.hostname or "").lower()
    if host and host in settings.OUTBOUND_ALLOW_PRIVATE:
        return True
    known = HOSTS[kind]
    fits = any(host == one or (one.startswith(".") and host.endswith(one)) for one in known)
    return parts.scheme == "https" and fits


def remove_messenger(user: User, kind: str) -> None:
    """Forget it."""
    Messenger.objects.filter(user=user, kind=kind).delete()


def send(notification: Notification) -> None:
    """Send one piece of news by its messenger. Raises RetryableError, PermanentError or ConfigurationError."""
    messenger = Messenger.objects.filter(user=notification.user_id, kind=notification.way).first()
    if messenger is None or messenger.dead_at is not None:
        raise PermanentError(worded("There is no such messenger any more."))
    user = notification.user
    with translation.override(user.language), timezone.override(known_zone(user.time_zone)):
        body = MAKERS[messenger.kind](notification)
    try:
        call("POST", unseal(messenger.url), seconds=SECONDS, json=body)
    except (PermanentError, ConfigurationError) as error:
        _give_up(messenger, str(error), now())
        raise
    except RetryableError as error:
        Messenger.objects.filter(pk=messenger.pk).update(failures=messenger.failures + 1, error=str(error))
        if messenger.failures + 1 >= FAILURES_TO_GIVE_UP:
            _give_up(messenger, str(error), now())
        raise
    if messenger.failures or messenger.error:
        Messenger.objects.filter(pk=messenger.pk).update(failures=0, error="")


def _give_up(messenger: Messenger, error: str, at: datetime) -> None:
    """Nothing goes there any more; its owner is told on the ways that work."""
    with transaction.atomic():
        alive = Messenger.objects.filter(pk=messenger.pk, dead_at__isnull=True)
        if not alive.update(dead_at=at, error=error):
            return
        context = {
            "messenger": Messenger.Kind(messenger.kind).label,
            "why": error,
            "url": reverse("routing:notification_settings"),
        }
        occasion = f"messenger:{messenger.pk}:{at.isoformat()}"
        tell(messenger.user, MESSENGER_DEAD, occasion, None, context=context, at=at)
