"""Getting a report by e-mail, and no longer getting it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from leadmgmt.core.permissions import REPORT_READERS, role_required
from leadmgmt.reports.reading import reader
from leadmgmt.reports.subscriptions import SENTENCES, address, subscribe
from leads.models import Subscription


@require_POST
@role_required(*REPORT_READERS)
def report_subscribe(request: HttpRequest, name: str) -> HttpResponse:
    """Send it from the next morning on."""
    if name not in SENTENCES:
        raise Http404
    one = subscribe(reader(request), name, request.GET, request.POST.get("rhythm", ""))
    said = _("You get this report by e-mail: %(how)s.") % {"how": one.get_rhythm_display()}
    messages.success(request, said)
    return HttpResponseRedirect(address(one))


@require_POST
@role_required(*REPORT_READERS)
def report_unsubscribe(request: HttpRequest, pk: int) -> HttpResponse:
    """Send it no more."""
    one = get_object_or_404(Subscription, pk=pk, user=reader(request))
    back = address(one)
    one.delete()
    messages.success(request, _("You do not get this report any more."))
    return HttpResponseRedirect(back)
