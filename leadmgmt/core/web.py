"""What all pages share: words for refusals, and the partial-or-page decision."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from leadmgmt.core.errors import DomainError
from leadmgmt.core.problems import problem_response, wants_problem

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


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


def post_from(page: str, *names: str) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """A door that is posted to from ``page``, whose address takes those of the door's arguments that are named.

    Who comes without sending anything (a reload, a sign-in in between) is led to the page.
    """

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method == "GET":
                query = request.META.get("QUERY_STRING", "")
                address = reverse(page, kwargs={name: kwargs[name] for name in names})
                return HttpResponseRedirect(f"{address}?{query}" if query else address)
            return view(request, *args, **kwargs)

        return require_http_methods(["GET", "POST"])(guarded)

    return decorate


def complain(form: BaseForm, error: DomainError) -> None:
    """Put a refusal beside the fields that it names; one that names none of the form's stands above them."""
    named = {name: text for name, text in error.fields.items() if name in form.fields}
    for name, text in named.items():
        form.add_error(name, text)
    if not named:
        form.add_error(None, str(error))


class HeadMiddleware:
    """HEAD is GET without a body, at every address: views know GET alone, the server leaves the body out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        return response


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
