"""The contents of a fresh installation (see qualification.services.defaults)."""

from typing import Any

# A demo, a price, an offer: whoever asks for one wants to be called.
HAND_RAISE = [
    "demo",
    "pricing",
    "price",
    "contact",
    "quote",
    "offer",
    "trial",
    "angebot",
    "preise",
    "kontakt",
    "beratung",
]

FRAMEWORK: dict[str, Any] = {"slug": "bant", "name": "BANT", "version": 1}
QUESTIONS: list[dict[str, Any]] = [
    {
        "key": "budget",
        "shortcut": "b",
        "label_en": "Budget",
        "label_de": "Budget",
        "ask_en": "What have you set aside for this, and from which year's budget?",
        "ask_de": "Welche Summe ist dafür eingeplant, und aus dem Budget welchen Jahres?",
    },
    {
        "key": "authority",
        "shortcut": "a",
        "label_en": "Authority",
        "label_de": "Entscheidung",
        "ask_en": "Who else looks at this before you sign?",
        "ask_de": "Wer schaut noch darauf, bevor bei Ihnen unterschrieben wird?",
    },
    {
        "key": "need",
        "shortcut": "n",
        "label_en": "Need",
        "label_de": "Bedarf",
        "ask_en": "What goes wrong today, and what does it cost you?",
        "ask_de": "Was läuft heute schief, und was kostet Sie das?",
    },
    {
        "key": "timeline",
        "shortcut": "t",
        "label_en": "Timeline",
        "label_de": "Zeitplan",
        "ask_en": "By when does it have to work, and what happens if it does not?",
        "ask_de": "Bis wann muss es laufen, und was passiert, wenn nicht?",
    },
]

MQL: dict[str, Any] = {
    "name": "Fits and acts, or asks to be called",
    "condition": {
        "all": [
            {"fact": "lead.is_reachable", "op": "is_true"},
            {
                "any": [
                    {
                        "all": [
                            {"fact": "score.fit", "op": "gte", "value": 50},
                            {"fact": "score.engagement", "op": "gte", "value": 25},
                        ]
                    },
                    {
                        "all": [
                            {"fact": "lead.subject", "op": "in", "value": HAND_RAISE},
                            {"not": {"fact": "contact.email_class", "op": "eq", "value": "disposable"}},
                        ]
                    },
                ]
            },
        ]
    },
}
SQL: dict[str, Any] = {"name": "BANT is answered", "condition": {}}


def _fact(name: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"fact": name, "op": op} | ({} if value is None else {"value": value})


def _rule(key: str, part: str, points: int, en: str, de: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "part": part, "points": points, "label_en": en, "label_de": de, **more}


SCORING: list[dict[str, Any]] = [
    _rule(
        "decides",
        "fit",
        25,
        "Decides or leads",
        "Entscheidet oder leitet",
        condition=_fact("contact.seniority", "in", ["owner", "c_level", "vp", "director", "head"]),
    ),
    _rule(
        "manages",
        "fit",
        15,
        "Manages",
        "Führt ein Team",
        condition=_fact("contact.seniority", "in", ["manager", "senior"]),
    ),
    _rule(
        "starts",
        "fit",
        -15,
        "Student or trainee",
        "Studium oder Ausbildung",
        condition=_fact("contact.seniority", "eq", "junior"),
    ),
    _rule(
        "department",
        "fit",
        10,
        "A department that buys",
        "Abteilung, die einkauft",
        condition=_fact(
            "contact.department", "in", ["management", "service", "operations", "it", "sales", "purchasing", "finance"]
        ),
    ),
    _rule(
        "business_address",
        "fit",
        20,
        "Writes from the company's address",
        "Schreibt von der Firmenadresse",
        condition=_fact("contact.email_class", "in", ["business", "role"]),
    ),
    _rule(
        "private_address",
        "fit",
        -5,
        "Writes from a private address",
        "Schreibt von privater Adresse",
        condition=_fact("contact.email_class", "eq", "free"),
    ),
    _rule(
        "throwaway_address",
        "fit",
        -60,
        "Throw-away address",
        "Wegwerfadresse",
        condition=_fact("contact.email_class", "eq", "disposable"),
    ),
    _rule(
        "company",
        "fit",
        10,
        "The company is known",
        "Das Unternehmen ist bekannt",
        condition=_fact("company.name", "is_known"),
    ),
    _rule(
        "callable",
        "fit",
        10,
        "Can be called",
        "Telefonisch erreichbar",
        condition=_fact("contact.has_phone", "is_true"),
    ),
    _rule(
        "size_right",
        "fit",
        25,
        "50 staff and more",
        "50 Mitarbeiter und mehr",
        condition={"all": [_fact("company.staff", "gte", 50), _fact("company.staff", "lte", 5000)]},
    ),
    _rule(
        "size_near",
        "fit",
        12,
        "10 to 49 staff, or very large",
        "10 bis 49 Mitarbeiter, oder sehr groß",
        condition={
            "any": [
                {"all": [_fact("company.staff", "gte", 10), _fact("company.staff", "lt", 50)]},
                _fact("company.staff", "gt", 5000),
            ]
        },
    ),
    _rule(
        "size_small",
        "fit",
        -10,
        "Fewer than 10 staff",
        "Weniger als 10 Mitarbeiter",
        condition=_fact("company.staff", "lt", 10),
    ),
    _rule(
        "customer",
        "fit",
        10,
        "The company is a customer",
        "Das Unternehmen ist Kunde",
        condition=_fact("company.is_customer", "is_true"),
    ),
    _rule(
        "unreachable",
        "fit",
        -30,
        "No address and no number",
        "Weder Adresse noch Nummer",
        condition=_fact("lead.is_reachable", "is_false"),
    ),
    _rule(
        "hand_raise",
        "engagement",
        65,
        "Asked to be called",
        "Bittet um Kontakt",
        touch="any",
        subjects=HAND_RAISE,
        most=90,
    ),
    _rule("form", "engagement", 20, "Sent a form", "Formular abgeschickt", touch="form", most=40),
    _rule("api", "engagement", 20, "Sent a request", "Anfrage geschickt", touch="api", most=40),
    _rule("manual", "engagement", 20, "Met one of us", "Im Gespräch mit uns", touch="manual", most=40),
    _rule("import", "engagement", 10, "Came with a list", "Kam mit einer Liste", touch="import", most=20),
    _rule("click", "engagement", 8, "Clicked in an e-mail", "Klick in einer E-Mail", touch="email_click", most=24),
    _rule("visit", "engagement", 5, "Visited our pages", "Besuch auf unseren Seiten", touch="visit", most=20),
    _rule("open", "engagement", 2, "Opened an e-mail", "E-Mail geöffnet", touch="email_open", most=10),
    _rule("again", "engagement", 10, "Came back", "Kam wieder", condition=_fact("touch.count", "gte", 2)),
]

# Kind → (code, English, German, days until a recycled lead wakes up; None: it is not woken).
REASONS: dict[str, list[tuple[str, str, str, int | None]]] = {
    "disqualify": [
        ("no-need", "No need", "Kein Bedarf", None),
        ("no-fit", "Not our kind of customer", "Passt nicht zu uns", None),
        ("not-reachable", "Cannot be reached", "Nicht erreichbar", None),
        ("competitor", "Competitor", "Wettbewerber", None),
        ("student", "Student or private interest", "Studium oder privates Interesse", None),
        ("applicant", "Looks for a job", "Sucht eine Stelle", None),
        ("spam", "Spam", "Spam", None),
        ("duplicate", "Duplicate", "Doppelt erfasst", None),
    ],
    "recycle": [
        ("no-response", "No response", "Keine Antwort", 60),
        ("bad-timing", "Bad timing", "Falscher Zeitpunkt", 90),
        ("no-budget", "No budget this year", "Dieses Jahr kein Budget", 180),
        ("in-contract", "Bound by another contract", "Vertraglich gebunden", 270),
        ("not-ready", "Not ready to decide", "Noch nicht entscheidungsreif", 45),
        ("handoff-refused", "Handoff refused", "Übergabe abgelehnt", 30),
    ],
    "lost": [
        ("price", "Price", "Preis", 180),
        ("competitor", "Chose a competitor", "Wettbewerber gewählt", 365),
        ("no-decision", "No decision", "Keine Entscheidung", 90),
        ("no-budget", "No budget", "Kein Budget", 180),
        ("missing-feature", "A function is missing", "Funktion fehlt", 180),
        ("timing", "Bad timing", "Falscher Zeitpunkt", 120),
        ("no-response", "No response", "Keine Antwort", 90),
        ("handoff-refused", "Handoff refused", "Übergabe abgelehnt", 30),
        ("other", "Other", "Anderes", 120),
        ("unknown_from_crm", "Not given in the CRM", "Im CRM nicht angegeben", 120),
    ],
    "refuse": [
        ("not-qualified", "Not qualified enough", "Nicht ausreichend qualifiziert", 0),
        ("wrong-person", "Not the one who decides", "Entscheidet nicht", 0),
        ("incomplete", "Something is missing", "Es fehlt etwas", 0),
        ("no-budget", "No budget", "Kein Budget", 180),
        ("bad-timing", "Bad timing", "Falscher Zeitpunkt", 90),
        ("no-fit", "Not our kind of customer", "Passt nicht zu uns", None),
        ("no-show", "Did not come to the meeting", "Kam nicht zum Termin", 14),
    ],
}

# Texts to begin from when writing to a lead: name, language, subject, text.
MAIL_TEXTS = (
    (
        "Answer to a request",
        "en",
        "Your request, {{ first_name | and a first answer }}",
        "Hello {{ first_name | there }},\n\nthank you for writing to us. When could we talk for fifteen minutes? "
        "Then I can tell you what fits {{ company | you }}, and what it costs.\n\nBest regards\n{{ my_name }}",
    ),
    (
        "Antwort auf eine Anfrage",
        "de",
        "Ihre Anfrage bei {{ organisation | uns }}",
        "Guten Tag {{ first_name | und vielen Dank }},\n\ndanke für Ihre Nachricht. Wann passt Ihnen ein Gespräch von "
        "einer Viertelstunde? Dann kann ich Ihnen sagen, was zu {{ company | Ihnen }} passt und was es kostet.\n\n"
        "Freundliche Grüße\n{{ my_name }}",
    ),
    (
        "Not reached by phone",
        "en",
        "I tried to call you",
        "Hello {{ first_name | there }},\n\nI tried to reach you by phone just now. When is a good time? A word is "
        "enough and I call you then.\n\nBest regards\n{{ my_name }}",
    ),
    (
        "Telefonisch nicht erreicht",
        "de",
        "Ich habe versucht, Sie anzurufen",
        "Guten Tag {{ first_name | und entschuldigen Sie die Störung }},\n\nich habe gerade versucht, Sie telefonisch "
        "zu erreichen. Wann passt es Ihnen? Ein Wort genügt, dann rufe ich Sie an.\n\nFreundliche Grüße\n{{ my_name }}",
    ),
)
