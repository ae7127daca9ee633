"""Proof, from the rows, that the totals are exact and nothing was told out of place.

All queries see one moment of the database, so this may run on a live system. Each row that a query
returns is a problem, and says in its own words what is wrong.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from financial_live import db, rights
from financial_live.contexts.donations.models import CheckReport
from financial_live.outbox import EVERYTHING
from financial_live.rights import Act
from financial_live.scope import Scope

_IS_COUNTED = "d.status IN ('approved', 'refunded') AND NOT d.is_test"

_TOTALS = f"""
SELECT format('campaign %s (%s): total_raised is %s, but its gifts make %s',
              c.slug, c.id, c.total_raised, coalesce(g.total, 0))
FROM campaign c LEFT JOIN (
    SELECT campaign_id, sum(counted_amount - refunded_amount) AS total
    FROM donation d WHERE {_IS_COUNTED} GROUP BY campaign_id
) g ON g.campaign_id = c.id
WHERE c.total_raised <> coalesce(g.total, 0)
"""

_COUNTS = f"""
SELECT format('campaign %s (%s): gift_count is %s, but %s gifts are counted',
              c.slug, c.id, c.gift_count, coalesce(g.gifts, 0))
FROM campaign c LEFT JOIN (
    SELECT campaign_id, count(*) AS gifts FROM donation d WHERE {_IS_COUNTED} GROUP BY campaign_id
) g ON g.campaign_id = c.id
WHERE c.gift_count <> coalesce(g.gifts, 0)
"""

_CURRENCIES = """
SELECT format('donation %s: is in %s, but its campaign %s in %s, and it %s',
              d.id, d.currency, c.slug, c.currency,
              CASE WHEN d.rate IS NULL THEN 'has no rate' ELSE 'has a rate' END)
FROM donation d JOIN campaign c ON c.id = d.campaign_id
WHERE (d.currency <> c.currency) <> (d.rate IS NOT NULL)
"""

_UNCOUNTED = f"""
SELECT format('donation %s: is %s, but has no counted_amount', d.id, d.status)
FROM donation d WHERE {_IS_COUNTED} AND d.counted_amount IS NULL
"""

_ONE_GIFT_RULE = """
SELECT format('donation %s: one_per_donor is %s, but its campaign %s says %s',
              d.id, d.one_per_donor, c.slug, c.one_gift_per_donor)
FROM donation d JOIN campaign c ON c.id = d.campaign_id
WHERE d.one_per_donor <> c.one_gift_per_donor
"""

# What a total says is the balance of its account: what was credited less what was debited.
_BALANCES = """
SELECT format('campaign %s (%s): %s is %s, but its ledger account makes %s',
              c.slug, c.id, t.name, t.total, coalesce(b.balance, 0))
FROM campaign c
CROSS JOIN LATERAL (VALUES ('total_raised', 'gifts', c.total_raised),
                           ('matched_total', 'matches', c.matched_total),
                           ('transferred_total', 'transfers', c.transferred_total)
) AS t (name, account, total)
LEFT JOIN (
    SELECT campaign_id, account, sum(amount) AS balance FROM (
        SELECT credit_campaign_id, credit_account, amount FROM ledger_entry
        UNION ALL
        SELECT debit_campaign_id, debit_account, -amount FROM ledger_entry
    ) AS s (campaign_id, account, amount) GROUP BY campaign_id, account
) b ON b.campaign_id = c.id AND b.account = t.account
WHERE t.total <> coalesce(b.balance, 0)
"""

_GIFTS_IN_LEDGER = """
SELECT format('donation %s: the total contains %s of it, but its ledger entries make %s',
              d.id, coalesce(d.counted_amount, 0) - d.refunded_amount, coalesce(e.kept, 0))
FROM donation d LEFT JOIN (
    SELECT donation_id, sum(CASE WHEN credit_account = 'gifts' THEN amount
                                 WHEN debit_account = 'gifts' THEN -amount ELSE 0 END) AS kept
    FROM ledger_entry WHERE donation_id IS NOT NULL GROUP BY donation_id
) e ON e.donation_id = d.id
WHERE coalesce(d.counted_amount, 0) - d.refunded_amount <> coalesce(e.kept, 0)
"""

_ENTRIES_OF_OTHERS = """
SELECT format('donation %s: is of campaign %s, but %s of it stand in the ledger of %s',
              d.id, d.campaign_id, e.kept, e.campaign_id)
FROM donation d JOIN (
    SELECT donation_id, credit_campaign_id AS campaign_id,
           sum(CASE WHEN debit_account IN ('donors', 'sponsors') THEN amount
                    ELSE -amount END) AS kept
    FROM ledger_entry WHERE donation_id IS NOT NULL GROUP BY donation_id, credit_campaign_id
) e ON e.donation_id = d.id
WHERE e.campaign_id <> d.campaign_id AND e.kept <> 0
"""

_ENTRY_CURRENCIES = """
SELECT format('ledger entry %s: is in %s, but campaign %s is in %s',
              e.id, e.currency, c.slug, c.currency)
FROM ledger_entry e JOIN campaign c ON c.id IN (e.debit_campaign_id, e.credit_campaign_id)
WHERE e.currency <> c.currency
"""

_MATCHES = """
SELECT format('donation %s: challenge %s adds %s to it, but its ledger entries make %s',
              coalesce(m.donation_id, e.donation_id), coalesce(m.challenge_id, e.challenge_id),
              coalesce(m.amount, 0), coalesce(e.added, 0))
FROM gift_match m FULL JOIN (
    SELECT donation_id, challenge_id,
           sum(CASE WHEN credit_account = 'matches' THEN amount ELSE -amount END) AS added
    FROM ledger_entry WHERE challenge_id IS NOT NULL GROUP BY donation_id, challenge_id
) e ON e.donation_id = m.donation_id AND e.challenge_id = m.challenge_id
WHERE coalesce(m.amount, 0) <> coalesce(e.added, 0)
"""

_CHALLENGES = """
SELECT format('match challenge %s of %s: has matched %s, but its gifts make %s',
              m.id, m.sponsor_name, m.matched_amount, coalesce(g.added, 0))
FROM match_challenge m LEFT JOIN (
    SELECT challenge_id, sum(amount) AS added FROM gift_match GROUP BY challenge_id
) g ON g.challenge_id = m.id
WHERE m.matched_amount <> coalesce(g.added, 0)
"""

_MILESTONES = """
SELECT format('milestone %s (%s) of campaign %s: the total %s is past it, but it is not reached',
              m.id, m.label, c.slug, c.total_raised + c.matched_total + c.transferred_total)
FROM milestone m JOIN campaign c ON c.id = m.campaign_id
WHERE m.reached_at IS NULL
  AND c.total_raised + c.matched_total + c.transferred_total >= m.amount
"""

_VERSIONS = """
SELECT format('campaign %s (%s): version is %s, but a gift has %s',
              c.slug, c.id, c.version, g.newest)
FROM campaign c JOIN (
    SELECT campaign_id, max(version) AS newest FROM donation GROUP BY campaign_id
) g ON g.campaign_id = c.id
WHERE c.version < g.newest
"""

# Old events are pruned from the front, so the first position is only where they begin now.
_POSITIONS = """
SELECT format('outbox: %s events have the positions %s to %s',
              count(*), min(position), max(position))
FROM outbox WHERE position IS NOT NULL
HAVING count(*) <> max(position) - min(position) + 1
"""

_SEQUENCES = """
SELECT format('outbox: topic %s is at seq %s, but %s events of it are placed',
              p.topic, coalesce(t.seq, 0), p.events)
FROM (
    SELECT topic, count(*) AS events FROM outbox, unnest(topics) AS topic
    WHERE position IS NOT NULL GROUP BY topic
) p LEFT JOIN topic_sequence t ON t.topic = p.topic
WHERE CASE WHEN (SELECT min(position) FROM outbox) > 1
           THEN coalesce(t.seq, 0) < p.events ELSE coalesce(t.seq, 0) <> p.events END
"""

# The relay keeps the last position it gave as the sequence of a topic that has all events.
_LAST_POSITION = f"""
SELECT format('outbox: the last event has position %s, but %s were given', o.last, t.seq)
FROM (SELECT max(position) AS last FROM outbox) o
JOIN topic_sequence t ON t.topic = '{EVERYTHING}'
WHERE o.last <> t.seq
"""

_FACTS = (
    _TOTALS,
    _COUNTS,
    _BALANCES,
    _GIFTS_IN_LEDGER,
    _ENTRIES_OF_OTHERS,
    _ENTRY_CURRENCIES,
    _MATCHES,
    _CHALLENGES,
    _MILESTONES,
    _CURRENCIES,
    _UNCOUNTED,
    _ONE_GIFT_RULE,
    _VERSIONS,
    _POSITIONS,
    _LAST_POSITION,
    _SEQUENCES,
)


async def check(scope: Scope) -> CheckReport:
    """Compare every total, count, version and place with the rows it is made of, and the ledger.

    Reads all gifts, at one moment of the database; holds no lock. Raises Unauthorized, Forbidden.
    """
    rights.require(scope, Act.CHECK)
    async with db.snapshot() as session:
        # Nobody waits for this, and with millions of gifts a query takes longer than others may.
        await session.execute(sa.text("SET LOCAL statement_timeout = 0"))
        campaigns = await _count(session, "campaign")
        donations = await _count(session, "donation")
        problems = [problem for fact in _FACTS for problem in await _problems(session, fact)]
    return CheckReport(campaigns, donations, problems)


async def _count(session: AsyncSession, table: str) -> int:
    query = sa.select(sa.func.count()).select_from(sa.table(table))
    return (await session.execute(query)).scalar_one()


async def _problems(session: AsyncSession, fact: str) -> Sequence[str]:
    return (await session.execute(sa.text(fact))).scalars().all()
