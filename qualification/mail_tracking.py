"""Where the mail service reports what becomes of our mails; django-anymail checks its signature and reads it."""

from importlib import import_module

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

VIEWS = {
    "postmark": ("anymail.webhooks.postmark", "PostmarkTrackingWebhookView"),
    "mailgun": ("anymail.webhooks.mailgun", "MailgunTrackingWebhookView"),
    "sendgrid": ("anymail.webhooks.sendgrid", "SendGridTrackingWebhookView"),
    "brevo": ("anymail.webhooks.brevo", "BrevoTrackingWebhookView"),
}


@csrf_exempt
def tracking(request: HttpRequest) -> HttpResponse:
    """Hand the call to the reader of the service that is set; without one, or without a secret, there is no such
    address: a report that anybody can write is worth nothing."""
    known = VIEWS.get(settings.EMAIL_ESP)
    if known is None or not settings.EMAIL_ESP_WEBHOOK_SECRET:
        raise Http404
    module, name = known
    found: HttpResponse = getattr(import_module(module), name).as_view()(request)
    return found
