"""The addresses of this app's API, included under /api/v1/."""

from django.urls import path

from crmsync import api
from crmsync.views import hooks

urlpatterns = [
    path("hooks/crm/<slug:connection>/", hooks.hook, name="crm_hook"),
    # For a CRM that signs nothing: the secret ends the address.
    path("hooks/crm/<slug:connection>/<str:secret>/", hooks.hook, name="crm_hook_secret"),
    path("leads/<int:lead_id>/convert/", api.lead_convert, name="lead_convert"),
]
