"""Addresses of this app's pages."""

from django.urls import path

from leads.views import captures, channels, duplicates, enrichment, form, form_builder, imports, mapping, quarantine

app_name = "leads"

urlpatterns = [
    path("f/<slug:form>/", form.hosted_form, name="hosted_form"),
    path("f/<slug:form>/style.css", form.form_style, name="form_style"),
    path("f/<slug:form>/embed.js", form.form_embed, name="form_embed"),
    path("f/<slug:form>/thanks/", form.form_thanks, name="form_thanks"),
    path("leads/import/", imports.import_list, name="import_list"),
    path("leads/import/<int:pk>/", imports.import_run, name="import"),
    path("leads/import/<int:pk>/options/", imports.import_options, name="import_options"),
    path("leads/import/<int:pk>/mapping/", imports.import_mapping, name="import_mapping"),
    path("leads/import/<int:pk>/go/", imports.import_go, name="import_go"),
    path("leads/import/<int:pk>/refused/", imports.import_refused, name="import_refused"),
    path("leads/duplicates/", duplicates.duplicate_list, name="duplicate_list"),
    path("leads/duplicates/<int:pk>/", duplicates.duplicate, name="duplicate"),
    path("leads/duplicates/<int:pk>/merge/", duplicates.duplicate_merge, name="duplicate_merge"),
    path("leads/duplicates/<int:pk>/different/", duplicates.duplicate_different, name="duplicate_different"),
    path("leads/duplicates/<int:pk>/ask/", duplicates.duplicate_ask, name="duplicate_ask"),
    path("leads/merges/<int:pk>/undo/", duplicates.merge_undo, name="merge_undo"),
    path("setup/channels/", channels.channel_list, name="channel_list"),
    path("setup/channels/new/", channels.channel_new, name="channel_new"),
    path("setup/channels/<slug:slug>/", channels.channel, name="channel"),
    path("setup/channels/<slug:slug>/switch/", channels.channel_switch, name="channel_switch"),
    path("setup/channels/<slug:slug>/test/", channels.channel_test, name="channel_test"),
    path("setup/channels/<slug:slug>/key/", channels.channel_key, name="channel_key"),
    path("setup/channels/<slug:slug>/mapping/", mapping.channel_mapping, name="channel_mapping"),
    path("setup/channels/<slug:slug>/reread/", mapping.channel_reread, name="channel_reread"),
    path("setup/channels/<slug:slug>/log/", captures.channel_log, name="channel_log"),
    path("setup/channels/<slug:slug>/log/replay/", captures.log_replay, name="log_replay"),
    path("setup/enrichment/", enrichment.provider_list, name="provider_list"),
    path("setup/enrichment/add/", enrichment.provider_add, name="provider_add"),
    path("setup/enrichment/<slug:slug>/", enrichment.provider, name="provider"),
    path("setup/enrichment/<slug:slug>/test/", enrichment.provider_test, name="provider_test"),
    path("setup/forms/<slug:slug>/", form_builder.form_builder, name="form_builder"),
    path("setup/forms/<slug:slug>/discard/", form_builder.form_discard, name="form_discard"),
    path("setup/forms/<slug:slug>/back/", form_builder.form_take_back, name="form_take_back"),
    path("setup/quarantine/", quarantine.quarantine, name="quarantine"),
    path("setup/quarantine/decide/", quarantine.quarantine_decide, name="quarantine_decide"),
    path("setup/quarantine/<uuid:pk>/again/", quarantine.quarantine_again, name="quarantine_again"),
    path("setup/quarantine/lists/", quarantine.screening_lists, name="screening_lists"),
    path("setup/quarantine/lists/checks/", quarantine.screening_checks, name="screening_checks"),
    path("setup/quarantine/lists/<int:pk>/remove/", quarantine.listed_remove, name="listed_remove"),
    path("setup/captures/<uuid:pk>/", captures.capture, name="capture"),
    path("setup/captures/<uuid:pk>/replay/", captures.capture_replay, name="capture_replay"),
]
