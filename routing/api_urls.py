"""The addresses of this app's API, included under /api/v1/."""

from django.urls import path

from routing import api, slack

urlpatterns = [
    path("leads/<int:lead_id>/certificate/", api.lead_certificate, name="lead_certificate"),
    path("slack/actions/", slack.actions, name="slack_actions"),
]
