"""The addresses of this app's API, included under /api/v1/."""

from django.urls import path

from qualification import api
from qualification.mail_tracking import tracking

urlpatterns = [
    path("mail/tracking/", tracking, name="mail_tracking"),
    path("leads/<int:lead_id>/score/", api.lead_score, name="lead_score"),
    path("leads/<int:lead_id>/activities/", api.lead_activities, name="lead_activities"),
    path("leads/<int:lead_id>/answers/", api.lead_answers, name="lead_answers"),
    path("leads/<int:lead_id>/disqualify/", api.lead_disqualify, name="lead_disqualify"),
    path("leads/<int:lead_id>/recycle/", api.lead_recycle, name="lead_recycle"),
]
