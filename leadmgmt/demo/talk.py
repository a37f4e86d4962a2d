"""What is said on the demo's calls: notes, answers and the words they were given in."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """One answer to one question of BANT, for and against."""

    value: str
    quote: str


# {n} technicians, {sum} euros.
FOR: dict[str, tuple[Said, ...]] = {
    "budget": (
        Said("EUR {sum} are planned for this year", "We have set aside about {sum}."),
        Said("About EUR {sum} from the service budget", "The service budget carries it, around {sum}."),
        Said("EUR {sum}, the old contract's money becomes free", "We pay {sum} today for something nobody likes."),
    ),
    "authority": (
        Said("Decides alone up to EUR 50,000", "I sign that myself."),
        Said("Decides together with the managing director, who knows of it", "We two decide that over lunch."),
        Said("Head of service proposes, board signs in two weeks", "The board follows me in such things."),
    ),
    "need": (
        Said("{n} technicians are planned by phone and spreadsheet", "We lose an hour per van and day."),
        Said("Promised times are missed, two customers have left", "Last month we lost two contracts over it."),
        Said("Dispatcher retires, nobody else knows the routes", "When she goes, the plan goes with her."),
    ),
    "timeline": (
        Said("Has to run in the first quarter", "From January the new region comes on top."),
        Said("Old system is switched off at year's end", "After that there is no support."),
        Said("Pilot within six weeks, then all sites", "I would rather start small, but soon."),
    ),
}
AGAINST: dict[str, tuple[Said, ...]] = {
    "budget": (Said("Nothing set aside before next year", "This year there is simply no money left."),),
    "authority": (Said("Only collects offers, does not know who decides", "I was just asked to look around."),),
    "need": (Said("Two vans, a calendar does", "Honestly, we manage."),),
    "timeline": (Said("Bound until the end of next year", "We could talk in a year."),),
}

NOT_REACHED = {
    "no_answer": ("", "", "Rang out.", "Engaged twice."),
    "voicemail": ("Left a message with my number.", "Voicemail, said why I call.", ""),
    "bad_number": ("Number belongs to somebody else.",),
}
CONNECTED = (
    "Good talk. Plans {n} people with a spreadsheet, wants to see the board.",
    "Knows two competitors already. Cares about promised times most.",
    "Asked about the interface to their ERP; sent the sheet.",
    "Friendly, short of time. Wants facts by mail, then half an hour.",
)
LATER = (
    "Likes it, but in the middle of a move. Call again.",
    "Wants to talk when the dispatcher is back.",
    "In a meeting, asked me to ring again.",
)
MAILS = (
    "Sent two times for a call and the sheet for their trade.",
    "Wrote after two tries by phone.",
    "Sent references.",
)
MEETINGS = ("Showed the board with their own region.", "Went through prices and the pilot with both of them.")
NOTES = (
    "Two sites in the south, one fleet. Dispatch sits at headquarters.",
    "Was at our stand in spring already.",
    "Prefers mails before nine.",
)
REFUSALS = {
    "not-qualified": "Budget is a guess. Please ask again who signs.",
    "wrong-person": "She collects offers for her boss; we need him in the call.",
    "no-show": "Nobody came to the first meeting, no answer since.",
}


def fill(text: str, technicians: int, amount: int) -> str:
    """The text with the visitor's figures."""
    return text.format(n=technicians, sum=f"{amount:,}")


def said(chance: random.Random, key: str, *, speaks_for_us: bool) -> Said | None:
    """An answer to the question, if the demo knows one."""
    known = (FOR if speaks_for_us else AGAINST).get(key)
    return chance.choice(known) if known else None
