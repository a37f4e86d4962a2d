"""Invariants of assignments, promises, the ledger and certificates."""

from collections.abc import Iterator

from leadmgmt.audit.check import Check
from routing.certify import DIGESTED, digest
from routing.models import Certificate


def forged_certificates() -> Iterator[tuple[str, str]]:
    """Certificates whose content is not what its digest was made of."""
    for certificate in Certificate.objects.select_related("rule_set").order_by("pk").iterator(500):
        content = {name: getattr(certificate, name) for name in DIGESTED if name not in ("lead", "rule_set")}
        content |= {"lead": certificate.lead_id, "rule_set": certificate.rule_set.version}
        if digest(content) != certificate.digest:
            yield str(certificate.pk), "the digest does not fit the content"


CHECKS = (
    Check(
        "routing.owner_is_the_assignee",
        "A lead being worked belongs to the user of its open assignment; without one it has no owner.",
        """SELECT lead.id, coalesce(lead.owner_id::text, 'nobody') || ' owns, '
               || coalesce(assignment.user_id::text, 'nobody') || ' is assigned'
           FROM leads_lead lead
           LEFT JOIN routing_assignment assignment ON assignment.lead_id = lead.id AND assignment.ends_at IS NULL
           WHERE lead.stage IN ('new', 'mql', 'sql', 'opportunity') AND NOT lead.is_history
             AND lead.owner_id IS DISTINCT FROM assignment.user_id""",
    ),
    Check(
        "routing.assignments_do_not_overlap",
        "A lead's assignments follow one another.",
        """SELECT one.lead_id, one.id || ' and ' || other.id FROM routing_assignment one
           JOIN routing_assignment other ON other.lead_id = one.lead_id AND other.id > one.id
           WHERE one.starts_at < coalesce(other.ends_at, 'infinity')
             AND other.starts_at < coalesce(one.ends_at, 'infinity') AND one.starts_at <> other.starts_at""",
    ),
    Check(
        "routing.closed_leads_are_released",
        "A recycled or disqualified lead has no owner, no assignment and waits in no room (once its step has run).",
        """SELECT lead.id, lead.stage FROM leads_lead lead
           WHERE lead.stage IN ('recycled', 'disqualified')
             AND NOT EXISTS (SELECT FROM leads_leadevent event WHERE event.lead_id = lead.id AND event.needs_step
                             AND event.handled_at IS NULL)
             AND (lead.owner_id IS NOT NULL
                  OR EXISTS (SELECT FROM routing_assignment WHERE lead_id = lead.id AND ends_at IS NULL)
                  OR EXISTS (SELECT FROM routing_waitinglead WHERE lead_id = lead.id AND left_at IS NULL))""",
    ),
    Check(
        "routing.waiting_or_owned",
        "A lead in the waiting room has no owner.",
        """SELECT lead.id, lead.owner_id::text FROM routing_waitinglead wait
           JOIN leads_lead lead ON lead.id = wait.lead_id
           WHERE wait.left_at IS NULL AND lead.owner_id IS NOT NULL""",
    ),
    Check(
        "routing.routed_lead_is_somewhere",
        "A routed lead that is still to be qualified is owned or waits.",
        """SELECT lead.id, lead.stage FROM leads_lead lead
           WHERE lead.stage IN ('new', 'mql', 'sql') AND lead.routed_at IS NOT NULL AND lead.owner_id IS NULL
             AND NOT EXISTS (SELECT FROM routing_waitinglead WHERE lead_id = lead.id AND left_at IS NULL)""",
    ),
    Check(
        "routing.balances_sum_to_zero",
        "What a pool owes its members sums to zero.",
        """SELECT pool_id, sum(balance)::text FROM routing_poolmember GROUP BY pool_id HAVING sum(balance) <> 0""",
    ),
    Check(
        "routing.ledger_adds_up_to_balances",
        "A member's balance is the sum of their ledger entries.",
        """SELECT member.id, member.balance || ' but entries ' || coalesce(sum(entry.amount), 0)
           FROM routing_poolmember member
           LEFT JOIN routing_ledgerentry entry ON entry.pool_id = member.pool_id AND entry.rep_id = member.rep_id
           GROUP BY member.id HAVING member.balance <> coalesce(sum(entry.amount), 0)""",
    ),
    Check(
        "routing.ledger_of_a_lead_sums_to_zero",
        "What one lead moved in a pool sums to zero.",
        """SELECT lead_id, sum(amount)::text FROM routing_ledgerentry WHERE lead_id IS NOT NULL
           GROUP BY lead_id, pool_id HAVING sum(amount) <> 0""",
    ),
    Check(
        "routing.promise_runs_only_while_untouched",
        "A running promise is on a lead that is being worked, live and not touched yet (once its step has run).",
        """SELECT clock.id, 'lead ' || lead.id || ' ' || lead.stage FROM routing_slaclock clock
           JOIN leads_lead lead ON lead.id = clock.lead_id
           WHERE clock.stopped_at IS NULL
             AND (clock.touched_at IS NOT NULL OR lead.first_touched_at IS NOT NULL OR lead.is_history
                  OR (lead.stage NOT IN ('new', 'mql', 'sql', 'opportunity')
                      AND NOT EXISTS (SELECT FROM leads_leadevent event WHERE event.lead_id = lead.id
                                      AND event.needs_step AND event.handled_at IS NULL)))""",
    ),
    Check(
        "routing.touch_is_not_before_its_promise",
        "Nobody was in touch before the lead was captured.",
        "SELECT id, touched_at::text FROM routing_slaclock WHERE touched_at < started_at",
    ),
    Check(
        "routing.assigned_by_rule_has_certificate",
        "An assignment by rule or from the waiting room has its certificate, for the same lead and rep, "
        "unless the person was erased.",
        """SELECT assignment.id, assignment.reason FROM routing_assignment assignment
           JOIN leads_lead lead ON lead.id = assignment.lead_id
           JOIN leads_contact contact ON contact.id = lead.contact_id AND contact.erased_at IS NULL
           LEFT JOIN routing_certificate certificate ON certificate.id = assignment.certificate_id
           LEFT JOIN routing_rep rep ON rep.id = certificate.rep_id
           WHERE assignment.reason IN ('rule', 'waiting')
             AND (certificate.id IS NULL OR certificate.lead_id <> assignment.lead_id
                  OR rep.user_id IS DISTINCT FROM assignment.user_id)""",
    ),
    Check("routing.certificates_are_what_they_were", "Every certificate fits its digest.", find=forged_certificates),
    Check(
        "routing.one_rule_set_in_force",
        "At most one rule set is published.",
        "SELECT min(id), count(*)::text FROM routing_ruleset WHERE status = 'published' HAVING count(*) > 1",
    ),
    Check(
        "routing.sent_is_dated",
        "A notification that was sent says when.",
        "SELECT id, kind FROM routing_notification WHERE status = 'sent' AND sent_at IS NULL",
    ),
)
