"""What an address that is not there, and a fault of ours, are answered with: problem+json under /api/, else a page."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views import defaults

from leadmgmt.core.problems import problem_response, wants_problem


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The request itself is broken."""
    if wants_problem(request):
        return problem_response(400, _("The request cannot be read."), code="bad_request")
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such address."""
    if wants_problem(request):
        return problem_response(404, _("Nothing is here."), code="not_found")
    return defaults.page_not_found(request, exception)


RETRY_AFTER = "5"


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours, which is in the log. A database that is away for a moment is told as what it is: come again."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _unavailable(request)
    if wants_problem(request):
        return problem_response(500, _("Something broke on our side."), code="server_error")
    return defaults.server_error(request)


def _unavailable(request: HttpRequest) -> HttpResponse:
    response: HttpResponse
    if wants_problem(request):
        message = _("The database does not answer at the moment: send it again in some seconds.")
        response = problem_response(503, message, code="unavailable")
    else:
        response = defaults.server_error(request)
        response.status_code = 503
    response["Retry-After"] = RETRY_AFTER
    return response
