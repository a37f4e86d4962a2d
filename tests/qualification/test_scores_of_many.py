"""Scores given to many at once: what their narrow rows keep, tell and refer to."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from leadmgmt.core.now import moment
from leads.models import Company
from qualification.models import Score, ScoringModel
from qualification.services.score import judge_of, publish_model, rescore, score_locked
from qualification.services.score_reasons import told
from tests.factories import make_company, make_contact, make_lead
from tests.qualification.test_past_scores import BEGIN, RULES
from tests.qualification.test_score import rule


@pytest.mark.django_db
def test_a_score_of_many_keeps_no_reasons_and_tells_them_all_the_same() -> None:
    """Its row is narrow; what is told comes from the model of then, the facts that are kept and the log up to then."""
    with moment(BEGIN):
        publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
        lead = make_lead(contact=make_contact(company=make_company(staff=300)), at=BEGIN)
        rescore(lead.pk)
    model = publish_model(ScoringModel.objects.create(version=2, rules=[*RULES, rule("more", 20)]).pk)
    score_locked([lead.pk], BEGIN + timedelta(days=1))
    company = lead.contact.company
    Company.objects.filter(pk=company.pk).update(staff=2)
    publish_model(ScoringModel.objects.create(version=3, rules=RULES[:1]).pk)

    row = Score.objects.get(lead=lead, model=model)

    assert (row.reasons, row.facts, len(row.changed or [])) == ([], {}, len(row.model.changing))
    told_of = {one["key"]: one for one in told(row)}
    assert told_of["more"]["points"] == 20
    assert told_of["more"]["label_en"]
    assert sum(one["points"] for one in told_of.values() if one["part"] == "fit") == row.fit
    assert row.all_facts["company.staff"] == 300


@pytest.mark.django_db
def test_the_facts_a_version_keeps_are_named_once() -> None:
    """Another release may keep others; what is stored is read by the names it was stored under."""
    publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
    row = ScoringModel.objects.get()
    names = judge_of(row).changing
    ScoringModel.objects.update(changing=names[:3])

    assert judge_of(ScoringModel.objects.get()).changing == names[:3]


@pytest.mark.django_db(transaction=True)
def test_a_score_refers_to_what_is_there() -> None:
    """Held by triggers once a statement, as foreign keys would."""
    publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
    lead = make_lead()
    rescore(lead.pk)
    row = Score.objects.get()
    right = {"lead_id": lead.pk, "model_id": row.model_id, "at": BEGIN, "fit": 1, "engagement": 1, "grade": "A1"}
    wrong: dict[str, int] = {"lead_id": lead.pk + 1, "model_id": row.model_id + 1, "prediction_id": 1}
    for name, value in wrong.items():
        with pytest.raises(IntegrityError, match="which is not there"):
            Score.objects.update(**{name: value})
        with pytest.raises(IntegrityError, match="which is not there"):
            Score.objects.create(**(right | {name: value}))
    for table, pk in (("leads_lead", lead.pk), ("qualification_scoringmodel", row.model_id)):
        with pytest.raises(IntegrityError, match="has scores"), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", [pk])
    assert Score.objects.get() == row

    lead.delete()

    assert not Score.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_lead_that_is_deleted_meanwhile_leaves_no_score_behind() -> None:
    """Whoever writes a score holds its lead until the end: a deletion waits for it, and is refused then."""
    publish_model(ScoringModel.objects.create(version=1, rules=RULES).pk)
    lead = make_lead()
    rescore(lead.pk)
    row, other = Score.objects.get(), make_lead()
    numbers = {"pk": other.pk}

    def delete() -> str:
        try:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM leads_lead WHERE id = %(pk)s", numbers)
        except IntegrityError as error:
            return str(error)
        finally:
            connection.close()
        return "deleted"

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Score.objects.create(
                lead=other, model_id=row.model_id, at=BEGIN, fit=1, engagement=1, grade="A1", reasons=[]
            )
            deleting = pool.submit(delete)
            with pytest.raises(TimeoutError):
                deleting.result(timeout=0.5)
        assert "has scores" in deleting.result(timeout=20)
    assert Score.objects.filter(lead=other).exists()
