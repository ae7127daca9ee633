"""Reflex's own configuration: what the frontend build and the event socket need.

Everything else is a setting of ``financial_live.config``.
"""

import reflex as rx
from reflex_base.constants import StateManagerMode

config = rx.Config(
    app_name="financial_live",
    # Sessions live in the worker that holds their socket. Nothing that matters lives there.
    state_manager_mode=StateManagerMode.MEMORY,
    redis_token_expiration=120,
    # Who may connect is decided by financial_live.asgi, by the address the browser used.
    cors_allowed_origins=["*"],
    plugins=[rx.plugins.TailwindV4Plugin()],
    disable_plugins=[rx.plugins.SitemapPlugin],
    frontend_packages=[
        "@fontsource-variable/figtree@5.3.0",
        "@fontsource/newsreader@5.3.0",
    ],
    telemetry_enabled=False,
    show_built_with_reflex=False,
)
