"""Frameworks that can be taken over as they are: what each asks, in English and German, in our own words.

Who has described them: BANT (IBM, 1960s); ANUM (K. Krogue); CHAMP (InsightSquared); FAINT (RAIN Group); GPCTBA/C&I
(HubSpot); MEDDIC (J. Napoli and D. Dunkel, PTC) and its longer form MEDDPICC; SPICED (Winning by Design).
"""

from typing import Any, NamedTuple


class Ask(NamedTuple):
    """One question: key on the keyboard, labels, how to ask, and whether an SQL needs it."""

    key: str
    shortcut: str
    label_en: str
    label_de: str
    ask_en: str
    ask_de: str
    is_required: bool = True


BUDGET = Ask(
    "budget", "b", "Budget", "Budget",
    "What have you set aside for this, and from which year's budget?",
    "Welche Summe ist dafür eingeplant, und aus dem Budget welchen Jahres?",
)  # fmt: skip
AUTHORITY = Ask(
    "authority", "a", "Authority", "Entscheidung",
    "Who else looks at this before you sign?",
    "Wer schaut noch darauf, bevor bei Ihnen unterschrieben wird?",
)  # fmt: skip
NEED = Ask(
    "need", "n", "Need", "Bedarf",
    "What goes wrong today, and what does it cost you?",
    "Was läuft heute schief, und was kostet Sie das?",
)  # fmt: skip
TIMELINE = Ask(
    "timeline", "t", "Timeline", "Zeitplan",
    "By when does it have to work, and what happens if it does not?",
    "Bis wann muss es laufen, und was passiert, wenn nicht?",
)  # fmt: skip
URGENCY = Ask(
    "urgency", "u", "Urgency", "Dringlichkeit",
    "Why now, and not in a year?",
    "Warum jetzt, und nicht in einem Jahr?",
)  # fmt: skip
MONEY = Ask(
    "money", "m", "Money", "Geld",
    "Is there money for it, or has it still to be found?",
    "Ist Geld dafür da, oder muss es erst gefunden werden?",
)  # fmt: skip
CHALLENGES = Ask(
    "challenges", "c", "Challenges", "Herausforderungen",
    "What keeps you from where you want to be?",
    "Was hält Sie von dem ab, wo Sie hinwollen?",
)  # fmt: skip
PRIORITY = Ask(
    "prioritization", "p", "Priority", "Rang",
    "Where does it stand among what you want to do this year?",
    "An welcher Stelle steht es unter dem, was Sie dieses Jahr vorhaben?",
)  # fmt: skip
METRICS = Ask(
    "metrics", "m", "Metrics", "Messgrößen",
    "By which figure will you see that it was worth it?",
    "An welcher Zahl werden Sie sehen, dass es sich gelohnt hat?",
)  # fmt: skip
BUYER = Ask(
    "economic-buyer", "e", "Economic buyer", "Wer das Geld freigibt",
    "Who can say yes when everybody else has said it?",
    "Wer kann Ja sagen, wenn alle anderen es gesagt haben?",
)  # fmt: skip
CRITERIA = Ask(
    "decision-criteria", "d", "Decision criteria", "Kriterien der Entscheidung",
    "What must be true of the solution that you choose?",
    "Was muss auf die Lösung zutreffen, die Sie wählen?",
)  # fmt: skip
PROCESS = Ask(
    "decision-process", "p", "Decision process", "Weg der Entscheidung",
    "Which steps lead from here to a signature?",
    "Welche Schritte führen von hier bis zur Unterschrift?",
)  # fmt: skip
PAPER = Ask(
    "paper-process", "g", "Paper process", "Vertragsweg",
    "What do purchasing, legal and data protection need, and how long does that take?",
    "Was brauchen Einkauf, Recht und Datenschutz, und wie lange dauert das?",
)  # fmt: skip
PAIN = Ask(
    "identified-pain", "i", "Pain", "Problem",
    "What happens if nothing changes?",
    "Was passiert, wenn sich nichts ändert?",
)  # fmt: skip
CHAMPION = Ask(
    "champion", "c", "Champion", "Fürsprecher",
    "Who of you wants this to succeed, and is listened to?",
    "Wer bei Ihnen will, dass es gelingt, und findet Gehör?",
)  # fmt: skip
COMPETITION = Ask(
    "competition", "o", "Competition", "Wettbewerb",
    "What else do you look at, doing nothing included?",
    "Was sehen Sie sich noch an, nichts zu tun eingeschlossen?",
    is_required=False,
)  # fmt: skip

READY_MADE: dict[str, tuple[str, tuple[Ask, ...]]] = {
    "bant": ("BANT", (BUDGET, AUTHORITY, NEED, TIMELINE)),
    "anum": ("ANUM", (AUTHORITY, NEED, URGENCY, MONEY)),
    "champ": ("CHAMP", (CHALLENGES, AUTHORITY, MONEY, PRIORITY)),
    "faint": (
        "FAINT",
        (
            Ask(
                "funds", "f", "Funds", "Mittel",
                "Could you pay for it if it were worth it, planned or not?",
                "Könnten Sie es bezahlen, wenn es sich lohnte, ob eingeplant oder nicht?",
            ),
            AUTHORITY,
            Ask(
                "interest", "i", "Interest", "Interesse",
                "What made you look into this?",
                "Was hat Sie dazu gebracht, sich das anzusehen?",
            ),
            NEED,
            Ask(
                "timing", "t", "Timing", "Zeitpunkt",
                "When would be a good time to begin?",
                "Wann wäre ein guter Zeitpunkt, um anzufangen?",
            ),
        ),
    ),
    "gpctba": (
        "GPCTBA/C&I",
        (
            Ask("goals", "g", "Goals", "Ziele",
                "What do you want to have reached by the end of the year?",
                "Was wollen Sie bis zum Ende des Jahres erreicht haben?"),
            Ask("plans", "p", "Plans", "Pläne",
                "How do you mean to get there, and what have you tried?",
                "Wie wollen Sie dahin kommen, und was haben Sie schon versucht?"),
            CHALLENGES,
            TIMELINE,
            BUDGET,
            AUTHORITY,
            Ask("consequences", "q", "Consequences", "Folgen",
                "What happens if you do not reach it?",
                "Was geschieht, wenn Sie es nicht erreichen?", is_required=False),
            Ask("implications", "i", "Implications", "Auswirkungen",
                "And if you do: what becomes possible then?",
                "Und wenn doch: Was wird dann möglich?", is_required=False),
        ),
    ),
    "meddic": ("MEDDIC", (METRICS, BUYER, CRITERIA, PROCESS, PAIN, CHAMPION)),
    "meddpicc": ("MEDDPICC", (METRICS, BUYER, CRITERIA, PROCESS, PAPER, PAIN, CHAMPION, COMPETITION)),
    "spiced": (
        "SPICED",
        (
            Ask("situation", "s", "Situation", "Lage",
                "How do you do it today, and with how many people?",
                "Wie machen Sie es heute, und mit wie vielen Menschen?"),
            PAIN,
            Ask("impact", "m", "Impact", "Wirkung",
                "What would it be worth to you if that were solved?",
                "Was wäre es Ihnen wert, wenn das gelöst wäre?"),
            Ask("critical-event", "c", "Critical event", "Stichtag",
                "Is there a day after which it is too late?",
                "Gibt es einen Tag, nach dem es zu spät ist?"),
            Ask("decision", "d", "Decision", "Entscheidung",
                "Who decides, by what, and in which steps?",
                "Wer entscheidet, wonach und in welchen Schritten?"),
        ),
    ),
}  # fmt: skip


def questions_of(slug: str) -> list[dict[str, Any]]:
    """The questions of a ready-made framework, as columns."""
    return [ask._asdict() | {"position": place} for place, ask in enumerate(READY_MADE[slug][1], 1)]
