"""Every page of the product with something on it: the addresses of a demo organisation, for axe and for screenshots."""

from django.contrib.auth.models import Group
from django.core import signing
from django.urls import reverse

from crmsync.models import BoardDeal, Conflict, Connection, DryRun, Handoff, Link
from crmsync.services.apart import set_apart
from leadmgmt.core.now import now
from leadmgmt.demo import build
from leads.models import Channel, Duplicate, Erasure, ErasureTask, Lead, Provider, Source, TerritoryTable, User
from qualification.models import Cadence, Framework, MailTemplate, NurtureProgramme, Segment
from qualification.services.bulk import assign_all
from qualification.services.mail_rules import stop_token
from routing.models import Certificate, Pool, Rep, Rule, SlaPolicy

# Small enough to be told in a while, large enough that no list is empty.
LEADS, DAYS, SEED = 140, 21, 7
OWN = 9


def make_tour() -> tuple[User, dict[str, str]]:
    """The organisation, somebody who may open everything, and name → address of every page."""
    build.build(LEADS, DAYS, SEED, lambda line: None)
    segment = Segment.objects.create(name="DACH", condition={"fact": "contact.country", "op": "eq", "value": "DE"})
    run = DryRun.objects.create(connection=Connection.objects.get(slug="local"), begun_at=now(), done_at=now())
    user = User.objects.create_user("tour@ours.example", first_name="Tora", last_name="Tour", is_staff=True)
    user.groups.set(Group.objects.all())
    # A queue of their own, or nobody would see one with something in it.
    working = Lead.objects.working().filter(owner__isnull=False).order_by("-pk").values_list("pk", flat=True)[:OWN]
    assign_all(list(working), user, by=user, at=now())
    _troubles()
    return user, _plain() | _with_objects(segment, run)


def _troubles() -> None:
    """What is not there on a good day: deals apart from their record, a conflict, somebody who was erased."""
    one, other, third = Link.objects.filter(state="linked", opportunity__stage="open").order_by("pk")[:3]
    set_apart(one, Link.State.REMOTE_DELETED, now())
    set_apart(other, Link.State.MERGED, now(), into=third.remote_id or "")
    Conflict.objects.create(link=third, field="name", ours="Ours", theirs="Theirs", rule="drift", at=now())
    erasure = Erasure.objects.create(at=now(), told={"contacts": 1, "history": 12})
    ErasureTask.objects.create(erasure=erasure, system="Salesforce", what="contact 0035g")


def _plain() -> dict[str, str]:
    """Pages that stand for themselves."""
    names = (
        "profile", "profile_password", "search", "setup", "changes", "decisions",
        "configuration_text", "person_new", "source_list", "source_costs",
        "leads:import_list", "leads:duplicate_list", "leads:channel_list", "leads:channel_new", "leads:provider_list",
        "leads:provider_add", "leads:quarantine", "leads:screening_lists", "leads:erasures",
        "routing:overview", "routing:pool_new", "routing:version_list", "routing:waiting_list", "routing:promise_list",
        "routing:promise_new", "routing:territory_list", "routing:territory_new", "routing:named_list_list",
        "routing:named_list_new", "routing:rep_list", "routing:notification_list", "routing:notification_settings",
        "qualification:queue", "qualification:lead_list", "qualification:lead_new", "qualification:cadence_list",
        "qualification:cadence_add", "qualification:nurture_list", "qualification:nurture_add",
        "qualification:mail_template_list", "qualification:mail_template_add", "qualification:scoring",
        "qualification:prediction", "qualification:icp", "qualification:segment_list", "qualification:segment_add",
        "qualification:criteria_list", "qualification:framework_list", "qualification:framework_add",
        "crmsync:handoff_list", "crmsync:board", "crmsync:handoff_setup", "crmsync:health", "crmsync:connection_new",
        "reports:morning", "reports:targets",
        "reports:funnel", "reports:speed", "reports:sources", "reports:attribution", "reports:leaks",
        "reports:scoring", "reports:nurture", "reports:sync", "reports:team",
    )  # fmt: skip
    compared = f"{reverse('reports:sources')}?compare=previous"
    return {name: reverse(name) for name in names} | {"reports-compared": compared}


def _with_objects(segment: Segment, run: DryRun) -> dict[str, str]:
    """Pages about one thing, of which there is one."""
    form = Channel.objects.filter(kind=Channel.Kind.FORM).first()
    lead = Lead.objects.filter(stage="mql", owner__isnull=False, first_touched_at__isnull=False).first()
    offered, decided = Handoff.objects.undecided().first(), Handoff.objects.exclude(status="offered").first()
    pair = Duplicate.objects.first()
    keyed: list[tuple[str, object]] = [
        ("source_edit", Source.objects.values_list("slug", flat=True).first()),
        ("leads:hosted_form", form and form.slug),
        ("leads:form_thanks", form and form.slug),
        ("leads:form_builder", form and form.slug),
        ("leads:channel", form and form.slug),
        ("leads:channel_log", form and form.slug),
        ("leads:provider", Provider.objects.values_list("slug", flat=True).first()),
        ("leads:duplicate", pair and pair.pk),
        ("routing:pool_detail", Pool.objects.values_list("slug", flat=True).first()),
        ("routing:certificate", Certificate.objects.values_list("pk", flat=True).first()),
        ("routing:promise", SlaPolicy.objects.values_list("pk", flat=True).first()),
        ("routing:territory", TerritoryTable.objects.values_list("slug", flat=True).first()),
        ("routing:rep_detail", Rep.objects.values_list("pk", flat=True).first()),
        ("routing:rule_edit", Rule.objects.filter(rule_set__status="draft").values_list("pk", flat=True).first()),
        ("qualification:lead_detail", lead and lead.pk),
        ("qualification:cadence", Cadence.objects.values_list("pk", flat=True).first()),
        ("qualification:nurture", NurtureProgramme.objects.values_list("pk", flat=True).first()),
        ("qualification:mail_template", MailTemplate.objects.values_list("pk", flat=True).first()),
        ("qualification:segment", segment.pk),
        ("qualification:criteria_edit", "sql"),
        ("qualification:framework_edit", Framework.objects.values_list("slug", flat=True).first()),
        ("crmsync:handoff_detail", offered and offered.pk),
        ("crmsync:deal_detail", BoardDeal.objects.values_list("pk", flat=True).first()),
        ("crmsync:connection", "local"),
    ]
    found = {name: reverse(name, args=[key]) for name, key in keyed if key is not None}
    if decided:
        found["crmsync:handoff_detail, decided"] = reverse("crmsync:handoff_detail", args=[decided.pk])
    for stage in ("won", "recycled", "disqualified", "opportunity", "new"):
        if other := Lead.objects.filter(stage=stage).first():
            found[f"qualification:lead_detail, {stage}"] = reverse("qualification:lead_detail", args=[other.pk])
    found["crmsync:dry_run"] = reverse("crmsync:dry_run", args=["local", run.pk])
    if lead:
        found["qualification:mail_stop"] = reverse("qualification:mail_stop", args=[stop_token(lead.contact_id)])
        found["search, found"] = f"{reverse('search')}?q={lead.contact.last_name}"
    found["leads:consent, unknown"] = reverse("leads:consent", args=[signing.dumps("nobody")])
    found["not found"] = "/nowhere/"
    return found
