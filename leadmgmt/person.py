"""Middleware: a signed-in person's language and time zone for the length of a request."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from leads.models import User


class PersonMiddleware:
    """What the profile says wins over the browser's language and the server's zone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Without a session cookie nobody is signed in: programs are spared the look-up.
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return self.get_response(request)
        request.LANGUAGE_CODE = request.user.language
        with translation.override(request.user.language):
            response = self._in_zone(request, request.user)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        return response

    def _in_zone(self, request: HttpRequest, user: User) -> HttpResponse:
        try:
            timezone.activate(user.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            timezone.deactivate()
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()
