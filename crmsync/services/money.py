"""Reading amounts as people write them."""

import re
from decimal import Decimal, InvalidOperation

MONEY = re.compile(r"\d[\d.,' \u00a0]*")


def read_money(text: str) -> Decimal | None:
    """“€ 30,000 a year”, “30.000,50” and “30k” as a number; None where there is no amount or more than one."""
    found = MONEY.findall(text)
    if len(found) != 1:
        return None
    digits = re.sub(r"[' \u00a0]", "", found[0]).rstrip(".,")
    decimals = re.search(r"[.,](\d{1,2})$", digits)
    whole = re.sub(r"[.,]", "", digits[: decimals.start()] if decimals else digits)
    try:
        amount = Decimal(f"{whole}.{decimals.group(1)}" if decimals else whole)
    except InvalidOperation:
        return None
    if re.search(r"\d\s*(k|tsd|tausend)\b", text, re.IGNORECASE):
        amount *= 1000
    elif re.search(r"\d\s*(m|mio|million(en)?)\b", text, re.IGNORECASE):
        amount *= 1_000_000
    return amount if 0 < amount < Decimal(10) ** 12 else None
