"""Addresses of this app's pages."""

from django.urls import path

from leads.views import form

app_name = "leads"

urlpatterns = [
    path("f/<slug:form>/", form.hosted_form, name="hosted_form"),
    path("f/<slug:form>/thanks/", form.form_thanks, name="form_thanks"),
]
