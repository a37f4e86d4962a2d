"""Where the link of a confirmation leads: what was agreed to, to be confirmed or taken back. Open to everybody."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from leadmgmt.core.now import now
from leads.models import Organisation
from leads.services.confirmation import confirm, in_force, is_too_old, request_of, withdraw


# The link itself is the secret, and nobody is signed in. Only a click counts: programs that read mail open each link.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def consent(request: HttpRequest, token: str) -> HttpResponse:
    """Show what was agreed to; confirm it, or take it back."""
    asked = request_of(token)
    context: dict[str, Any] = {"organisation": Organisation.objects.first(), "asked": asked}
    if asked is None:
        return render(request, "leads/consent.html", context, status=404)
    if request.method == "POST":
        (withdraw if request.POST.get("act") == "withdraw" else confirm)(asked.pk)
        return redirect("leads:consent", token)
    context |= {"is_in_force": in_force(asked), "is_old": is_too_old(asked, now())}
    return render(request, "leads/consent.html", context)
