"""What the columns of reports mean: on hover at each, and as a list at the end of the page for everybody else."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = tuple[str | Promise, str | Promise]

# Key → what the column is called, what is counted.
DEFINITIONS: dict[str, Words] = {
    "captured": (_("Captured"), _("Leads first seen in the period, each person once however often they came.")),
    "mql": ("MQL", _("Of these leads, those that ever met the MQL criteria.")),
    "sql": ("SQL", _("Of these leads, those whose needed questions were all answered in our favour at some time.")),
    "opportunity": (_("Opp."), _("Of these leads, those that became a deal, whatever the AE decided.")),
    "won": (_("Won"), _("Of these leads, those whose deal is won; a win that was taken back is none.")),
    "revenue": (_("Revenue"), _("Amounts of the deals won, as the CRM has them.")),
    "to_sql": (_("Captured to SQL"), _("Share of the captured leads that became SQL until today.")),
    "to_won": (_("Captured to won"), _("Share of the captured leads that were won until today.")),
    "won_of_captured": (_("Won of captured"), _("Share of the captured leads that were won until today.")),
    "interval": (
        _("95 % interval"),
        _("Where the true share lies in 95 of 100 cases (Wilson); the fewer leads, the wider."),
    ),
    "against_rest": (
        _("Against the rest"),
        _("Whether its share differs from that of all others by more than chance (Newcombe, 95 %)."),
    ),
    "go_on": (_("go on"), _("Share of those in the stage that reached the next one.")),
    "median_time": (_("median time"), _("Half of those that went on had done so within this time.")),
    "still_there": (_("still there"), _("Leads that stand in the stage today.")),
    "cost": (_("Cost"), _("What was spent in the period, by day, imported or entered by hand.")),
    "per_lead": (_("per lead"), _("Cost of the period divided by the leads first seen in it.")),
    "per_mql": (_("per MQL"), _("Cost of the period divided by those of its leads that became MQL.")),
    "per_sql": (_("per SQL"), _("Cost of the period divided by those of its leads that became SQL.")),
    "per_win": (_("per win"), _("Cost of the period divided by those of its leads that were won.")),
    "in_time": (_("In time"), _("Share of the promises decided that a person kept before they ran out.")),
    "late": (_("late"), _("Touched by a person after the promise had run out.")),
    "never": (_("never"), _("Not touched by a person although the promise is over.")),
    "median": (
        _("median"),
        _("Half of the leads were touched within this time; those who still wait count as longer than all."),
    ),
    "p90": ("p90", _("Nine of ten were touched within this time.")),
    "p99": ("p99", _("Ninety-nine of a hundred were touched within this time.")),
    "received": (_("Leads received"), _("Leads that the rep was the first to receive.")),
    "first_touch": (_("Median first touch"), _("From receiving a lead to calling, writing or meeting, median.")),
    "of_received": (_("of received"), _("Share of the leads received that became SQL.")),
    "accepted": (_("accepted"), _("Handoffs that the AE took.")),
    "refused": (_("refused"), _("Handoffs that the AE refused, with a reason of the list.")),
    "win_rate": (_("Win rate"), _("Won of the deals that ended.")),
    "at_hand": (_("At hand"), _("Leads that the rep has to work now, whatever the period.")),
    "of_touches": (_("of touches"), _("Share of the first touches that were out of turn.")),
    "asleep": (_("asleep"), _("Recycled for this reason and not back yet.")),
    "woken": (_("woken by date"), _("Came back because their day had come.")),
    "returned": (_("came by themselves"), _("Did something of their own before their day came.")),
    "held_out": (_("Held out"), _("Leads drawn by lot that the programme does not write to, to see what it adds.")),
    "times": (
        _("Times as often"),
        _("How much more often those written to came back than those held out, with the 95 % interval."),
    ),
    "expected": (_("Expected"), _("Mean of the chances that the leads of the group got first.")),
    "usual": (_("usual"), _("Mean of the twenty working days before.")),
    "leak_before": (_("At the beginning"), _("Ran out unnoticed when the period began.")),
    "leak_came": (_("Began"), _("Began to run out in the period, as the clock saw it every half hour.")),
    "leak_stopped": (_("Were seen to"), _("Ran out, and were worked, given away or woken up in the period.")),
    "leak_left": (_("At the end"), _("Run out unnoticed at the end of the period, or now.")),
}

STEPS = ("captured", "mql", "sql", "opportunity", "won")
# Report → what its list explains.
OF_REPORT: dict[str, tuple[str, ...]] = {
    "morning": ("usual",),
    "funnel": (*STEPS, "go_on", "median_time", "still_there", "to_sql", "to_won", "revenue"),
    "speed": ("in_time", "late", "never", "median", "p90", "p99", "interval"),
    "sources": (
        *STEPS, "won_of_captured", "interval", "against_rest", "cost", "per_lead", "per_mql", "per_sql", "per_win",
        "revenue",
    ),
    "attribution": ("cost", "revenue"),
    "leaks": ("leak_before", "leak_came", "leak_stopped", "leak_left"),
    "scoring": ("expected", "interval"),
    "nurture": ("asleep", "woken", "returned", "held_out", "times"),
    "sync": (),
    "team": (
        "received", "in_time", "first_touch", "sql", "of_received", "accepted", "refused", "win_rate", "at_hand",
        "of_touches",
    ),
}  # fmt: skip


def definitions_of(report: str) -> list[Words]:
    """Columns of a report with what they mean."""
    return [DEFINITIONS[key] for key in OF_REPORT.get(report, ())]
