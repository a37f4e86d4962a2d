"""Where the demo organisation's interest comes from, what that costs, and what people write."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """A source: share of all leads, quality (how likely a lead is worth it), cost a month in EUR, campaigns."""

    slug: str
    name: str
    kind: str
    share: int
    quality: float
    monthly: int
    campaigns: tuple[tuple[str, str], ...] = ()
    aliases: tuple[str, ...] = ()
    medium: str = ""
    # What people ask for who come this way, with weights.
    asks: tuple[tuple[str, int], ...] = (("demo", 3), ("pricing", 2), ("whitepaper", 3), ("contact", 1))


ORIGINS = (
    Origin(
        "google-ads", "Google Ads", "paid", 24, 0.34, 9_400,
        (("dach_tourenplanung", "Tour planning DACH"), ("eu_field_service", "Field service EU"), ("brand", "Own name")),
        ("google", "adwords", "googleads"), "cpc",
    ),
    Origin(
        "linkedin-ads", "LinkedIn Ads", "paid", 15, 0.26, 7_800,
        (("service_leaders", "Service leaders"), ("coo_guide", "Guide for COOs")),
        ("linkedin", "li"), "paid-social", (("whitepaper", 6), ("demo", 2), ("webinar", 1)),
    ),
    Origin(
        "webinar", "Webinar", "event", 14, 0.32, 3_100,
        (("webinar_dispatch", "Dispatching without phone calls"), ("webinar_sla", "Keeping service promises")),
        ("webinars",), "event", (("webinar", 6), ("demo", 1)),
    ),
    Origin(
        "trade-fair", "Trade fair", "event", 9, 0.36, 6_500, (("service_expo", "Service Expo Stuttgart"),),
        ("messe", "expo"), "event", (("contact", 3), ("demo", 2), ("pricing", 1)),
    ),
    Origin("partner", "Partner referral", "referral", 7, 0.68, 5_200, (), ("partners",), "referral",
           (("demo", 4), ("pricing", 2), ("contact", 2))),
    Origin("content", "Content and newsletter", "organic", 15, 0.22, 3_900,
           (("newsletter", "Newsletter"), ("roi_calculator", "Savings calculator")),
           ("newsletter", "blog"), "email", (("whitepaper", 6), ("webinar", 2), ("demo", 1))),
    Origin("organic", "Organic search", "organic", 11, 0.45, 1_600, (), ("seo", "bing", "organic-search"), "organic",
           (("demo", 4), ("pricing", 4), ("contact", 2))),
    Origin("referral", "Customer referral", "referral", 5, 0.72, 2_600, (), ("empfehlung", "word-of-mouth"), "referral",
           (("demo", 4), ("pricing", 2), ("contact", 2))),
)  # fmt: skip

# How strongly an ask hints that somebody means it.
INTENT = {"demo": 1.0, "pricing": 0.9, "contact": 0.6, "webinar": 0.25, "whitepaper": 0.12, "newsletter": 0.05}

PAGES = {
    "demo": "/demo", "pricing": "/pricing", "contact": "/contact", "webinar": "/webinars",
    "whitepaper": "/guides/dispatch", "newsletter": "/blog",
}  # fmt: skip

WORDS_DE = {
    "demo": (
        "Wir planen {n} Techniker noch mit Excel und möchten Ihre Plantafel sehen.",
        "Bitte um eine Vorführung, gern nächste Woche. Wir haben {n} Monteure im Außendienst.",
        "Unser Altsystem läuft aus, wir suchen bis Jahresende Ersatz. {n} Fahrzeuge.",
    ),
    "pricing": (
        "Was kostet die Lösung für {n} Techniker?",
        "Bitte ein Angebot für {n} Lizenzen mit Schnittstelle zu unserem ERP.",
    ),
    "contact": ("Bitte um Rückruf, es geht um die Anbindung an SAP.", "Haben Sie Referenzen aus unserer Branche?"),
}
WORDS_EN = {
    "demo": (
        "We dispatch {n} engineers by phone and would like to see your board.",
        "Could you show us route optimisation next week? We run {n} vans.",
        "Our contract with the current vendor ends soon. {n} technicians in the field.",
    ),
    "pricing": ("What would this cost for {n} technicians?", "Please quote for {n} seats including onboarding."),
    "contact": ("Do you integrate with our ERP?", "Please call me back about a pilot."),
}
