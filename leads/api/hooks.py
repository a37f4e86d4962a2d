"""POST hooks/<channel>/: the door that other services call; GET answers their challenges."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from leadmgmt.core.errors import DomainError, NotPermitted
from leadmgmt.core.problems import CONTENT_TYPE, problem
from leads.api.body import read_bytes
from leads.channels import HOOKS
from leads.channels.base import Call, Hook
from leads.models import Channel
from leads.services.credentials import setup_of
from leads.services.take_call import count_error, take_call


class NoSuchHook(DomainError):
    """No channel with a door has this name."""

    status = 404
    code = "not_found"


@csrf_exempt
def hook(request: HttpRequest, channel: str) -> HttpResponse:
    """Check a call, keep every submission in it, and answer as the service expects."""
    found: Channel | None = None
    try:
        found = _channel(channel)
        return _answer(request, found, HOOKS[found.kind])
    except DomainError as error:
        if found is not None:
            count_error(found, error)
        body = problem(error.status, str(error), code=error.code, fields=error.fields)
        return JsonResponse(body, status=error.status, content_type=CONTENT_TYPE)


def _channel(slug: str) -> Channel:
    found = Channel.objects.filter(slug=slug, kind__in=HOOKS).first()
    if found is None:
        raise NoSuchHook(_("No channel answers at this address."))
    if not found.is_active:
        raise NotPermitted(_("This channel is switched off."), code="channel_inactive")
    return found


def _answer(request: HttpRequest, channel: Channel, door: Hook) -> HttpResponse:
    setup = setup_of(channel)
    if request.method == "GET":
        return door.challenge(call_of(request, b""), setup)
    if request.method != "POST":
        body = problem(405, _("Only GET and POST are answered here."), code="method_not_allowed")
        return JsonResponse(body, status=405, content_type=CONTENT_TYPE, headers={"Allow": "GET, POST"})
    call = call_of(request, read_bytes(request, door.most_bytes or settings.CAPTURE_MAX_BYTES))
    try:
        return take_call(channel, door, setup, call)
    except DomainError as error:
        if page := door.refuse(call, setup, error):
            count_error(channel, error)
            return page
        raise


def call_of(request: HttpRequest, body: bytes) -> Call:
    """The call as a hook sees it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(request.method or "", request.build_absolute_uri(), request.GET.dict(), headers, body)
