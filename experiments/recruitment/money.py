"""Amounts of money, exact to the cent: rewards, totals, and how they are written."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal, InvalidOperation

from protocols.recruitment import Recruitment

CENT = Decimal("0.01")
SIGNS = {"GBP": "£", "USD": "$", "EUR": "€"}


def reward(recruitment: Recruitment) -> Decimal | None:
    """What one participant gets: the hourly rate for the stated minutes, rounded up to the cent.

    None if the protocol states no rate or no minutes.
    """
    if recruitment.pay is None or recruitment.minutes is None:
        return None
    hours = Decimal(recruitment.minutes) / 60
    return (exact(recruitment.pay.hourly) * hours).quantize(CENT, ROUND_CEILING)


def exact(amount: float) -> Decimal:
    """A number of the protocol as it was written there: 9.6 is 9.6."""
    return Decimal(str(amount))


def amount_of(text: str) -> Decimal | None:
    """An amount as people write it (1.50), or None if it is none: two decimals, more than 0."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    fits = amount.is_finite() and amount > 0 and amount == amount.quantize(CENT)
    return amount.quantize(CENT) if fits else None


def in_cents(amount: Decimal) -> int:
    """Whole pence or cents."""
    return int(amount / CENT)


def shown(amount: Decimal, currency: str) -> str:
    """£1.80."""
    return f"{SIGNS.get(currency, currency + ' ')}{amount.quantize(CENT)}"
