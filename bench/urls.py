"""The product's addresses and one bare view: the least that a Django view that stores a row can do."""

import json

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

TABLE = """
    CREATE TABLE IF NOT EXISTS bench_bare (id bigserial PRIMARY KEY, body jsonb NOT NULL, at timestamptz DEFAULT now())
"""


@csrf_exempt
@require_POST
def bare(request: HttpRequest) -> JsonResponse:
    """Read the body as JSON, insert it as one row, answer its number."""
    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_bare (body) VALUES (%s) RETURNING id", [json.dumps(body)])
        number = cursor.fetchone()[0]
    return JsonResponse({"id": number}, status=201)


urlpatterns = [path("bench/bare/", bare), path("", include("leadmgmt.urls"))]
