"""The API under /api/v1/, assembled from all apps."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView

from leads.api import capture, hooks, schema, views

app_name = "api"
# Registers itself by being imported.
KEY_SCHEME = schema.ApiKeyScheme

urlpatterns: list[URLPattern | URLResolver] = [
    path("capture/", capture.capture, name="capture"),
    path("capture/batch/", capture.capture_batch, name="capture_batch"),
    path("hooks/<slug:channel>/", hooks.hook, name="hook"),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("captures/<uuid:pk>/", views.capture_detail, name="capture_detail"),
    path("leads/", views.LeadList.as_view(), name="lead_list"),
    path("leads/<int:pk>/", views.LeadDetail.as_view(), name="lead_detail"),
    path("leads/<int:pk>/events/", views.LeadEventList.as_view(), name="lead_events"),
    path("events/", views.event_feed, name="event_feed"),
]
# Each of these modules lists its own addresses as `urlpatterns`.
_APPS = ("routing.api_urls", "qualification.api_urls", "crmsync.api_urls", "leadmgmt.reports.api_urls")
urlpatterns += [path("", include(module)) for module in _APPS if find_spec(module)]
