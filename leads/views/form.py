"""Pages of this app: the hosted form, open to everybody."""

import hashlib
import json

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.now import now
from leadmgmt.core.visitors import client_ip
from leads.channels.direct import CARRIED
from leads.channels.form import read_form
from leads.forms import LEAST_SECONDS, TRAP, HostedForm, new_token, read_token
from leads.models import Channel, Organisation
from leads.promises import promise
from leads.screening import trapped
from leads.services.capture import keep_aside, take_in


def _channel(form: str) -> Channel:
    channel = Channel.objects.filter(slug=form, kind=Channel.Kind.FORM, is_active=True).first()
    if channel is None:
        raise Http404
    return channel


# Nobody is signed in here, so there is nothing that a forged request could abuse; the token guards against machines.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hosted_form(request: HttpRequest, form: str) -> HttpResponse:
    """Show the form, or take in what was written."""
    channel = _channel(form)
    spec = read_form(channel.config)
    if request.method != "POST":
        return _show(request, channel, HostedForm(spec), new_token(now()), _visit(request))
    bound = HostedForm(spec, request.POST)
    token = request.POST.get("token", "")
    shown, shown_at = read_token(token)
    if not bound.is_valid():
        return _show(request, channel, bound, token if shown else new_token(now()), bound.carried(), status=422)
    if not shown or now().timestamp() - shown_at < LEAST_SECONDS:
        bound.add_error(None, _("That went very fast. Send it once more, so that we know you are no machine."))
        return _show(request, channel, bound, token if shown else new_token(now()), bound.carried(), status=422)
    _take(channel, bound, shown, client_ip(request))
    return HttpResponseRedirect(reverse("leads:form_thanks", args=[channel.slug]))


def _take(channel: Channel, form: HostedForm, shown: str, address: str) -> None:
    context = form.carried() | ({"ip": address} if address else {})
    payload = form.payload()
    # A second click sends the same again; who comes back and writes something else is heard a second time.
    written = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:16]
    key = f"form-{shown}-{written}"
    if form.is_trapped:
        keep_aside(channel, payload, trapped(), idempotency_key=key, context=context)
    else:
        take_in(channel, payload, idempotency_key=key, context=context)


def _visit(request: HttpRequest) -> dict[str, str]:
    """Where the visit comes from, as far as address and browser tell."""
    told = {name: request.GET[name][:500] for name in CARRIED if request.GET.get(name)}
    referrer = request.META.get("HTTP_REFERER", "")
    if referrer and not referrer.startswith(request.build_absolute_uri("/")):
        told.setdefault("referrer", referrer[:500])
    told.setdefault("landing_page", request.build_absolute_uri()[:500])
    return told


def _show(
    request: HttpRequest, channel: Channel, form: HostedForm, token: str, visit: dict[str, str], status: int = 200
) -> HttpResponse:
    context = {
        "channel": channel,
        "organisation": Organisation.objects.first(),
        "spec": form.spec,
        "form": form,
        "token": token,
        "trap": TRAP,
        "visit": visit,
        "promise": promise(now()),
    }
    response = TemplateResponse(request, "leads/form.html", context, status=status)
    patch_vary_headers(response, ["Accept-Language"])
    return response


@require_GET
@never_cache
def form_thanks(request: HttpRequest, form: str) -> HttpResponse:
    """What happens next."""
    channel = _channel(form)
    context = {
        "channel": channel,
        "organisation": Organisation.objects.first(),
        "spec": read_form(channel.config),
        "promise": promise(now()),
    }
    return TemplateResponse(request, "leads/form_thanks.html", context)
