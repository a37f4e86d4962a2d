"""A small organisation in which a lead can travel the whole story: channel, pool, rules, AEs, built-in CRM."""

from dataclasses import dataclass

from leadmgmt.defaults import install_defaults
from leads.models import ApiKey, Channel, User
from leads.services.channels import create_api_key
from qualification.models import Question
from routing.models import Pool, Rule, RuleSet
from tests.factories import make_channel, make_organisation, make_policy, make_pool, make_rep, make_team, make_user

BANT = {
    "budget": "30,000 a year are in the plan",
    "authority": "She signs herself",
    "need": "45 technicians planned in Excel",
    "timeline": "Before March",
}


@dataclass(frozen=True)
class World:
    """The cast: Ann and Bob share a pool, Ada takes deals over, Mia manages."""

    channel: Channel
    key: ApiKey
    token: str
    ann: User
    bob: User
    ada: User
    mia: User
    pool: Pool
    rule_set: RuleSet

    def questions(self) -> list[Question]:
        """What has to be answered before a lead is an SQL."""
        return list(Question.objects.filter(framework__is_active=True, is_required=True).order_by("position"))


def build_world() -> World:
    """Everybody is at work around the clock and every lead goes to the one pool."""
    make_organisation()
    install_defaults()
    team = make_team("inbound")
    ann, bob = (
        make_user("sdr", first_name=name, last_name="Sdr", email=f"{name.lower()}@ours.example", team=team)
        for name in ("Ann", "Bob")
    )
    ada = make_user("ae", first_name="Ada", last_name="Ae", email="ada@ours.example", team=make_team("sales"))
    mia = make_user("manager", first_name="Mia", last_name="Manager", email="mia@ours.example")
    make_rep(ada)
    pool = make_pool(make_rep(ann), make_rep(bob), team=team, name="Inbound")
    channel = make_channel("website")
    key, token = create_api_key("story", channel=channel, user=mia)
    rule_set = RuleSet.objects.create(version=1, status=RuleSet.Status.PUBLISHED)
    Rule.objects.create(
        rule_set=rule_set,
        position=1,
        name="Everybody",
        destination=Rule.Destination.POOL,
        pool=pool,
        sla_policy=make_policy(15),
    )
    return World(channel, key, token, ann, bob, ada, mia, pool, rule_set)
