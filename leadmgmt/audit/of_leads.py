"""Invariants of captures, contacts, leads and their history."""

from leadmgmt.audit.check import Check

CHECKS = (
    Check(
        "leads.one_open_per_contact",
        "A contact has at most one open lead.",
        """SELECT contact_id, count(*) || ' open leads' FROM leads_lead
           WHERE stage IN ('new', 'mql', 'sql', 'opportunity') GROUP BY contact_id HAVING count(*) > 1""",
    ),
    Check(
        "leads.captured_once",
        "Each lead has exactly one lead.captured, at the time it was first seen.",
        """SELECT lead.id, count(event.id) || ' captured events' FROM leads_lead lead
           LEFT JOIN leads_leadevent event ON event.lead_id = lead.id AND event.kind = 'lead.captured'
           GROUP BY lead.id HAVING count(event.id) <> 1 OR min(event.at) <> lead.first_seen_at""",
    ),
    Check(
        "leads.stage_is_the_last_one_recorded",
        "A lead stands in the stage of its latest stage event; without one it is new.",
        """SELECT lead.id, lead.stage || ' but ' || coalesce(last.kind, 'no stage event') FROM leads_lead lead
           LEFT JOIN LATERAL (
               SELECT kind FROM leads_leadevent event
               WHERE event.lead_id = lead.id AND event.kind LIKE 'stage.%' ORDER BY event.id DESC LIMIT 1
           ) last ON true
           WHERE lead.stage <> coalesce(substr(last.kind, 7), 'new')""",
    ),
    Check(
        "leads.stage_times_equal_events",
        "The times at which stages were first reached are those of the events.",
        """SELECT lead.id, reached || ' stamped ' || coalesce(stamp::text, 'never') || ', recorded '
               || coalesce(min(event.at)::text, 'never')
           FROM leads_lead lead CROSS JOIN LATERAL (VALUES ('mql', lead.mql_at), ('sql', lead.sql_at),
               ('opportunity', lead.opportunity_at), ('won', lead.won_at)) AS stamped (reached, stamp)
           LEFT JOIN leads_leadevent event ON event.lead_id = lead.id AND event.kind = 'stage.' || reached
           GROUP BY lead.id, reached, stamp HAVING stamp IS DISTINCT FROM min(event.at)""",
    ),
    Check(
        "leads.closed_has_reason",
        "A recycled or disqualified lead has a reason.",
        "SELECT id, stage FROM leads_lead WHERE stage IN ('recycled', 'disqualified') AND reason_id IS NULL",
    ),
    Check(
        "leads.open_has_no_outcome",
        "An open or won lead keeps no reason and no wake-up date; one that an AE sent back keeps what is to be mended.",
        """SELECT lead.id, lead.stage FROM leads_lead lead LEFT JOIN leads_reason reason ON reason.id = lead.reason_id
           WHERE lead.stage NOT IN ('recycled', 'disqualified')
             AND (lead.wake_at IS NOT NULL
                  OR lead.reason_id IS NOT NULL AND NOT (lead.stage = 'mql' AND reason.kind = 'refuse'))""",
    ),
    Check(
        "leads.accepted_capture_has_lead",
        "An accepted capture has a lead, a contact and a touchpoint of that lead.",
        """SELECT capture.id, capture.status FROM leads_capture capture
           LEFT JOIN leads_touchpoint touch ON touch.capture_id = capture.id AND touch.lead_id = capture.lead_id
           WHERE capture.status = 'accepted'
             AND (capture.lead_id IS NULL OR capture.contact_id IS NULL OR touch.id IS NULL)""",
    ),
    Check(
        "leads.refused_capture_says_why",
        "A refused capture names its problems and made no lead.",
        """SELECT id, status FROM leads_capture
           WHERE status = 'refused' AND (lead_id IS NOT NULL OR problems = '[]'::jsonb)""",
    ),
    Check(
        "leads.put_aside_says_why",
        "A submission in quarantine, a test or one with nothing to do has a verdict and made no lead.",
        """SELECT id, status FROM leads_capture WHERE status IN ('quarantined', 'test', 'ignored')
             AND (lead_id IS NOT NULL OR verdict = '')""",
    ),
    Check(
        "leads.released_by_somebody",
        "What was released from the quarantine says when; who did may have left since.",
        "SELECT id, status FROM leads_capture WHERE released_at IS NOT NULL AND status = 'quarantined'",
    ),
    Check(
        "leads.merged_contact_has_nothing",
        "A contact that became part of another is matched by nothing and holds no lead, touch or submission.",
        """SELECT contact.id, 'merged into ' || merged_into_id FROM leads_contact contact
           WHERE merged_into_id IS NOT NULL AND (email_key IS NOT NULL OR person_key IS NOT NULL OR name_key <> ''
               OR EXISTS (SELECT FROM leads_lead WHERE contact_id = contact.id)
               OR EXISTS (SELECT FROM leads_touchpoint WHERE contact_id = contact.id)
               OR EXISTS (SELECT FROM leads_capture WHERE contact_id = contact.id))""",
    ),
    Check(
        "leads.alias_is_nobody_elses_address",
        "A further address of one contact is not the address of another.",
        """SELECT alias.id, alias.key FROM leads_contactalias alias
           JOIN leads_contact contact ON contact.email_key = alias.key AND contact.id <> alias.contact_id""",
    ),
    Check(
        "leads.touch_belongs_to_the_contact",
        "A touchpoint's contact is its lead's contact.",
        """SELECT touch.id, 'lead ' || lead.id FROM leads_touchpoint touch
           JOIN leads_lead lead ON lead.id = touch.lead_id WHERE touch.contact_id <> lead.contact_id""",
    ),
    Check(
        "leads.first_seen_with_the_touch_that_began_it",
        "A lead was first seen when the touch that began it happened; an earlier one may be told of later.",
        """SELECT lead.id, touch.at::text FROM leads_lead lead
           JOIN leads_leadevent event ON event.lead_id = lead.id AND event.kind = 'lead.captured'
           JOIN leads_touchpoint touch ON touch.lead_id = lead.id
               AND touch.capture_id::text = event.data ->> 'capture'
           WHERE touch.at <> lead.first_seen_at""",
    ),
    Check(
        "leads.identity_of_one_contact",
        "A source's own id of a lead's person leads to one contact; whom it was sent with else has it noted.",
        """SELECT identity.id, capture.id::text FROM leads_contactidentity identity
           JOIN leads_capture capture ON capture.channel_id = identity.channel_id
               AND capture.external_id = identity.external_id AND capture.status = 'accepted'
           WHERE capture.contact_id <> identity.contact_id
             AND NOT capture.problems @> '[{"field": "external_id"}]'""",
    ),
    Check(
        "leads.history_sets_nothing_off",
        "No event of a lead brought in as history waits for a step.",
        """SELECT event.id, event.kind FROM leads_leadevent event JOIN leads_lead lead ON lead.id = event.lead_id
           WHERE lead.is_history AND event.needs_step AND event.handled_at IS NULL""",
    ),
    Check(
        "leads.nothing_parked",
        "No event was given up.",
        "SELECT id, kind || ': ' || left(error, 120) FROM leads_leadevent WHERE parked_at IS NOT NULL",
    ),
    Check(
        "leads.nothing_forgotten",
        "No event has waited for its step longer than a day.",
        """SELECT id, kind FROM leads_leadevent WHERE needs_step AND handled_at IS NULL AND parked_at IS NULL
           AND recorded_at < now() - interval '1 day'""",
    ),
    Check(
        "leads.nothing_hangs_on_a_folded_source",
        "What came by a source that counts for another counts there; what was on its way is gathered within minutes.",
        """SELECT lead.id, source.slug FROM leads_lead lead JOIN leads_source source ON source.id = lead.source_id
           JOIN leads_sourcefold fold ON fold.gone_id = source.id AND fold.undone_at IS NULL
           WHERE source.folded_into_id IS NOT NULL AND fold.at < now() - interval '10 minutes'
             AND lead.recorded_at < now() - interval '10 minutes'""",
    ),
)
