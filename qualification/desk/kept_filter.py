"""The queue's filters stick: who comes back finds the queue as they left it, and the lead page walks the same list."""

from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.urls import reverse

from qualification.desk.queue_filter import QueueFilter, read_filter

KEY = "queue_filter"
WORDS = ("tab", "q", "grade", "source", "country")


def keep_filter(request: HttpRequest) -> str:
    """Note what the address asks for; where it asks for nothing: the address with what is kept, empty if nothing is.

    A word without a value is asked for too: that is how a filter is taken away.
    """
    kept = str(request.session.get(KEY, ""))
    if not any(word in request.GET for word in WORDS):
        if not kept:
            return ""
        lead = {"lead": request.GET["lead"]} if "lead" in request.GET else {}
        return f"{reverse('qualification:queue')}?{kept}" + (f"&{urlencode(lead)}" if lead else "")
    chosen = read_filter(request.GET)
    said = {word: request.GET[word] for word in WORDS if request.GET.get(word)}
    wanted = "" if chosen.is_plain else urlencode(said)
    if wanted != kept:
        request.session[KEY] = wanted
    return ""


def kept_filter(request: HttpRequest) -> QueueFilter:
    """The filters with which this person looks at the queue."""
    return read_filter(QueryDict(str(request.session.get(KEY, ""))))
