"""What an installation needs before it works, each step with its state read from the data."""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from leadmgmt.core import formats
from leadmgmt.core.kept_words import reworded
from leadmgmt.setup_found import Found
from leads.models import Channel
from qualification.models import Criteria

Text = str | Promise
SMTP = "django.core.mail.backends.smtp.EmailBackend"


@dataclass(frozen=True)
class Check:
    """One thing that is or is not as it should be, with where to mend it. `state`: good, warn or bad."""

    state: str
    text: str
    note: str = ""
    url: str = ""
    action: str = ""


@dataclass(frozen=True)
class Step:
    """One step: what it is for, where it is done, and its checks."""

    key: str
    label: Text
    about: Text
    note: str
    checks: list[Check] = field(default_factory=list)

    @property
    def state(self) -> str:
        """done, mend (something is wrong) or open (something is missing)."""
        states = {check.state for check in self.checks}
        return "mend" if "bad" in states else "open" if "warn" in states else "done"


def link(name: str, *args: object) -> str:
    """An address, or nothing where the page does not exist."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def admin(app: str, model: str) -> str:
    """The admin's list of a model."""
    return link(f"admin:{app}_{model}_changelist")


def check(is_good: bool, good: str, otherwise: str, *, url: str = "", action: str = "", lack: str = "warn") -> Check:
    """Good, or what is missing with the way there."""
    if is_good:
        return Check("good", good, url=url, action=pgettext("verb", "Open") if url else "")
    return Check(lack, otherwise, url=url, action=action or (_("Set up") if url else ""))


def organisation(found: Found) -> Step:
    """Name, zone, currency."""
    one = found.organisation
    url = admin("leads", "organisation")
    note = f"{one.name}, {one.time_zone}" if one else _("No name yet")
    value = one.expected_deal_value if one else 0
    checks = [check(one is not None, _("The organisation has a name"), _("The organisation has no name"), url=url)]
    if one:
        checks.append(check(value > 0, _("A usual deal value is known"), _("No usual deal value"), url=url))
    about = gettext_lazy("Its name stands on forms and mails; the usual deal value weighs leads against each other.")
    return Step("organisation", gettext_lazy("Organisation"), about, note, checks)


def people(found: Found) -> Step:
    """Reps with hours."""
    reps, without, aes = found.reps, found.reps_without_hours, found.counts.aes
    url = link("routing:rep_list")
    checks = [
        check(
            bool(reps),
            _("People who receive leads: %(n)d") % {"n": len(reps)},
            _("Nobody receives leads yet"),
            url=url if reps else link("person_new"),
        ),
        check(
            not without, _("Each has working hours"), _("No hours: %(names)s") % {"names": ", ".join(without)}, url=url
        ),
        check(
            aes > 0,
            _("AEs who take deals over: %(n)d") % {"n": aes},
            _("No AE: conversions wait"),
            url=admin("leads", "user") if aes else link("person_new"),
        ),
    ]
    about = gettext_lazy("Leads go to people who are at work. Hours, absences and caps decide who that is.")
    note = ngettext("%(n)d rep", "%(n)d reps", len(reps)) % {"n": len(reps)}
    return Step("people", gettext_lazy("People and hours"), about, note, checks)


def channels(found: Found) -> Step:
    """Ways in, with keys."""
    active, bare = found.channels, found.channels_without_key
    url = link("leads:channel_list")
    checks = [check(bool(active), _("Ways in that are open: %(n)d") % {"n": len(active)}, _("No way in yet"), url=url)]
    if bare:
        note = _("No key opens: %(names)s") % {"names": ", ".join(bare)}
        checks.append(Check("warn", note, url=url, action=_("Make a key")))
    checks += [
        Check("bad", _("%(channel)s has fallen silent") % {"channel": name}, url=url, action=_("Look"))
        for name in found.channels_silent
    ]
    checks += [
        Check(
            "good", _("Form “%(name)s”") % {"name": one.name}, url=link("leads:hosted_form", one.slug), action=_("Look")
        )
        for one in active
        if one.kind == Channel.Kind.FORM
    ]
    about = gettext_lazy("Where leads come in: forms that we host, your website by API, files, entries by hand.")
    names = dict(Channel.Kind.choices)
    counts = {kind: sum(1 for one in active if one.kind == kind) for kind in names}
    note = ", ".join(f"{names[kind]}: {count}" for kind, count in counts.items() if count)
    return Step("channels", gettext_lazy("Channels"), about, note or _("None yet"), checks)


def sources(found: Found) -> Step:
    """Where interest comes from and what it costs."""
    count, priced = found.counts.sources, found.counts.priced_sources
    url = link("source_list")
    checks = [
        check(count > 0, _("Sources known: %(n)d") % {"n": count}, _("No source is known yet"), url=url),
        check(
            priced > 0, _("Sources with costs: %(n)d") % {"n": priced}, _("No costs: returns cannot be told"), url=url
        ),
    ]
    about = gettext_lazy(
        "Every spelling that arrives counts for one source; with its costs the reports can tell returns."
    )
    return Step(
        "sources",
        gettext_lazy("Sources and costs"),
        about,
        ngettext("%(n)d source", "%(n)d sources", count) % {"n": count},
        checks,
    )


def routing(found: Found) -> Step:
    """Published rules and promises."""
    published = found.rules
    bare = published.bare if published else []
    url = link("routing:overview")
    checks = [
        check(published is not None, _("Rules are published"), _("No rules: leads wait"), url=url, lack="bad"),
        check(
            found.counts.default_promises > 0,
            _("There is a default promise of a first touch"),
            _("No default promise of a first touch"),
            url=link("routing:promise_list"),
        ),
    ]
    if bare:
        checks.append(Check("bad", _("Nobody in the pool of: %(names)s") % {"names": ", ".join(bare)}, url=url))
    about = gettext_lazy(
        "Who works which lead, and by when. Rules are tried from the top; the first that fits decides."
    )
    note = (
        _("Version %(v)d, rules: %(n)d") % {"v": published.version, "n": published.count} if published else _("Not yet")
    )
    return Step("routing", gettext_lazy("Routing and promises"), about, note, checks)


def scoring(found: Found) -> Step:
    """The published model and what it has learned from."""
    model, outcomes = found.scoring, found.counts.outcomes
    url = link("qualification:scoring")
    note = _("Outcomes so far: %(n)d. A chance to win is shown once there are enough.") % {"n": outcomes}
    checks = [
        check(model is not None, _("A scoring model is published"), _("No scoring model"), url=url, lack="bad"),
        Check("good", note),
    ]
    about = gettext_lazy("Points for who they are and for what they did, with reasons that everybody can read.")
    return Step("scoring", gettext_lazy("Scoring"), about, str(model) if model else _("Not yet"), checks)


def criteria(found: Found) -> Step:
    """What makes MQL and SQL."""
    published = found.criteria
    url = link("qualification:criteria_list")
    sql = published.get(Criteria.Kind.SQL)
    asked = sql.framework if sql else None
    checks = [
        check("mql" in published, _("MQL criteria are published"), _("Nothing makes an MQL"), url=url, lack="bad"),
        check(sql is not None, _("SQL criteria are published"), _("Nothing makes an SQL"), url=url, lack="bad"),
        check(
            asked is not None,
            _("Questions are asked: %(name)s") % {"name": asked or ""},
            _("No questions are asked"),
            url=link("qualification:framework_list"),
        ),
    ]
    about = gettext_lazy("When a lead is worth a call, and when it is worth an AE's hour.")
    return Step("criteria", gettext_lazy("Framework and criteria"), about, str(asked or _("Not yet")), checks)


def crm(found: Found) -> Step:
    """The far side."""
    active = [far.connection for far in found.connections]
    url = link("crmsync:health")
    checks = [check(bool(active), _("A CRM is connected"), _("No CRM is connected"), url=url)]
    for far in found.connections:
        one = far.connection
        checks.append(
            check(
                far.has_first_stage,
                _("%(name)s: new deals have a first stage") % {"name": one},
                _("%(name)s: no first stage for new deals") % {"name": one},
                url=url,
                lack="bad",
            )
        )
        if one.last_error:
            checks.append(
                Check(
                    "bad", _("%(name)s does not answer") % {"name": one}, reworded(one.last_error)[:200], url, _("Look")
                )
            )
    rules = _("Who gets handoffs, and how long they have")
    checks.append(Check("good", rules, "", link("crmsync:handoff_setup"), _("Look")))
    about = gettext_lazy(
        "An opportunity is made in the CRM the moment a lead becomes one; what becomes of it comes back."
    )
    return Step("crm", gettext_lazy("CRM"), about, ", ".join(str(one) for one in active) or _("Not yet"), checks)


def mail(found: Found) -> Step:
    """Telling people."""
    is_real = settings.EMAIL_BACKEND == SMTP
    failed, sent = found.counts.mails_failed, found.counts.mails_sent
    hint = _("Set EMAIL_URL, for example smtp://user:password@host:587, and start again.")
    checks = [
        Check("good", _("Mails go out through a mail server"))
        if is_real
        else Check("warn", _("Mails become files"), hint),
        check(
            failed == 0,
            _("Mails sent: %(n)d, none given up") % {"n": sent},
            _("Mails given up: %(n)d") % {"n": failed},
            url=admin("routing", "notification") + ("?status__exact=failed" if failed else ""),
            action=_("Look"),
            lack="bad",
        ),
    ]
    about = gettext_lazy("Reps are told on the screen and by e-mail.")
    note = _("Mail server") if is_real else _("Into files")
    return Step("mail", gettext_lazy("Mail"), about, note, checks)


def first_lead(found: Found) -> Step:
    """It works end to end."""
    newest = found.told
    if newest is None:
        url = link("qualification:lead_new")
        checks = [Check("warn", _("No lead has come all the way yet"), url=url, action=_("Enter one"))]
    else:
        seconds = (newest.notified_at - newest.captured_at).total_seconds() if newest.notified_at else 0
        told = formats.number(max(0.0, seconds), 1)
        text = _("The newest lead was captured, scored, routed and told in %(s)s s") % {"s": told}
        checks = [Check("good", text, url=link("qualification:lead_detail", newest.pk), action=_("Look"))]
    about = gettext_lazy("The proof: a lead that came in and was told to somebody.")
    return Step("first_lead", gettext_lazy("First lead"), about, "" if newest else _("Not yet"), checks)


STEPS: tuple[Callable[[Found], Step], ...] = (
    organisation,
    people,
    channels,
    sources,
    routing,
    scoring,
    criteria,
    crm,
    mail,
    first_lead,
)
