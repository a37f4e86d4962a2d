"""Addresses of this app's pages."""

from django.urls import path

from leads import views

app_name = "leads"

urlpatterns = [
    path("f/<slug:form>/", views.hosted_form, name="hosted_form"),
    path("f/<slug:form>/thanks/", views.form_thanks, name="form_thanks"),
]
