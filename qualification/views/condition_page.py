"""A page with a form and the rows of a condition in it."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from leadmgmt.core.web import is_partial
from routing.editor import Editor, fact_groups


def condition_page(
    request: HttpRequest,
    template: str,
    editor: Editor,
    form_url: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    wrong_condition: str = "",
) -> HttpResponse:
    """The page; the rows alone for htmx, which asks for them when a row comes or goes."""
    rows = {"editor": editor, "fact_groups": fact_groups(), "form_url": form_url, "wrong_condition": wrong_condition}
    chosen = "routing/_condition.html" if is_partial(request) else template
    return render(request, chosen, {**context, **rows}, status=status)
