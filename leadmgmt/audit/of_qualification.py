"""Invariants of scores, answers, outcomes, nurture, cadences and mails."""

from leadmgmt.audit.check import Check

CHECKS = (
    Check(
        "qualification.score_is_the_newest",
        "The score on a lead is its newest one; only the engagement may have faded since.",
        """SELECT lead.id, concat_ws(' ', lead.grade, lead.fit, lead.engagement, 'but', score.grade, score.fit,
                               score.engagement) FROM leads_lead lead
           JOIN LATERAL (SELECT fit, engagement, grade FROM qualification_score score
                         WHERE score.lead_id = lead.id ORDER BY at DESC, id DESC LIMIT 1) score ON true
           WHERE (lead.fit, lead.grade) IS DISTINCT FROM (score.fit, score.grade)
              OR lead.engagement IS NULL OR lead.engagement > score.engagement""",
    ),
    Check(
        "qualification.one_current_answer",
        "A question has at most one current answer per lead.",
        """SELECT lead_id, count(*)::text FROM qualification_answer WHERE superseded_at IS NULL
           GROUP BY lead_id, question_id HAVING count(*) > 1""",
    ),
    Check(
        "qualification.sql_has_its_answers",
        "A lead that became SQL by the criteria had all answers in our favour that it needed at that time.",
        """SELECT event.lead_id, question.key FROM leads_leadevent event
           JOIN qualification_criteria criteria ON criteria.kind = 'sql'
               AND criteria.id = CASE WHEN event.data ->> 'criteria' ~ '^[0-9]+$'
                                      THEN (event.data ->> 'criteria')::bigint END
           JOIN qualification_question question ON question.framework_id = criteria.framework_id
               AND question.is_required
               AND (question.condition = '{}' OR event.data -> 'asked' @> to_jsonb(question.id))
           WHERE event.kind = 'stage.sql' AND NOT EXISTS (
               SELECT FROM qualification_answer answer
               WHERE answer.lead_id = event.lead_id AND answer.question_id = question.id AND answer.is_met)""",
    ),
    Check(
        "qualification.outcome_of_each_end",
        "Each time a live lead is won, recycled or disqualified an outcome is kept (once its step has run).",
        """SELECT event.id, event.kind FROM leads_leadevent event
           LEFT JOIN qualification_outcome outcome ON outcome.event_id = event.id
           WHERE event.kind IN ('stage.won', 'stage.recycled', 'stage.disqualified') AND event.needs_step
             AND event.handled_at IS NOT NULL AND outcome.id IS NULL""",
    ),
    Check(
        "qualification.outcome_belongs_to_its_lead",
        "An outcome's event is an event of its lead.",
        """SELECT outcome.id, outcome.lead_id::text FROM qualification_outcome outcome
           JOIN leads_leadevent event ON event.id = outcome.event_id WHERE event.lead_id <> outcome.lead_id""",
    ),
    Check(
        "qualification.only_the_recycled_sleep",
        "An open nurture enrolment belongs to a recycled lead (once its step has run).",
        """SELECT nurture.id, lead.stage FROM qualification_nurtureenrolment nurture
           JOIN leads_lead lead ON lead.id = nurture.lead_id
           WHERE nurture.ended_at IS NULL AND lead.stage <> 'recycled'
             AND NOT EXISTS (SELECT FROM leads_leadevent event WHERE event.lead_id = lead.id AND event.needs_step
                             AND event.handled_at IS NULL)""",
    ),
    Check(
        "qualification.taken_back_mails_stay",
        "A mail whose activity was taken back has not gone out.",
        """SELECT mail.id, mail.status FROM qualification_outgoingmail mail
           JOIN qualification_activity activity ON activity.id = mail.activity_id
           WHERE activity.undone_at IS NOT NULL AND mail.status NOT IN ('cancelled', 'failed')""",
    ),
    Check(
        "qualification.the_held_out_get_no_mail",
        "Who is held out of a nurture programme gets none of its mails.",
        """SELECT mail.id, nurture.lead_id::text FROM qualification_outgoingmail mail
           JOIN qualification_nurtureenrolment nurture ON nurture.id = mail.nurture_id WHERE nurture.is_held_out""",
    ),
    Check(
        "qualification.only_the_worked_are_in_cadences",
        "An open cadence belongs to a lead that is worked (once its step has run).",
        """SELECT enrolment.id, lead.stage FROM qualification_cadenceenrolment enrolment
           JOIN leads_lead lead ON lead.id = enrolment.lead_id
           WHERE enrolment.ended_at IS NULL AND lead.stage NOT IN ('new', 'mql', 'sql')
             AND NOT EXISTS (SELECT FROM leads_leadevent event WHERE event.lead_id = lead.id AND event.needs_step
                             AND event.handled_at IS NULL)""",
    ),
    Check(
        "qualification.chance_has_its_model",
        "A chance that a version predicted was predicted after the version was trained.",
        """SELECT score.id, model.version::text FROM qualification_score score
           JOIN qualification_predictionmodel model ON model.id = score.prediction_id
           WHERE score.at < model.trained_at""",
    ),
    Check(
        "qualification.score_refers_to_what_is_there",
        "A score's lead, version and prediction are there, and it keeps as many facts as its version names.",
        """SELECT score.id, concat_ws(' ', score.lead_id, score.model_id, score.prediction_id)
           FROM qualification_score score LEFT JOIN leads_lead lead ON lead.id = score.lead_id
           LEFT JOIN qualification_scoringmodel model ON model.id = score.model_id
           LEFT JOIN qualification_predictionmodel prediction ON prediction.id = score.prediction_id
           WHERE lead.id IS NULL OR model.id IS NULL OR (score.prediction_id IS NOT NULL AND prediction.id IS NULL)
              OR cardinality(score.changed) <> cardinality(model.changing)""",
    ),
)
