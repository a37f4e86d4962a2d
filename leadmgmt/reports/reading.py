"""Who reads a report."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from leads.models import User


def reader(request: HttpRequest) -> User:
    """Who reads; the views open to signed-in people only."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
