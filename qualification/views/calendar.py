"""A person's calendar: its address is made on the profile, and whoever knows it may read it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from leadmgmt.core.now import now
from qualification import access
from qualification.services.calendar import feed, make_address, owner_of


# A calendar program cannot sign in: the address itself is the secret.
@never_cache
@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """The appointments behind an address."""
    user = owner_of(token)
    if user is None:
        raise Http404
    return HttpResponse(feed(user, now()), content_type="text/calendar; charset=utf-8")


@login_required
@require_POST
def calendar_make(request: HttpRequest) -> HttpResponse:
    """A new address; it is shown once."""
    address = make_address(access.person(request))
    words = _("Subscribe to this address in your calendar; it is shown once: %(url)s")
    messages.success(request, words % {"url": address})
    return redirect("profile")
