"""Whose account a company is, who buys already and on what somebody works: read from the CRM, used by routing.

Read as deals are, by windows in the CRM's clock; once a week from the beginning, so that what was deleted or merged
there is forgotten here. A company is the CRM's by its domain, or by its name where the account has no domain and no
other account bears it; where several accounts name different owners, nobody is chosen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from crmsync.adapters.accounts import host_of
from crmsync.adapters.base import ACCOUNT, ANY_DEAL, OPT_OUT, Adapter, Remote
from crmsync.adapters.errors import AdapterError, QuotaExhausted, RateLimited
from crmsync.models import Account, AccountDeal, Connection, Cursor, Link, Opportunity
from crmsync.services import cursors, rate
from crmsync.services.claim import DEADLINE
from crmsync.services.opt_outs import keep_opt_outs
from leadmgmt.core.now import now
from leads.configuration import Kept
from leads.models import Company, CompanyAlias, Lead, LeadEvent, User
from leads.normalise.company import name_key

PAGE = 200
# One poll reads so many pages; a first reading goes on with the next one.
PAGES = 20
EVERY = timedelta(minutes=5)
FROM_THE_BEGINNING = timedelta(days=7)
LONGEST = 255
MOST_AMOUNT = Decimal(10) ** 12


# Where no CRM tells of accounts a new lead costs nothing here.
_has_accounts = Kept(lambda: Cursor.objects.filter(kind=ACCOUNT).exists(), "crmsync_cursor")


def read_accounts(connection: Connection, adapter: Adapter, remote_now: datetime) -> int:
    """Read what the CRM tells for routing, if it is time. Returns how many records were read.

    Raises RateLimited and QuotaExhausted; any other failure is kept at the cursor, as deals go on without it.
    """
    read = 0
    for kind in adapter.capabilities().tells:
        cursor = Cursor.objects.filter(connection=connection, kind=kind).first()
        if cursor and not cursor.token and cursor.moved_at > now() - EVERY:
            continue
        try:
            read += _read_kind(connection, adapter, kind, cursor, remote_now)
        except (RateLimited, QuotaExhausted):
            raise
        except AdapterError as error:
            cursors.note_error(connection, kind, f"{type(error).__name__}: {error}", remote_now)
    return read


def _read_kind(connection: Connection, adapter: Adapter, kind: str, cursor: Cursor | None, remote_now: datetime) -> int:
    is_due = cursor is None or cursor.full_at is None or cursor.full_at < now() - FROM_THE_BEGINNING
    is_fresh = is_due and not (cursor and cursor.token)
    window, token = cursors.window_of(connection, adapter.capabilities(), None if is_fresh else cursor, remote_now)
    begun = now() if is_fresh else cursor.full_at if cursor else None
    read = 0
    for _ in range(PAGES):
        if not rate.turn(connection, adapter.capabilities(), rate.SEARCH):
            return read
        page = adapter.changes(kind, window, token, PAGE, now() + DEADLINE)
        KEEPERS[kind](connection, page.items)
        read += len(page.items)
        if page.truncated:
            return read
        token = page.next_token
        covered = min(page.covered_to, remote_now)
        cursors.move(connection, covered, window, token, kind=kind, clock=remote_now, full_at=begun)
        if token is None:
            if window.lo == cursors.BEGINNING and begun is not None and kind != OPT_OUT:
                _forget(connection, kind, begun)
            return read
    return read


def keep_accounts(connection: Connection, remotes: Sequence[Remote]) -> None:
    """Store these companies as they stand there, and tell ours what that means for them."""
    at = now()
    rows = [
        Account(
            connection=connection,
            remote_id=one.remote_id,
            name=_text(one, "name"),
            name_key=name_key(_text(one, "name"))[:LONGEST],
            domain=host_of(_text(one, "domain")),
            owner_email=_text(one, "owner_email").lower(),
            is_customer=bool(one.values.get("customer")),
            seen_at=at,
        )
        for one in _newest(remotes)
        if not (one.deleted or one.merged_into)
    ]
    with transaction.atomic():
        Account.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["connection", "remote_id"],
            update_fields=["name", "name_key", "domain", "owner_email", "is_customer", "seen_at"],
        )
        stored = Account.objects.filter(connection=connection, remote_id__in=[one.remote_id for one in rows])
        before = set(stored.exclude(company=None).values_list("company", flat=True))
        _match(stored)
        tell_companies(before | set(stored.exclude(company=None).values_list("company", flat=True)))


def keep_deals(connection: Connection, remotes: Sequence[Remote]) -> None:
    """Store which of these deals are open and not ours; one that was won makes its company a customer."""
    at, newest = now(), _newest(remotes)
    ids = [one.remote_id for one in newest]
    ours = set(Link.objects.filter(connection=connection, remote_id__in=ids).values_list("remote_id", flat=True))
    others = [one for one in newest if one.remote_id not in ours and _text(one, "account")]
    rows = [
        AccountDeal(
            connection=connection,
            remote_id=one.remote_id,
            account_remote_id=_text(one, "account"),
            name=_text(one, "name"),
            amount=_amount(one.values.get("amount")),
            owner_email=_text(one, "owner_email").lower(),
            seen_at=at,
        )
        for one in others
        if one.values.get("state") == "open" and not one.deleted
    ]
    with transaction.atomic():
        over = set(ids) - {row.remote_id for row in rows}
        AccountDeal.objects.filter(connection=connection, remote_id__in=over).delete()
        AccountDeal.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["connection", "remote_id"],
            update_fields=["account_remote_id", "name", "amount", "owner_email", "seen_at"],
        )
        won = {_text(one, "account") for one in others if one.values.get("state") == "won"}
        accounts = Account.objects.filter(connection=connection, remote_id__in=won, has_won=False)
        companies = set(accounts.exclude(company=None).values_list("company", flat=True))
        accounts.update(has_won=True)
        tell_companies(companies)


def know_account(lead: Lead, event: LeadEvent) -> None:
    """Pipeline step: a company that we have just met may be somebody's account already."""
    company = lead.contact.company if _has_accounts() else None
    if company is None or not (company.domain or company.name_key):
        return
    named = Q(domain=company.domain) if company.domain else Q(domain="", name_key=company.name_key)
    strangers = Account.objects.filter(named, company=None)
    if not strangers.exists() or not _match(strangers):
        return
    tell_companies({company.pk})
    company.refresh_from_db(fields=["account_owner", "is_customer"])


def tell_companies(companies: set[int]) -> None:
    """Account owner and customer of these companies, as their accounts have it; who was a customer stays one."""
    accounts: dict[int, list[Account]] = {}
    for one in Account.objects.filter(company__in=companies):
        accounts.setdefault(one.company_id or 0, []).append(one)
    emails = {one.owner_email for found in accounts.values() for one in found if one.owner_email}
    people = {user.email.lower(): user for user in User.objects.filter(email__in=emails, is_active=True)}
    won = set(_won(companies).values_list("lead__contact__company", flat=True))
    for company in Company.objects.select_for_update().filter(pk__in=accounts).order_by("pk"):
        found = accounts[company.pk]
        owners = {one.owner_email for one in found if one.owner_email in people}
        owner = people[owners.pop()] if len(owners) == 1 else company.account_owner
        buys = any(one.is_customer or one.has_won for one in found) or company.pk in won or company.is_customer
        if (owner, buys) != (company.account_owner, company.is_customer):
            company.account_owner, company.is_customer = owner, buys
            company.save(update_fields=["account_owner", "is_customer", "updated_at"])


def open_deals_of(companies: Any) -> QuerySet[AccountDeal]:
    """Deals that somebody works on at these companies and that are not ours."""
    theirs = Account.objects.filter(connection=OuterRef("connection"), remote_id=OuterRef("account_remote_id"))
    ours = Link.objects.filter(connection=OuterRef("connection"), remote_id=OuterRef("remote_id"))
    return AccountDeal.objects.filter(Exists(theirs.filter(company__in=companies)), ~Exists(ours))


def _won(companies: set[int]) -> QuerySet[Opportunity]:
    return Opportunity.objects.filter(stage=Opportunity.Stage.WON, lead__contact__company__in=companies)


def _match(accounts: QuerySet[Account]) -> int:
    """Find the company of each of these accounts, in two statements. Returns how many have found another one."""
    by_domain = Company.objects.filter(domain=OuterRef("domain")).values("pk")[:1]
    by_alias = CompanyAlias.objects.filter(kind=CompanyAlias.Kind.DOMAIN, key=OuterRef("domain")).values("company")[:1]
    with_domain = accounts.exclude(domain="")
    count = with_domain.filter(Exists(by_domain)).exclude(company=Subquery(by_domain)).update(company=by_domain)
    strangers = with_domain.filter(company=None)
    count += strangers.filter(Exists(by_alias)).update(company=by_alias)
    # By name alone only where nobody else there or here bears it.
    twins = Account.objects.filter(connection=OuterRef("connection"), name_key=OuterRef("name_key"))
    named = Company.objects.filter(name_key=OuterRef("name_key"))
    second = named.order_by("pk").values("pk")[1:2]
    nameless = accounts.filter(domain="", company=None).exclude(name_key="")
    alone = nameless.filter(~Exists(twins.exclude(pk=OuterRef("pk"))), Exists(named), ~Exists(second))
    return count + alone.update(company=named.values("pk")[:1])


def _forget(connection: Connection, kind: str, begun: datetime) -> None:
    """What a reading from the beginning has not come across is not there any more."""
    rows = Account if kind == ACCOUNT else AccountDeal
    rows._default_manager.filter(connection=connection, seen_at__lt=begun).delete()


def _newest(remotes: Sequence[Remote]) -> list[Remote]:
    """Each record once, as it was last read: a page may hold one twice."""
    return list({one.remote_id: one for one in remotes}.values())


def _text(remote: Remote, name: str) -> str:
    return str(remote.values.get(name) or "")[:LONGEST]


def _amount(value: Any) -> Decimal | None:
    return value if isinstance(value, Decimal) and abs(value) < MOST_AMOUNT else None


KEEPERS = {ACCOUNT: keep_accounts, ANY_DEAL: keep_deals, OPT_OUT: keep_opt_outs}
