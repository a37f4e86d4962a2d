"""The demo organisation's hosted form: a demo is asked for here."""

from typing import Any

SIZES = (
    ("5", "up to 9", "bis 9"),
    ("20", "10 to 29", "10 bis 29"),
    ("60", "30 to 119", "30 bis 119"),
    ("200", "120 and more", "120 und mehr"),
)
COUNTRIES = (
    ("DE", "Germany", "Deutschland"),
    ("AT", "Austria", "Österreich"),
    ("CH", "Switzerland", "Schweiz"),
    ("NL", "Netherlands", "Niederlande"),
    ("FR", "France", "Frankreich"),
    ("GB", "United Kingdom", "Vereinigtes Königreich"),
    ("IT", "Italy", "Italien"),
    ("PL", "Poland", "Polen"),
    ("SE", "Sweden", "Schweden"),
)


def _options(choices: tuple[tuple[str, str, str], ...]) -> list[dict[str, str]]:
    return [{"value": value, "label_en": english, "label_de": german} for value, english, german in choices]


FORM: dict[str, Any] = {
    "mark": "Tourenwerk",
    "title_en": "Ask for a demo",
    "title_de": "Demo anfragen",
    "intro_en": "30 minutes with your own orders. Free and without a contract.",
    "intro_de": "30 Minuten, mit Ihren eigenen Aufträgen. Kostenlos und ohne Vertrag.",
    "button_en": "Ask for a demo",
    "button_de": "Demo anfragen",
    "note_en": "We use what you tell us to answer your request, and hand it to whoever is responsible by rule. "
    "You may object to that.",
    "note_de": "Wir nutzen Ihre Angaben, um die Anfrage zu beantworten, und ordnen sie automatisch einer zuständigen "
    "Person zu. Sie können dem widersprechen.",
    "thanks_en": "Thank you. Somebody of ours will be in touch.",
    "thanks_de": "Vielen Dank. Wir melden uns bei Ihnen.",
    "subject": "demo",
    "fields": [
        {"key": "first_name", "label_en": "First name", "label_de": "Vorname", "half": True},
        {"key": "last_name", "label_en": "Last name", "label_de": "Nachname", "half": True},
        {"key": "email", "type": "email", "label_en": "Work e-mail", "label_de": "Geschäftliche E-Mail",
         "required": True},
        {"key": "company", "label_en": "Company", "label_de": "Unternehmen", "half": True},
        {"key": "job_title", "label_en": "Your role", "label_de": "Ihre Aufgabe", "half": True},
        {"key": "phone", "type": "tel", "label_en": "Phone", "label_de": "Telefon", "half": True,
         "help_en": "We only call about this request.", "help_de": "Wir rufen nur zu dieser Anfrage an."},
        {"key": "technicians", "type": "select", "label_en": "Technicians in the field",
         "label_de": "Techniker im Einsatz", "options": _options(SIZES), "half": True},
        {"key": "country", "type": "select", "label_en": "Country", "label_de": "Land",
         "options": _options(COUNTRIES)},
        {"key": "message", "type": "textarea", "label_en": "What would you like to solve?",
         "label_de": "Was möchten Sie lösen?"},
    ],
    "consents": [
        {"purpose": "email", "text_en": "Send me articles about once a month. I can end that at any time.",
         "text_de": "Ich möchte etwa einmal im Monat Fachbeiträge per E-Mail erhalten. Abmelden geht jederzeit.",
         "version": "2026-05"},
    ],
}  # fmt: skip
