"""What all pages share: words for refusals, and the partial-or-page decision."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme

from leadmgmt.core.errors import DomainError
from leadmgmt.core.problems import problem_response, wants_problem


def is_partial(request: HttpRequest) -> bool:
    """Whether htmx asks for a fragment (and does not restore its history)."""
    details: Any = getattr(request, "htmx", None)
    return bool(details and not details.history_restore_request)


def back(request: HttpRequest, fallback: str = "/") -> str:
    """The page the person came from, if it is ours."""
    referrer: str = request.META.get("HTTP_REFERER", "")
    if url_has_allowed_host_and_scheme(referrer, allowed_hosts={request.get_host()}):
        return referrer
    return fallback


class DomainErrorMiddleware:
    """Turn a DomainError into a message on the page the person came from, a fragment for htmx, or problem+json."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Word a refusal; anything else goes on."""
        if not isinstance(error, DomainError):
            return None
        if wants_problem(request):
            return problem_response(error.status, str(error), code=error.code, fields=error.fields)
        if is_partial(request):
            response = TemplateResponse(request, "_refusal.html", {"error": error}, status=error.status).render()
            response["HX-Retarget"] = "#toasts"
            response["HX-Reswap"] = "beforeend"
            return response
        if request.method == "POST":
            messages.error(request, str(error))
            return HttpResponseRedirect(back(request))
        return TemplateResponse(request, "refusal.html", {"error": error}, status=error.status).render()
