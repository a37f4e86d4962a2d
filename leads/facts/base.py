"""The facts of this app: who they are, how they came, what their score is."""

from django.db.models import Q

from leads.facts.fact import Fact
from leads.facts.makers import (
    age_column,
    company_flag,
    email_domain,
    email_domain_column,
    flag,
    of_last_touch,
    plain,
    touch_count_column,
)
from leads.facts.moments import MOMENTS
from leads.models import Channel, Source, Stage, Touchpoint

EMAIL_CLASSES = ("business", "role", "free", "disposable")
SENIORITIES = ("owner", "c_level", "vp", "director", "head", "manager", "senior", "staff", "junior")
DEPARTMENTS = (
    "management",
    "sales",
    "marketing",
    "service",
    "operations",
    "it",
    "engineering",
    "product",
    "finance",
    "hr",
    "purchasing",
    "legal",
    "research",
    "other",
)
GRADES = tuple(f"{letter}{number}" for letter in "ABCD" for number in (1, 2, 3, 4))

LEAD = (
    plain("lead.stage", "text", "stage", "Stufe", "stage", is_folded=True, options=tuple(Stage.values)),
    plain("lead.subject", "text", "what they asked for", "Anliegen", "subject"),
    plain("lead.source", "text", "source", "Quelle", "source__slug"),
    plain(
        "lead.source_kind",
        "text",
        "kind of source",
        "Art der Quelle",
        "source__kind",
        is_folded=True,
        options=tuple(Source.Kind.values),
    ),
    plain("lead.campaign", "text", "campaign", "Kampagne", "campaign__key"),
    plain("lead.channel", "text", "channel", "Kanal", "channel__slug"),
    plain(
        "lead.channel_kind",
        "text",
        "kind of channel",
        "Art des Kanals",
        "channel__kind",
        is_folded=True,
        options=tuple(Channel.Kind.values),
    ),
    plain("lead.team", "text", "team", "Team", "team__slug"),
    plain("lead.first_seen_at", "time", "first touch", "Erstkontakt", "first_seen_at"),
    plain("lead.last_touch_at", "time", "last touch of theirs", "letzter Kontakt", "last_touch_at"),
    plain("lead.last_activity_at", "time", "last activity of ours", "letzte Aktivität von uns", "last_activity_at"),
    Fact(
        "lead.age_days",
        "number",
        "age in days",
        "Alter in Tagen",
        lambda bundle: (bundle.at - bundle.lead.first_seen_at).days,
        age_column,
    ),
    flag(
        "lead.is_reachable",
        "there is an address or a phone number",
        "es gibt eine Adresse oder Telefonnummer",
        ~Q(contact__email="") | ~Q(contact__phone=""),
        lambda bundle: bundle.lead.contact.is_reachable,
    ),
)

CONTACT = (
    Fact("contact.email_domain", "text", "e-mail domain", "E-Mail-Domain", email_domain, email_domain_column),
    plain(
        "contact.email_class",
        "text",
        "kind of address",
        "Art der Adresse",
        "contact__email_class",
        options=EMAIL_CLASSES,
    ),
    flag(
        "contact.has_phone",
        "there is a phone number",
        "es gibt eine Telefonnummer",
        ~Q(contact__phone=""),
        lambda bundle: bool(bundle.lead.contact.phone),
    ),
    plain("contact.country", "text", "country", "Land", "contact__country"),
    plain("contact.region", "text", "region", "Region", "contact__region"),
    plain("contact.postal_code", "postal", "postal code", "Postleitzahl", "contact__postal_code"),
    plain("contact.city", "text", "city", "Ort", "contact__city"),
    plain("contact.time_zone", "text", "time zone", "Zeitzone", "contact__time_zone"),
    plain("contact.language", "text", "language", "Sprache", "contact__language"),
    plain("contact.job_title", "text", "job title", "Funktion", "contact__job_title"),
    plain("contact.seniority", "text", "seniority", "Ebene", "contact__seniority", options=SENIORITIES),
    plain("contact.department", "text", "department", "Abteilung", "contact__department", options=DEPARTMENTS),
)

COMPANY = (
    plain("company.name", "text", "company", "Unternehmen", "contact__company__name"),
    plain("company.domain", "text", "company's domain", "Domain des Unternehmens", "contact__company__domain"),
    plain("company.country", "text", "company's country", "Land des Unternehmens", "contact__company__country"),
    plain("company.industry", "text", "industry", "Branche", "contact__company__industry"),
    plain("company.staff", "number", "staff", "Mitarbeiter", "contact__company__staff"),
    plain("company.revenue", "number", "annual revenue", "Jahresumsatz", "contact__company__revenue"),
    flag(
        "company.is_customer",
        "the company is a customer",
        "das Unternehmen ist Kunde",
        Q(contact__company__is_customer=True) | Q(contact__company__parent__is_customer=True),
        company_flag("is_customer"),
    ),
    flag(
        "company.has_owner",
        "the company has an account owner",
        "das Unternehmen ist betreut",
        Q(contact__company__account_owner__isnull=False) | Q(contact__company__parent__account_owner__isnull=False),
        company_flag("account_owner_id"),
    ),
)

TOUCH = (
    Fact(
        "touch.count",
        "number",
        "number of touches",
        "Zahl der Kontaktpunkte",
        lambda bundle: bundle.touches,
        touch_count_column,
    ),
    of_last_touch(
        "touch.last_kind",
        "kind of the last touch",
        "Art des letzten Kontaktpunkts",
        "kind",
        is_folded=True,
        options=tuple(Touchpoint.Kind.values),
    ),
    of_last_touch("touch.utm_source", "utm_source", "utm_source", "utm_source"),
    of_last_touch("touch.utm_medium", "utm_medium", "utm_medium", "utm_medium"),
    of_last_touch("touch.utm_campaign", "utm_campaign", "utm_campaign", "utm_campaign"),
    of_last_touch("touch.utm_term", "utm_term", "utm_term", "utm_term"),
    of_last_touch("touch.utm_content", "utm_content", "utm_content", "utm_content"),
    of_last_touch("touch.referrer", "referrer", "verweisende Seite", "referrer"),
    of_last_touch("touch.landing_page", "landing page", "Einstiegsseite", "landing_page"),
)

SCORE = (
    plain("score.fit", "number", "fit", "Passung", "fit"),
    plain("score.engagement", "number", "engagement", "Interesse", "engagement"),
    plain("score.grade", "text", "grade", "Note", "grade", options=GRADES),
    plain("score.win_probability", "number", "win probability", "Abschlusschance", "win_probability"),
)

BASE: tuple[Fact, ...] = (*LEAD, *CONTACT, *COMPANY, *TOUCH, *SCORE, *MOMENTS)
