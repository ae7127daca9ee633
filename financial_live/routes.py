"""Every address of the site, spelled once. A test resolves each of them."""

from urllib.parse import quote, urlencode

HOME = "/"
CAMPAIGNS = "/campaigns"
CAMPAIGN_NEW = "/campaigns/new"
CAMPAIGN = "/campaigns/[slug]"
DONATIONS = "/donations"
REVIEW = "/review"
NOT_FOUND = "404"

LOGIN = "/login"
REGISTER = "/register"
VERIFY = "/verify"
FORGOT = "/forgot"
RESET = "/reset"
WELCOME = "/welcome"
ACCOUNT = "/account"
RECEIPT = "/account/receipts/[receipt_id]"
TOKENS = "/account/tokens"
INVITATION = "/invitation"
TEAM = "/campaigns/[slug]/team"
RECORD = "/campaigns/[slug]/record"
MATCH = "/campaigns/[slug]/match"

PAGES = (
    *(HOME, CAMPAIGNS, CAMPAIGN_NEW, CAMPAIGN, DONATIONS, REVIEW),
    *(LOGIN, REGISTER, VERIFY, FORGOT, RESET, WELCOME, INVITATION),
    *(TEAM, RECORD, MATCH),
    *(ACCOUNT, TOKENS, RECEIPT),
)
"""The pages, as Reflex spells a route; a name in brackets stands for one part of the path."""

SESSION = "/session"
API = "/api"
API_LOGIN = "/api/auth/login"
API_REGISTER = "/api/auth/register"
API_CAMPAIGNS = "/api/campaigns"
API_DONATIONS = "/api/donations"
API_REVIEWS = "/api/reviews"
API_TRANSFERS = "/api/transfers"
API_NOTIFICATIONS = "/api/notifications"
API_EXCHANGE_RATES = "/api/exchange_rates"
API_DESCRIPTION = "/api/openapi.json"
API_DOCS = "/api/docs"
API_DOCS_SCRIPT = "/api/docs.js"
API_DOCS_STYLE = "/api/docs.css"
HEALTH = "/health"
READY = "/ready"
METRICS = "/metrics"


def campaign(slug: str) -> str:
    """Return the address of a campaign's page."""
    return f"{CAMPAIGNS}/{quote(slug, safe='')}"


def team(slug: str) -> str:
    """Return the address of a campaign's team."""
    return f"{campaign(slug)}/team"


def record(slug: str) -> str:
    """Return the address where a campaign's team enters gifts by hand."""
    return f"{campaign(slug)}/record"


def match(slug: str) -> str:
    """Return the address of a campaign's match challenges and milestones."""
    return f"{campaign(slug)}/match"


def receipt(receipt_id: str) -> str:
    """Return the address of a receipt."""
    return f"{ACCOUNT}/receipts/{quote(receipt_id, safe='')}"


def login(*, to: str) -> str:
    """Return the address to log in at, and to go to a page from."""
    return f"{LOGIN}?{urlencode({'to': to})}"


def review(**asked: str) -> str:
    """Return the address of the gifts to review, asked for in this way; what is empty is left out.

    ``gift`` is the one that is open beside the list.
    """
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"{REVIEW}?{query}" if query else REVIEW


def campaigns(*, page: int = 1) -> str:
    """Return the address of a page of the list of campaigns."""
    return CAMPAIGNS if page == 1 else f"{CAMPAIGNS}?{urlencode({'page': page})}"


def api_campaign(campaign_id: str) -> str:
    """Return the address of a campaign for programs; an id or a slug serves."""
    return f"{API_CAMPAIGNS}/{quote(campaign_id, safe='')}"


def api_campaign_donations(campaign_id: str) -> str:
    """Return the address that takes gifts to a campaign from programs."""
    return f"{api_campaign(campaign_id)}/donations"


def api_campaign_events(campaign_id: str) -> str:
    """Return the address that tells programs what happens to a campaign."""
    return f"{api_campaign(campaign_id)}/events"


def api_donation(donation_id: str) -> str:
    """Return the address of a gift for programs."""
    return f"{API_DONATIONS}/{quote(donation_id, safe='')}"


def api_act(donation_id: str, act: str) -> str:
    """Return the address that does an act on a gift: ``approve``, ``refund``."""
    return f"{api_donation(donation_id)}/{act}"


def api_history(donation_id: str) -> str:
    """Return the address of what was done to a gift."""
    return f"{api_donation(donation_id)}/history"


def api_offline(campaign_id: str) -> str:
    """Return the address that takes a gift which came by other ways than ours."""
    return f"{api_campaign_donations(campaign_id)}/offline"


def api_batch(campaign_id: str) -> str:
    """Return the address that takes many of them at once."""
    return f"{api_campaign_donations(campaign_id)}/batch"


def api_challenges(campaign_id: str) -> str:
    """Return the address of a campaign's match challenges."""
    return f"{api_campaign(campaign_id)}/challenges"


def api_challenge(campaign_id: str, challenge_id: str) -> str:
    """Return the address of one of them."""
    return f"{api_challenges(campaign_id)}/{quote(challenge_id, safe='')}"


def api_milestones(campaign_id: str) -> str:
    """Return the address of a campaign's milestones."""
    return f"{api_campaign(campaign_id)}/milestones"


def api_milestone(campaign_id: str, milestone_id: str) -> str:
    """Return the address of one of them."""
    return f"{api_milestones(campaign_id)}/{quote(milestone_id, safe='')}"
