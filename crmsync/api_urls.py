"""The addresses of this app's API, included under /api/v1/."""

from django.urls import path

from crmsync import api

urlpatterns = [
    path("leads/<int:lead_id>/convert/", api.lead_convert, name="lead_convert"),
]
