"""Invariants of opportunities, handoffs and the sync."""

from leadmgmt.audit.check import Check

CHECKS = (
    Check(
        "crm.opportunity_has_a_deal",
        "A lead in stage opportunity has exactly one open opportunity.",
        """SELECT lead.id, count(deal.id)::text FROM leads_lead lead
           LEFT JOIN crmsync_opportunity deal ON deal.stage = 'open' AND (deal.lead_id = lead.id
               OR EXISTS (SELECT FROM crmsync_joined joined WHERE joined.opportunity_id = deal.id
                          AND joined.lead_id = lead.id AND joined.left_at IS NULL))
           WHERE lead.stage = 'opportunity' GROUP BY lead.id HAVING count(deal.id) <> 1""",
    ),
    Check(
        "crm.open_deal_has_an_open_lead",
        "The lead of an open opportunity stands in stage opportunity.",
        """SELECT deal.id, lead.stage FROM crmsync_opportunity deal JOIN leads_lead lead ON lead.id = deal.lead_id
           WHERE deal.stage = 'open' AND lead.stage <> 'opportunity'""",
    ),
    Check(
        "crm.won_lead_has_a_won_deal",
        "A won lead has a won opportunity.",
        """SELECT lead.id, lead.stage FROM leads_lead lead
           WHERE lead.stage = 'won'
             AND NOT EXISTS (SELECT FROM crmsync_opportunity deal
                             WHERE deal.stage = 'won' AND (deal.lead_id = lead.id
                                 OR EXISTS (SELECT FROM crmsync_joined joined
                                            WHERE joined.opportunity_id = deal.id AND joined.lead_id = lead.id)))""",
    ),
    Check(
        "crm.lost_deal_has_a_reason",
        "A lost opportunity has a reason.",
        "SELECT id, name FROM crmsync_opportunity WHERE stage = 'lost' AND loss_reason_id IS NULL",
    ),
    Check(
        "crm.decided_handoff_is_dated",
        "An accepted or refused handoff says when, and a refused one why.",
        """SELECT id, status FROM crmsync_handoff
           WHERE (status IN ('accepted', 'refused') AND decided_at IS NULL)
              OR (status = 'refused' AND reason_id IS NULL)""",
    ),
    Check(
        "crm.offered_handoff_has_an_open_deal",
        "A handoff that waits for its decision is about an open opportunity.",
        """SELECT handoff.id, deal.stage FROM crmsync_handoff handoff
           JOIN crmsync_opportunity deal ON deal.id = handoff.opportunity_id
           WHERE handoff.status = 'offered' AND deal.stage <> 'open'""",
    ),
    Check(
        "crm.outbox_keeps_its_order",
        "Nothing of an opportunity was delivered while something older of it still waits.",
        """SELECT later.id, 'before ' || earlier.id FROM crmsync_outboxentry later
           JOIN crmsync_outboxentry earlier ON earlier.opportunity_id = later.opportunity_id
               AND earlier.connection_id = later.connection_id AND earlier.seq < later.seq
           WHERE later.state = 'done' AND earlier.state IN ('ready', 'leased', 'verify')""",
    ),
    Check(
        "crm.outbox_is_never_ahead",
        "No outbox entry has a number that its opportunity has not reached.",
        """SELECT entry.id, entry.seq || ' of ' || deal.seq FROM crmsync_outboxentry entry
           JOIN crmsync_opportunity deal ON deal.id = entry.opportunity_id WHERE entry.seq > deal.seq""",
    ),
    Check(
        "crm.linked_has_a_remote",
        "A linked record has its id in the CRM.",
        "SELECT id, external_key FROM crmsync_link WHERE state = 'linked' AND coalesce(remote_id, '') = ''",
    ),
    Check(
        "crm.no_dead_letters",
        "Nothing was given up on the way to or from a CRM.",
        """SELECT id, 'outbox: ' || left(error, 120) FROM crmsync_outboxentry WHERE state = 'dead'
           UNION ALL SELECT id, 'inbox: ' || left(error, 120) FROM crmsync_inboxevent WHERE state = 'dead'""",
    ),
)
