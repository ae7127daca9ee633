"""The embedded PostgreSQL and Valkey: real servers, in one data folder, that end with us.

Both are children that the kernel signals when their parent dies (``PR_SET_PDEATHSIG``), so even
``kill -9`` of the supervisor leaves nothing behind. They listen on Unix sockets only, in folders
only their user may enter. A lock on the data folder (``flock``, which the kernel frees whatever
happens) makes us the only starter; a child that a killed supervisor left behind for its last
moments is waited for before the next one starts, because an old Valkey removes the socket of a
new one when it ends, and an old PostgreSQL still owns the files.
"""

from financial_live.embedded.folder import DataFolder, Instance
from financial_live.embedded.join import joined_or_started, wanted_parts, with_addresses
from financial_live.embedded.part import Part, Tick, no_tick
from financial_live.embedded.postgres import Postgres, postgres_binaries
from financial_live.embedded.process import end_with_parent, packaged_binary, spawn, tail
from financial_live.embedded.valkey import Valkey, valkey_binary

__all__ = [
    "DataFolder",
    "Instance",
    "Part",
    "Postgres",
    "Tick",
    "Valkey",
    "end_with_parent",
    "joined_or_started",
    "no_tick",
    "packaged_binary",
    "postgres_binaries",
    "spawn",
    "tail",
    "valkey_binary",
    "wanted_parts",
    "with_addresses",
]
