"""The frame around every screen: where this person may go, how much waits there, how they like it to look."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.translation import gettext

from leadmgmt.core.permissions import has_role, roles_of
from leadmgmt.navigation import COUNTED, GROUPS, Entry, role_name, waiting
from leads.models import User


@dataclass(frozen=True)
class NavItem:
    """One link of the sidebar or the tab bar."""

    label: str
    url: str
    icon: str
    current: bool = False
    count: int = 0
    keys: str = ""
    palette: bool = False


@dataclass(frozen=True)
class NavGroup:
    """Links under one heading."""

    key: str
    heading: str
    items: list[NavItem]


def open_url(user: Any, name: str) -> str:
    """The address of a page, or nothing if it does not exist or this person's roles do not open it."""
    try:
        url = reverse(name)
    except NoReverseMatch:
        return ""
    roles: tuple[str, ...] = getattr(resolve(url).func, "required_roles", ())
    return url if not roles or has_role(user, *roles) else ""


class Shell:
    """Read by the templates as ``shell``; each part is worked out only if the page shows it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        user = getattr(request, "user", None)
        self._user: User | None = user if isinstance(user, User) else None

    @property
    def theme(self) -> str:
        """system, light or dark."""
        return self._user.theme if self._user else User.Theme.SYSTEM.value

    @property
    def other_theme(self) -> str:
        """What the theme button switches to where no script runs."""
        return User.Theme.LIGHT.value if self.theme == User.Theme.DARK else User.Theme.DARK.value

    @property
    def density(self) -> str:
        """compact or roomy."""
        return self._user.density if self._user else User.Density.COMPACT.value

    @property
    def keys(self) -> bool:
        """Whether single letters act."""
        return self._user.keys_enabled if self._user else True

    @property
    def name(self) -> str:
        """Who is signed in."""
        return str(self._user or "")

    @cached_property
    def role(self) -> str:
        """What the person does here, with the team: “AE DACH”; the team alone where its name says the role."""
        if self._user is None:
            return ""
        role, team = role_name(roles_of(self._user)), self._user.team.name if self._user.team else ""
        said = f" {role} ".casefold() in f" {team} ".casefold()
        return team if said else f"{role} {team}".strip()

    @cached_property
    def groups(self) -> list[NavGroup]:
        """The sidebar: headings with the pages that this person may open."""
        found = [(group, [item for entry in group.entries if (item := self._item(entry))]) for group in GROUPS]
        here = max((item.url for _group, items in found for item in items if item.current), key=len, default="")
        # A page below another's address is at home under its own entry.
        return [
            NavGroup(group.key, str(group.heading), [replace(item, current=item.url == here) for item in items])
            for group, items in found
            if items
        ]

    @cached_property
    def tabs(self) -> list[NavItem]:
        """The tab bar of a phone: the first pages of work, search, the first report, oneself."""
        pages = {group.key: group.items for group in self.groups}
        reports = pages.get("understand", [])
        tabs = pages.get("work", [])[: 2 if reports else 3]
        tabs.append(NavItem(gettext("Search"), self.search_url, "search", self._at(self.search_url), palette=True))
        if reports:
            tabs.append(NavItem(gettext("Reports"), reports[0].url, "chart", any(one.current for one in reports)))
        return [*tabs, NavItem(gettext("Me"), self.profile_url, "person", self.on_profile)]

    @cached_property
    def search_url(self) -> str:
        """The search page, which is also the palette's source."""
        return reverse("search")

    @cached_property
    def new_lead_url(self) -> str:
        """Where a lead is entered by hand; empty for who may not."""
        return open_url(self._user, "qualification:lead_new")

    @cached_property
    def profile_url(self) -> str:
        """The person's own settings."""
        return reverse("profile")

    @cached_property
    def theme_url(self) -> str:
        """Where the theme button posts to."""
        return reverse("profile_theme")

    @property
    def on_profile(self) -> bool:
        """Whether this page is the profile."""
        return self._at(self.profile_url)

    def _at(self, url: str) -> bool:
        return self._request.path.startswith(url)

    def _item(self, entry: Entry) -> NavItem | None:
        url = open_url(self._user, entry.name)
        if not url:
            return None
        count = self._waiting.get(entry.name, 0) if entry.name in COUNTED else 0
        return NavItem(str(entry.label), url, entry.icon, self._at(url), count, entry.keys)

    @cached_property
    def _waiting(self) -> dict[str, int]:
        return waiting(self._user) if self._user else {}


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the frame, worked out lazily."""
    return {"shell": Shell(request)}
