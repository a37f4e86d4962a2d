"""Who stands before the screen."""

from django.core.exceptions import BadRequest
from django.http import HttpRequest

from leads.models import User


def person(request: HttpRequest) -> User:
    """Who is signed in; only behind a view that asks for it."""
    if not isinstance(request.user, User):
        raise BadRequest
    return request.user
