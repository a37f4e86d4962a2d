"""Addresses of the desk."""

from django.urls import path

from qualification.views import actions, criteria, decisions, lead, leads, new_lead, prediction, pulse, queue, scoring

app_name = "qualification"

urlpatterns = [
    path("queue/", queue.queue, name="queue"),
    path("leads/", leads.lead_list, name="lead_list"),
    path("leads/export/", leads.lead_export, name="lead_export"),
    path("leads/bulk/", leads.lead_bulk, name="lead_bulk"),
    path("leads/new/", new_lead.lead_new, name="lead_new"),
    path("leads/new/check/", new_lead.lead_new_check, name="lead_new_check"),
    path("leads/<int:lead_id>/", lead.lead_detail, name="lead_detail"),
    path("leads/<int:lead_id>/pulse/", pulse.lead_pulse, name="lead_pulse"),
    path("leads/<int:lead_id>/log/", actions.lead_log, name="lead_log"),
    path("leads/<int:lead_id>/snooze/", actions.lead_snooze, name="lead_snooze"),
    path("leads/<int:lead_id>/resume/", actions.lead_resume, name="lead_resume"),
    path("leads/<int:lead_id>/correct/", actions.lead_correct, name="lead_correct"),
    path("leads/<int:lead_id>/answers/<int:question_id>/", decisions.lead_answer, name="lead_answer"),
    path("leads/<int:lead_id>/disqualify/", decisions.lead_disqualify, name="lead_disqualify"),
    path("leads/<int:lead_id>/recycle/", decisions.lead_recycle, name="lead_recycle"),
    path("leads/<int:lead_id>/reopen/", decisions.lead_reopen, name="lead_reopen"),
    path("leads/<int:lead_id>/move-on/", decisions.lead_move_on, name="lead_move_on"),
    path("leads/<int:lead_id>/reassign/", decisions.lead_reassign, name="lead_reassign"),
    path("leads/<int:lead_id>/claim/", decisions.lead_claim, name="lead_claim"),
    path("scoring/", scoring.scoring, name="scoring"),
    path("scoring/draft/", scoring.scoring_draft, name="scoring_draft"),
    path("scoring/draft/weights/", scoring.scoring_weights, name="scoring_weights"),
    path("scoring/draft/groups/", scoring.scoring_group, name="scoring_group"),
    path("scoring/draft/publish/", scoring.scoring_publish, name="scoring_publish"),
    path("scoring/draft/rules/", scoring.scoring_rule, name="scoring_rule_add"),
    path("scoring/draft/rules/<slug:key>/", scoring.scoring_rule, name="scoring_rule"),
    path("scoring/draft/rules/<slug:key>/delete/", scoring.scoring_rule_delete, name="scoring_rule_delete"),
    path("scoring/prediction/", prediction.prediction, name="prediction"),
    path("scoring/prediction/progress/", prediction.prediction_progress, name="prediction_progress"),
    path("scoring/prediction/train/", prediction.prediction_train, name="prediction_train"),
    path("scoring/prediction/facts/", prediction.prediction_fact, name="prediction_fact"),
    path("scoring/prediction/<int:pk>/publish/", prediction.prediction_publish, name="prediction_publish"),
    path("criteria/", criteria.criteria_list, name="criteria_list"),
    path("criteria/<slug:kind>/", criteria.criteria_edit, name="criteria_edit"),
    path("criteria/<slug:kind>/discard/", criteria.criteria_discard, name="criteria_discard"),
    path("frameworks/", criteria.framework_list, name="framework_list"),
    path("frameworks/<slug:slug>/take/", criteria.framework_take, name="framework_take"),
    path("scoring/progress/", scoring.rescoring, name="rescoring"),
    path("answers/<int:answer_id>/withdraw/", decisions.answer_withdraw, name="answer_withdraw"),
    path("activities/<int:activity_id>/undo/", actions.activity_undo, name="activity_undo"),
]
