"""Addresses of routing: rules, pools, waiting room, reps, decisions, news."""

from django.urls import path

from routing.views import certificate, draft, leads, news, pools, reps, rules

app_name = "routing"
urlpatterns = [
    path("routing/", rules.overview, name="overview"),
    path("routing/versions/", rules.version_list, name="version_list"),
    path("routing/versions/<int:version>/restore/", draft.version_restore, name="version_restore"),
    path("routing/draft/", draft.draft_create, name="draft_create"),
    path("routing/draft/discard/", draft.draft_discard, name="draft_discard"),
    path("routing/draft/publish/", draft.draft_publish, name="draft_publish"),
    path("routing/draft/rules/add/", draft.rule_add, name="rule_add"),
    path("routing/draft/rules/<int:pk>/", draft.rule_edit, name="rule_edit"),
    path("routing/draft/rules/<int:pk>/move/", draft.rule_move, name="rule_move"),
    path("routing/draft/rules/<int:pk>/copy/", draft.rule_copy, name="rule_copy"),
    path("routing/draft/rules/<int:pk>/delete/", draft.rule_delete, name="rule_delete"),
    path("routing/pools/<slug:slug>/", pools.pool_detail, name="pool_detail"),
    path("routing/pools/<slug:slug>/members/", pools.member_set, name="member_set"),
    path("routing/pools/<slug:slug>/members/remove/", pools.member_remove, name="member_remove"),
    path("routing/waiting/", pools.waiting_list, name="waiting_list"),
    path("routing/waiting/<int:lead_id>/retry/", pools.waiting_retry, name="waiting_retry"),
    path("routing/certificates/<int:pk>/", certificate.certificate, name="certificate"),
    path("routing/certificates/<int:pk>/file/", certificate.certificate_file, name="certificate_file"),
    path("routing/reps/", reps.rep_list, name="rep_list"),
    path("routing/reps/<int:pk>/", reps.rep_detail, name="rep_detail"),
    path("routing/reps/<int:pk>/accepting/", reps.rep_accepting, name="rep_accepting"),
    path("routing/reps/<int:pk>/hours/", reps.rep_hours, name="rep_hours"),
    path("routing/reps/<int:pk>/caps/", reps.rep_caps, name="rep_caps"),
    path("routing/reps/<int:pk>/absences/", reps.absence_add, name="absence_add"),
    path("routing/reps/<int:pk>/absences/<int:absence_id>/remove/", reps.absence_remove, name="absence_remove"),
    path("routing/leads/<int:lead_id>/panel/", leads.lead_panel, name="lead_panel"),
    path("routing/leads/<int:lead_id>/claim/", leads.lead_claim, name="lead_claim"),
    path("routing/leads/<int:lead_id>/assign/", leads.lead_assign, name="lead_assign"),
    path("routing/leads/<int:lead_id>/accept/", leads.lead_accept, name="lead_accept"),
    path("routing/leads/<int:lead_id>/hand-back/", leads.lead_hand_back, name="lead_hand_back"),
    path("notifications/", news.notification_list, name="notification_list"),
    path("notifications/news/", news.news, name="news"),
    path("notifications/<int:pk>/seen/", news.notification_seen, name="notification_seen"),
]
