"""Roles and what they open. A role is a group; a person may hold several."""

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

SDR, TEAM_LEAD, AE, MARKETING, MANAGER, ADMIN = ROLES = ("sdr", "team_lead", "ae", "marketing", "manager", "admin")
REPORT_READERS = (TEAM_LEAD, MARKETING, MANAGER, ADMIN)
# Permissions of our own, beside the roles.
OVERRIDE_CRITERIA = "qualification.override_criteria"
OWN_PERMISSIONS = (OVERRIDE_CRITERIA,)
CONFIGURERS = (ADMIN,)
WORKERS = (SDR, TEAM_LEAD, ADMIN)

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def roles_of(user: "AbstractUser") -> frozenset[str]:
    """The person's roles, read once per request; a superuser holds all of them."""
    if user.is_superuser:
        return frozenset(ROLES)
    known: frozenset[str] | None = getattr(user, "_roles", None)
    if known is None:
        known = remember_roles(user, user.groups.values_list("name", flat=True))
    return known


def remember_roles(user: "AbstractUser", names: Iterable[str]) -> frozenset[str]:
    """Keep what was read, for as long as this instance lives: one request."""
    roles = frozenset(names)
    user._roles = roles  # type: ignore[attr-defined]  # a cache for this request's instance
    return roles


def remember_granted(user: "AbstractUser", names: Iterable[str]) -> None:
    """Keep which of our own permissions were given to the person, themselves or by a group, as roles are kept."""
    user._granted = frozenset(names)  # type: ignore[attr-defined]  # as above


def is_granted(user: "AbstractUser", permission: str) -> bool:
    """Whether one of our own permissions (`app.codename`) was given to the person."""
    known: frozenset[str] | None = getattr(user, "_granted", None)
    return user.has_perm(permission) if known is None else permission.partition(".")[2] in known


def has_role(user: Any, *roles: str) -> bool:
    """Whether the person holds at least one of the roles; nobody (None, by API) holds none."""
    return bool(user and user.is_authenticated and user.is_active and roles_of(user).intersection(roles))


def sees_all_leads(user: "AbstractUser") -> bool:
    """Managers, marketing and admins see every lead."""
    return has_role(user, MANAGER, MARKETING, ADMIN)


def sees_team_leads(user: "AbstractUser") -> bool:
    """SDRs and team leads see the leads of their team."""
    return has_role(user, SDR, TEAM_LEAD)


def role_required(*roles: str) -> Callable[[View[P]], Callable[..., HttpResponseBase]]:
    """Open a view to these roles: the sign-in page for strangers, 403 for everybody else."""

    def decorate(view: View[P]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not has_role(request.user, *roles):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        opened = login_required(guarded)
        # Read by the navigation: a link is shown to whom its page opens.
        opened.required_roles = roles  # type: ignore[attr-defined]  # functions carry attributes, their type does not
        return opened

    return decorate
