"""Where each role begins its day."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from leadmgmt.core.permissions import ADMIN, AE, MANAGER, MARKETING, SDR, TEAM_LEAD, roles_of
from leads.models import User

# The first role that a person holds decides: work before reading before configuring.
HOMES: tuple[tuple[str, str], ...] = (
    (SDR, "qualification:queue"),
    (AE, "crmsync:handoff_list"),
    (TEAM_LEAD, "reports:morning"),
    (MANAGER, "reports:morning"),
    (MARKETING, "reports:funnel"),
    (ADMIN, "setup"),
)


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """Go on to the page that this person's role works on; without a role, to the list of leads."""
    return HttpResponseRedirect(home_address(request.user))


def home_address(user: object) -> str:
    """The first page that the person's roles open."""
    held = _held(user)
    for role, name in HOMES:
        if role in held:
            try:
                return reverse(name)
            except NoReverseMatch:
                continue
    return reverse("profile")


def _held(user: object) -> frozenset[str]:
    """A superuser without a role of their own configures."""
    if not isinstance(user, User):
        return frozenset()
    own = frozenset(user.groups.values_list("name", flat=True))
    return own or (roles_of(user) & {ADMIN})
