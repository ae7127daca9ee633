"""Texts of the formats that our description names and schemathesis does not know."""

import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format(
    "entity-tags", st.sampled_from(["*", '"1-1"', 'W/"1-1"', '"1-1", "7f0c2b1e"', '""'])
)
