"""Who may change what in routing. Everybody may look: the rotation is fair because all can check it."""

from leadmgmt.core.permissions import ADMIN, TEAM_LEAD, has_role
from leads.access import person as person
from leads.models import User
from routing.models import Pool, Rep

EDITORS = (ADMIN, TEAM_LEAD)
PUBLISHERS = (ADMIN,)


def may_edit_rules(user: User) -> bool:
    """Admins and team leads prepare drafts."""
    return has_role(user, *EDITORS)


def may_publish(user: User) -> bool:
    """Admins let them decide."""
    return has_role(user, *PUBLISHERS)


def may_edit_pool(user: User, pool: Pool) -> bool:
    """Admins all pools, team leads their team's."""
    return has_role(user, ADMIN) or (has_role(user, TEAM_LEAD) and pool.team_id == user.team_id is not None)


def may_manage(user: User, rep: Rep) -> bool:
    """Admins everybody's hours and caps, team leads their team's."""
    is_theirs = has_role(user, TEAM_LEAD) and user.team_id is not None and rep.user.team_id == user.team_id
    return has_role(user, ADMIN) or is_theirs


def may_plan(user: User, rep: Rep) -> bool:
    """Who may note somebody's leave and switch: themselves, and who manages them."""
    return rep.user_id == user.pk or may_manage(user, rep)
