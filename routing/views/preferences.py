"""How a person is told: ways by kind of news, quiet hours, a digest, messengers, this computer."""

from datetime import time
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from leadmgmt.core.errors import InvalidInput
from leadmgmt.core.now import now
from routing.access import person
from routing.models import Messenger, Notification, NotifyPreference
from routing.notices import ASSIGNED, BREACHED, ESCALATED, SOON, TAKEN, TOO_FEW, TOUCHED, UNSEEN, WAITING
from routing.services.messengers import remove_messenger, set_messenger
from routing.services.notify import tell
from routing.services.ways import DIGEST, URGENT, USUAL

Way = Notification.Way
# What can be chosen about, in words; other kinds come on the usual ways.
KINDS = (
    (ASSIGNED, gettext_lazy("A lead is mine")),
    (TOUCHED, gettext_lazy("A lead of mine got in touch again")),
    (SOON, gettext_lazy("A promise runs out soon")),
    (BREACHED, gettext_lazy("A promise has run out")),
    (UNSEEN, gettext_lazy("A lead was not acknowledged")),
    (ESCALATED, gettext_lazy("A promise of my team is in danger")),
    (TOO_FEW, gettext_lazy("A lead was not tried often enough")),
    (TAKEN, gettext_lazy("A lead went from me to somebody else")),
    (WAITING, gettext_lazy("A lead waits for somebody")),
)
WAYS = (
    (Way.IN_APP.value, gettext_lazy("On screen")),
    (Way.EMAIL.value, gettext_lazy("E-mail")),
    (DIGEST, gettext_lazy("Digest")),
    (Way.SLACK.value, "Slack"),
    (Way.TEAMS.value, "Teams"),
)


@require_http_methods(["GET", "POST"])
@login_required
def settings(request: HttpRequest) -> HttpResponse:
    """Show and change how I am told."""
    user = person(request)
    if request.method == "POST":
        told = request.POST
        ways = {kind: [way for way, _label in WAYS if f"{kind}:{way}" in told] for kind, _label in KINDS}
        try:
            times = {name: _time(told.get(name, "")) for name in ("quiet_from", "quiet_to", "digest_at")}
        except ValueError:
            return _page(request, wrong_time=_("Write a time such as 18:30."))
        NotifyPreference.objects.update_or_create(user=user, defaults={"ways": ways, **times})
        messages.success(request, _("Saved."))
        return redirect("routing:notification_settings")
    return _page(request)


def _page(request: HttpRequest, **wrong: Any) -> HttpResponse:
    user = person(request)
    chosen = NotifyPreference.objects.filter(user=user).first()
    has = {one.kind: one for one in Messenger.objects.filter(user=user)}
    rows = []
    for kind, label in KINDS:
        picked = chosen.ways.get(kind) if chosen else None
        usual = [*(way.value for way in USUAL), *has]
        on = picked if isinstance(picked, list) else usual
        rows.append((kind, label, kind in URGENT, [(way, words, way in on) for way, words in WAYS]))
    context = {
        "chosen": chosen,
        "rows": rows,
        "ways": WAYS,
        "messengers": [(kind, label, has.get(kind)) for kind, label in Messenger.Kind.choices],
        **wrong,
    }
    return render(request, "routing/notification_settings.html", context, status=422 if wrong else 200)


def _time(text: str) -> time | None:
    return time.fromisoformat(text.strip()) if text.strip() else None


@login_required
@require_POST
def messenger_set(request: HttpRequest, kind: str) -> HttpResponse:
    """Take a webhook's address, or forget the one there is."""
    user = person(request)
    if request.POST.get("act") == "remove":
        remove_messenger(user, kind)
        messages.success(request, _("The messenger is forgotten."))
        return redirect("routing:notification_settings")
    try:
        set_messenger(user, kind, request.POST.get("url", ""))
    except InvalidInput as error:
        return _page(request, wrong_kind=kind, wrong=str(error))
    messages.success(request, _("Saved. Send a test to see whether it arrives."))
    return redirect("routing:notification_settings")


@login_required
@require_POST
def messenger_test(request: HttpRequest, kind: str) -> HttpResponse:
    """Send a test message."""
    user = person(request)
    get_object_or_404(Messenger, user=user, kind=kind, dead_at__isnull=True)
    at = now()
    address = reverse("routing:notification_settings")
    context = {"title": _("A test of Leadmgmt"), "text": _("It arrives here."), "url": address}
    tell(user, "test", f"test:{user.pk}:{at.isoformat()}", None, context=context, at=at, ways=[kind])
    messages.success(request, _("A test is on its way."))
    return redirect("routing:notification_settings")
