"""Which tables are configuration, what a row of each is called, and where it is changed."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from leadmgmt.row_names import NAMES


@dataclass(frozen=True)
class Watched:
    """A watched table. ``page`` names the page where its rows are changed, with ``by`` giving its arguments."""

    area: str
    word: str | Promise
    model: type[models.Model]
    page: str = ""
    by: str = ""

    def url(self, row: dict[str, Any], row_id: str) -> str:
        """Where this row is changed, or nothing where it has no page."""
        values = [str(row_id) if name == "id" else str(row.get(name, "")) for name in self.by.split()]
        try:
            return reverse(self.page, args=values) if self.page and all(values) else ""
        except NoReverseMatch:
            return ""


AREAS: dict[str, str | Promise] = {
    "organisation": _("Organisation and people"),
    "capture": _("Channels and sources"),
    "routing": _("Routing and promises"),
    "scoring": _("Scoring and criteria"),
    "outreach": _("Outreach"),
    "crm": _("CRM"),
}
# Area, model, page, the page's arguments; a word where the admin does not name the model.
ROWS: tuple[tuple[str, str, str, str, str | Promise], ...] = (
    ("organisation", "leads.Organisation", "", "", ""),
    ("organisation", "leads.Team", "", "", ""),
    ("organisation", "leads.User", "", "", ""),
    ("organisation", "leads.User.groups", "", "", _("role of a person")),
    ("organisation", "leads.Reason", "", "", ""),
    ("organisation", "leads.Target", "reports:targets", "", _("target of a team")),
    ("capture", "leads.Source", "source_edit", "slug", ""),
    ("capture", "leads.SourceAlias", "source_list", "", _("other name of a source")),
    ("capture", "leads.SourceCost", "source_costs", "", ""),
    ("capture", "leads.Channel", "leads:channel", "slug", ""),
    ("capture", "leads.ApiKey", "", "", ""),
    ("capture", "leads.Provider", "leads:provider", "slug", ""),
    ("capture", "leads.Listed", "leads:screening_lists", "", _("listed sender")),
    ("routing", "leads.NamedList", "", "", _("list of companies")),
    ("routing", "leads.TerritoryTable", "routing:territory", "slug", _("territory table")),
    ("routing", "routing.Pool", "routing:pool_detail", "slug", ""),
    ("routing", "routing.PoolMember", "", "", _("share in a pool")),
    ("routing", "routing.Rep", "routing:rep_detail", "id", ""),
    ("routing", "routing.Shift", "routing:rep_detail", "rep_id", _("working hours")),
    ("routing", "routing.Absence", "routing:rep_detail", "rep_id", _("absence")),
    ("routing", "routing.RepCap", "routing:rep_detail", "rep_id", _("cap of a rep")),
    ("routing", "routing.RuleSet", "routing:version_list", "", ""),
    ("routing", "routing.Rule", "", "", _("routing rule")),
    ("routing", "routing.SlaPolicy", "routing:promise", "id", ""),
    ("scoring", "qualification.ScoringModel", "qualification:scoring", "", ""),
    ("scoring", "qualification.Criteria", "qualification:criteria_list", "", ""),
    ("scoring", "qualification.Framework", "qualification:framework_edit", "slug", ""),
    ("scoring", "qualification.Question", "", "", _("question")),
    ("scoring", "qualification.Segment", "qualification:segment", "id", _("segment")),
    ("scoring", "qualification.IcpVersion", "qualification:icp", "", ""),
    ("scoring", "qualification.PredictionModel", "qualification:prediction", "", ""),
    ("scoring", "qualification.PredictionFact", "qualification:prediction", "", ""),
    ("outreach", "qualification.Cadence", "qualification:cadence", "id", ""),
    ("outreach", "qualification.CadenceStep", "qualification:cadence", "cadence_id", _("step of a cadence")),
    ("outreach", "qualification.MailTemplate", "qualification:mail_template", "id", _("text for mails")),
    ("outreach", "qualification.NurtureProgramme", "qualification:nurture", "id", _("nurture programme")),
    ("outreach", "qualification.NurtureProgramme.reasons", "", "", _("reason of a programme")),
    ("outreach", "qualification.NurtureStep", "qualification:nurture", "programme_id", _("step of a programme")),
    ("crm", "crmsync.Connection", "crmsync:connection", "slug", ""),
    ("crm", "crmsync.StageMap", "", "", _("stage of the CRM")),
    ("crm", "crmsync.LossReasonMap", "", "", _("loss reason of the CRM")),
    ("crm", "crmsync.HandoffRule", "crmsync:handoff_setup", "", _("rule for handoffs")),
    ("crm", "crmsync.HandoffRule.people", "crmsync:handoff_setup", "", _("AE of a rule for handoffs")),
)


def _model(path: str) -> type[models.Model]:
    app, name, *many = path.split(".")
    model = apps.get_model(app, name)
    if not many:
        return model
    through: type[models.Model] = model._meta.get_field(many[0]).remote_field.through
    return through


def watched_tables() -> dict[str, Watched]:
    """Every watched table by its name in the database."""
    found = {}
    for area, path, page, by, word in ROWS:
        model = _model(path)
        found[model._meta.db_table] = Watched(area, word or NAMES[path][0], model, page, by)
    return found
