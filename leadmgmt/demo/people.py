"""Who works at the demo organisation, where, and when."""

from dataclasses import dataclass
from datetime import time

from leadmgmt.core.permissions import ADMIN, AE, MANAGER, MARKETING, SDR, TEAM_LEAD

DOMAIN = "tourenwerk.example"
COMPANY = "Tourenwerk GmbH"

TEAMS = {"sdr-dach": "DACH", "sdr-europe": "Europe", "ae": "Sales"}

Hours = tuple[tuple[time, time], ...]


def _hours(*parts: str) -> Hours:
    """ "8:30-12:00" and so on as times."""
    spans = (part.split("-") for part in parts)
    return tuple((time.fromisoformat(first.zfill(5)), time.fromisoformat(last.zfill(5))) for first, last in spans)


OFFICE = _hours("8:30-12:15", "13:00-17:30")
EARLY = _hours("7:30-11:45", "12:15-16:00")
SOUTH = _hours("9:00-13:00", "14:00-18:00")
OVERSEAS = _hours("10:00-13:30", "14:00-19:00")
NIGHT = _hours("8:00-12:00", "12:45-17:00")
SHORT = _hours("8:30-14:00")

MON_FRI = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Person:
    """One of us. ``pace`` is how many minutes this rep typically takes to a first call, ``skill`` how well it goes."""

    first_name: str
    last_name: str
    role: str
    team: str = ""
    time_zone: str = "Europe/Berlin"
    language: str = "de"
    hours: Hours = ()
    days: tuple[int, ...] = MON_FRI
    friday: Hours = ()
    languages: tuple[str, ...] = ()
    pace: float = 6
    skill: float = 1.0
    weight: str = "1"
    max_open: int | None = 60
    max_day: int | None = None

    @property
    def email(self) -> str:
        """The address at work."""
        plain = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "é": "e", "ß": "ss", " ": "-"})
        return f"{self.first_name}.{self.last_name}@{DOMAIN}".lower().translate(plain)


SDRS = (
    Person("Jonas", "Weidner", SDR, "sdr-dach", hours=OFFICE, languages=("de", "en"), pace=5, skill=1.15),
    Person("Lena", "Hofstetter", SDR, "sdr-dach", "Europe/Vienna", hours=OFFICE, languages=("de", "en"), pace=4),
    Person("Nico", "Brandt", SDR, "sdr-dach", hours=EARLY, friday=SHORT, languages=("de",), pace=11, skill=0.8),
    Person("Selin", "Aydin", SDR, "sdr-dach", hours=OFFICE, days=(2, 3, 4, 5, 6), languages=("de", "tr", "en"), pace=6),
    Person(
        "Maren",
        "Kowalski",
        SDR,
        "sdr-dach",
        "America/Toronto",
        hours=OVERSEAS,
        days=MON_FRI,
        languages=("de", "en"),
        pace=7,
        weight="0.8",
    ),
    Person("Chloé", "Marchand", SDR, "sdr-europe", "Europe/Paris", "en", SOUTH, languages=("fr", "en"), pace=6),
    Person("Owen", "Hughes", SDR, "sdr-europe", "Europe/London", "en", OFFICE, languages=("en",), pace=8, skill=0.9),
    Person("Giulia", "Ferri", SDR, "sdr-europe", "Europe/Rome", "en", SOUTH, languages=("it", "en"), pace=5, skill=1.1),
    Person(
        "Diego",
        "Salas",
        SDR,
        "sdr-europe",
        "America/Mexico_City",
        "en",
        OVERSEAS,
        days=(5, 6, 0, 1, 2),
        languages=("es", "en", "de"),
        pace=9,
        weight="0.8",
    ),
    Person(
        "Jasper", "Lim", SDR, "sdr-europe", "Asia/Singapore", "en", NIGHT, languages=("en", "de"), pace=6, weight="0.6"
    ),
)
LEADERS = (
    Person("Miriam", "Vogt", TEAM_LEAD, "sdr-dach", language="en", hours=OFFICE),
    Person("Thomas", "Lindqvist", TEAM_LEAD, "sdr-europe", "Europe/Stockholm", "en", OFFICE),
)
AES = (
    Person("Katharina", "Brückner", AE, "ae", language="en", hours=OFFICE, skill=1.15),
    Person("Stefan", "Wyss", AE, "ae", "Europe/Zurich", hours=OFFICE),
    Person("Emma", "de Vries", AE, "ae", "Europe/Amsterdam", "en", OFFICE, skill=1.05),
    Person("Paolo", "Conti", AE, "ae", "Europe/Rome", "en", SOUTH, skill=0.85),
)
OTHERS = (
    Person("Hannah", "Sommer", MARKETING, language="en"),
    Person("Robert", "Falk", MANAGER, language="en"),
    Person("Ines", "Albrecht", ADMIN, language="en"),
)
EVERYBODY = SDRS + LEADERS + AES + OTHERS
# The evening and night shifts overseas take leads of both pools, so that somebody is there on weekdays round the clock.
BOTH_POOLS = ("Maren", "Diego", "Jasper")
AWAY_NOW = "Nico"
