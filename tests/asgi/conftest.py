"""A small built frontend, as Reflex leaves one."""

import gzip
from pathlib import Path

import pytest

ENDPOINTS = (
    "var e={PING:`http://localhost:8000/ping`,EVENT:`ws://localhost:8000/_event`,"
    "TRANSPORT:`websocket`};export{e as t};"
)


@pytest.fixture
def client_folder(tmp_path: Path) -> Path:
    client = tmp_path / "frontend" / "client"
    (client / "assets").mkdir(parents=True)
    for name in ("index", "campaigns", "__spa-fallback", "404"):
        page = client / f"{name}.html"
        page.write_text(f"<!DOCTYPE html><title>{name}</title>" + "<p>text</p>" * 50)
        Path(f"{page}.gz").write_bytes(gzip.compress(page.read_bytes(), mtime=0))
    (client / "assets" / "root-abc.js").write_text("export const a = 1;\n" * 50)
    (client / "assets" / "reflex-env-xyz.js").write_text(ENDPOINTS)
    (client / "assets" / "font.woff2").write_bytes(b"\x00font")
    (client / "icon.svg").write_text("<svg/>")
    (client / "sitemap.xml").write_text("<urlset/>")
    return client
