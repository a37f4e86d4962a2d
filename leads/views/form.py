"""The hosted form, open to everybody: as a page, inside other pages, and for forms that post here directly."""

import hashlib
import json
from typing import Any

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from leadmgmt.core.now import now
from leadmgmt.core.permissions import ADMIN, MARKETING, has_role
from leadmgmt.core.visitors import client_ip
from leads.channels.base import Call, NotACall
from leads.channels.direct import CARRIED
from leads.channels.form import FormSpec, WrongForm, read_form
from leads.channels.posted import FORM, fields
from leads.channels.salesforce import TRAPS
from leads.forms import TRAP, HostedForm, new_token, read_token
from leads.models import Capture, Channel, Contact, Organisation
from leads.promises import promise
from leads.screening import trapped
from leads.services.capture import keep_aside, take_in

KNOWN_SALT = "leads.known_by_form"
KNOWN_SECONDS = 180 * 24 * 3600
MOST_BYTES = 512 * 1024


def _channel(form: str) -> Channel:
    channel = Channel.objects.filter(slug=form, kind=Channel.Kind.FORM, is_active=True).first()
    if channel is None:
        raise Http404
    return channel


# Nobody is signed in here, so there is nothing that a forged request could abuse; the token guards against machines.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def hosted_form(request: HttpRequest, form: str) -> HttpResponse:
    """Show the form, or take in what was written."""
    channel = _channel(form)
    spec = _spec(request, channel)
    known = _known(request, channel, spec)
    if request.method != "POST":
        return _show(request, channel, HostedForm(spec, known=known), new_token(now()), _visit(request))
    data = _posted(request)
    bound = HostedForm(spec, data, known)
    token = data.get("token", "")
    shown, shown_at = read_token(token)
    is_direct = spec.takes_direct and not token
    if not bound.is_valid():
        return _show(request, channel, bound, token if shown else new_token(now()), bound.carried(), status=422)
    if not is_direct and (not shown or now().timestamp() - shown_at < spec.least_seconds):
        bound.add_error(None, _("That went very fast. Send it once more, so that we know you are no machine."))
        return _show(request, channel, bound, token if shown else new_token(now()), bound.carried(), status=422)
    capture = _take(channel, bound, shown, client_ip(request))
    response = HttpResponseRedirect(_thanks(request, channel))
    if spec.is_progressive:
        _remember(response, channel, capture)
    return response


def _spec(request: HttpRequest, channel: Channel) -> FormSpec:
    """The published form; its draft for those who edit it."""
    draft = channel.config.get("draft")
    if "draft" in request.GET and isinstance(draft, dict) and has_role(request.user, ADMIN, MARKETING):
        return read_form(draft)
    return read_form(channel.config)


def _posted(request: HttpRequest) -> "MultiValueDict[str, str]":
    """The fields, in whatever charset a page of others has posted them."""
    kind = request.META.get("CONTENT_TYPE", "")
    if kind.partition(";")[0].strip().lower() != FORM:
        return request.POST
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return MultiValueDict()
    try:
        return MultiValueDict(fields(Call("POST", "", headers={"content-type": kind}, body=body)))
    except NotACall:
        return MultiValueDict()


def _take(channel: Channel, form: HostedForm, shown: str, address: str) -> Capture:
    payload, context = form.payload(), form.carried() | ({"ip": address} if address else {})
    # A second click sends the same again; who comes back and writes something else is heard a second time.
    written = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:16]
    key = f"form-{shown}-{written}" if shown else ""
    if form.spec.has_trap and any(form.data.get(name) for name in (TRAP, *TRAPS)):
        return keep_aside(channel, payload, trapped(), idempotency_key=key, context=context).capture
    return take_in(channel, payload, idempotency_key=key, context=context).capture


def _known(request: HttpRequest, channel: Channel, spec: FormSpec) -> Contact | None:
    """Whom this browser sent the form for before; nothing of what we know is ever shown, only left out."""
    if not spec.is_progressive:
        return None
    try:
        key = signing.loads(request.COOKIES.get(_cookie(channel), ""), salt=KNOWN_SALT, max_age=KNOWN_SECONDS)
    except signing.BadSignature:
        return None
    capture = Capture.objects.select_related("contact").filter(pk=key, channel=channel).first()
    return capture.contact if capture else None


def _remember(response: HttpResponse, channel: Channel, capture: Capture) -> None:
    value = signing.dumps(str(capture.pk), salt=KNOWN_SALT)
    response.set_cookie(_cookie(channel), value, max_age=KNOWN_SECONDS, httponly=True, samesite="Lax")


def _cookie(channel: Channel) -> str:
    return f"form-{channel.slug}"


def _visit(request: HttpRequest) -> dict[str, str]:
    """Where the visit comes from, as far as address and browser tell."""
    told = {name: request.GET[name][:500] for name in CARRIED if request.GET.get(name)}
    referrer = request.META.get("HTTP_REFERER", "")
    if referrer and not referrer.startswith(request.build_absolute_uri("/")):
        told.setdefault("referrer", referrer[:500])
    told.setdefault("landing_page", request.build_absolute_uri()[:500])
    return told


def _is_embedded(request: HttpRequest) -> bool:
    return "embed" in request.GET


def _thanks(request: HttpRequest, channel: Channel) -> str:
    return reverse("leads:form_thanks", args=[channel.slug]) + ("?embed=1" if _is_embedded(request) else "")


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
        "is_embedded": _is_embedded(request),
    }
    response = TemplateResponse(request, "leads/form.html", context, status=status)
    patch_vary_headers(response, ["Accept-Language"])
    return _framed(response, form.spec, is_draft="draft" in request.GET)


def _framed(response: HttpResponse, spec: FormSpec, *, is_draft: bool = False) -> HttpResponse:
    """Let the pages that were named show it inside theirs, nobody else."""
    allowed = [*spec.origins, *(["'self'"] if is_draft else [])]
    if allowed:
        told: Any = response
        told.xframe_options_exempt = True
        told._csp_replace = {"frame-ancestors": allowed}
    return response


@require_GET
@never_cache
def form_thanks(request: HttpRequest, form: str) -> HttpResponse:
    """What happens next."""
    channel = _channel(form)
    spec = read_form(channel.config)
    context = {
        "channel": channel,
        "organisation": Organisation.objects.first(),
        "spec": spec,
        "promise": promise(now()),
        "is_embedded": _is_embedded(request),
    }
    return _framed(TemplateResponse(request, "leads/form_thanks.html", context), spec)


@require_GET
@cache_control(max_age=300)
def form_style(request: HttpRequest, form: str) -> HttpResponse:
    """The form's own colours, made of checked values alone."""
    try:
        css = _spec(request, _channel(form)).style.css()
    except WrongForm:
        css = ""
    return HttpResponse(css, content_type="text/css; charset=utf-8")


EMBED = """(function () {
  var script = document.currentScript;
  var form = new URL(%(url)s);
  var here = new URLSearchParams(location.search);
  form.searchParams.set("embed", "1");
  here.forEach(function (value, name) { if (name.indexOf("utm_") === 0) form.searchParams.set(name, value); });
  form.searchParams.set("landing_page", location.href.slice(0, 500));
  if (document.referrer) form.searchParams.set("referrer", document.referrer.slice(0, 500));
  var frame = document.createElement("iframe");
  frame.src = form.href;
  frame.title = %(title)s;
  frame.width = "100%%";
  frame.height = "640";
  frame.setAttribute("frameborder", "0");
  script.parentNode.insertBefore(frame, script);
  addEventListener("message", function (event) {
    if (event.source !== frame.contentWindow || event.origin !== form.origin || !event.data) return;
    var height = Number(event.data.leadmgmtHeight);
    if (height > 100 && height < 10000) frame.height = String(Math.ceil(height));
  });
})();
"""


@require_GET
@cache_control(max_age=300)
def form_embed(request: HttpRequest, form: str) -> HttpResponse:
    """A script for other pages: puts the form where it stands, tells it where the visit comes from, fits its height."""
    channel = _channel(form)
    url = request.build_absolute_uri(reverse("leads:hosted_form", args=[channel.slug]))
    told = {"url": json.dumps(url), "title": json.dumps(channel.name)}
    response = HttpResponse(EMBED % told, content_type="text/javascript; charset=utf-8")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
