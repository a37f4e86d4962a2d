"""What rows are called where they are looked at one kind at a time: in the admin.

Said here and not in each model's Meta, where a word more would be a migration more; the database knows no such words.
"""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

# One, several.
NAMES = {
    "leads.ApiKey": (_("API key"), _("API keys")),
    "leads.Campaign": (_("campaign"), _("campaigns")),
    "leads.Capture": (_("submission"), _("submissions")),
    "leads.Channel": (_("channel"), _("channels")),
    "leads.Company": (_("company"), _("companies")),
    "leads.ConsentRequest": (_("asked confirmation"), _("asked confirmations")),
    "leads.Contact": (_("contact"), _("contacts")),
    "leads.EnrichmentRequest": (_("question to a provider"), _("questions to providers")),
    "leads.ImportRow": (_("refused row"), _("refused rows")),
    "leads.ImportRun": (_("imported file"), _("imported files")),
    "leads.Lead": (_("lead"), _("leads")),
    "leads.LeadEvent": (_("event"), _("events")),
    "leads.Organisation": (_("organisation"), _("organisation")),
    "leads.Provider": (_("provider"), _("providers")),
    "leads.Reason": (_("reason"), _("reasons")),
    "leads.Source": (_("source"), _("sources")),
    "leads.SourceCost": (_("cost of a source"), _("costs of sources")),
    "leads.Team": (_("team"), _("teams")),
    "leads.User": (_("user"), _("users")),
    "qualification.Cadence": (_("cadence"), _("cadences")),
    "qualification.CadenceEnrolment": (_("lead in a cadence"), _("leads in cadences")),
    "qualification.IcpVersion": (_("ideal customer profile"), _("ideal customer profiles")),
    "qualification.MailStop": (_("stopped address"), _("stopped addresses")),
    "qualification.OutgoingMail": (_("e-mail to a lead"), _("e-mails to leads")),
    "qualification.PredictionFact": (_("fact of the win probability"), _("facts of the win probability")),
    "qualification.PredictionModel": (_("version of the win probability"), _("versions of the win probability")),
    "qualification.TrainingRun": (_("training"), _("trainings")),
    "qualification.Answer": (_("answer"), _("answers")),
    "qualification.Criteria": (_("criteria"), _("criteria")),
    "qualification.Framework": (_("framework"), _("frameworks")),
    "qualification.NurtureEnrolment": (_("sleeping lead"), _("sleeping leads")),
    "qualification.Outcome": (_("outcome"), _("outcomes")),
    "qualification.Score": (_("score"), _("scores")),
    "qualification.ScoringModel": (_("scoring model"), _("scoring models")),
    "routing.Assignment": (_("assignment"), _("assignments")),
    "routing.Certificate": (_("certificate"), _("certificates")),
    "routing.LedgerEntry": (_("ledger entry"), _("ledger entries")),
    "routing.Notification": (_("notification"), _("notifications")),
    "routing.Pool": (_("pool"), _("pools")),
    "routing.Rep": (_("rep"), _("reps")),
    "routing.RuleSet": (_("rule set"), _("rule sets")),
    "routing.SlaClock": (_("running promise"), _("running promises")),
    "routing.SlaPolicy": (_("promise"), _("promises")),
    "routing.WaitingLead": (_("waiting lead"), _("waiting leads")),
    "crmsync.AuditRow": (_("decision of the sync"), _("decisions of the sync")),
    "crmsync.Conflict": (_("conflict"), _("conflicts")),
    "crmsync.Connection": (_("connection"), _("connections")),
    "crmsync.Cursor": (_("reading mark"), _("reading marks")),
    "crmsync.Handoff": (_("handoff"), _("handoffs")),
    "crmsync.InboxEvent": (_("change in the CRM"), _("changes in the CRM")),
    "crmsync.Link": (_("link to the CRM"), _("links to the CRM")),
    "crmsync.Opportunity": (_("opportunity"), _("opportunities")),
    "crmsync.OutboxEntry": (_("change to send"), _("changes to send")),
}


def name_rows() -> None:
    """Let the models be called so."""
    for path, (one, several) in NAMES.items():
        meta = apps.get_model(path)._meta
        # Both are lazy texts, which every reader of the options takes; the stubs know plain ones only.
        meta.verbose_name, meta.verbose_name_plural = one, several
