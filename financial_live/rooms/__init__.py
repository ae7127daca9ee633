"""What the watchers of a topic see, kept once for all of them, and what followers hear.

Knows no door. Who acts on each event follows a ``feed``, and hears of it what ``hearing`` allows.

A room is a view of the database for one audience: some fields, and some rows in the order they are
shown. It is read once, follows the events of its topic by a pure function (``views``), and tells
its watchers what changed, as frames: the first at once, then at most ``MAX_FRAMES_PER_S``.

A room is right by these rules:

- it subscribes before it reads, so nothing falls between;
- it applies an event only if its ``seq`` is the next one; if ``seq`` jumps it reads again, and what
  arrives meanwhile is applied on top;
- applying an event that the rows already contain changes nothing, because each event carries the
  version of what it is about;
- if a room hears nothing for ``SILENCE_S``, not even the heartbeat of the relay, it says that it is
  stale and reads every ``REREAD_S`` until it hears something;
- a view that only says that something has moved is not changed by events but read again, at most
  once a second (``RoomKey.read_gap_s``);
- a new watcher gets the whole view between two frames, never beside one.
"""

from financial_live.rooms.feed import Feeds, Follower, Told, TooSlow
from financial_live.rooms.hearing import Heard, Hearing, beginning, public_now
from financial_live.rooms.registry import Rooms, Watchers
from financial_live.rooms.room import Frame, Room
from financial_live.rooms.views import (
    RoomKey,
    Row,
    View,
    account_room,
    campaign_room,
    campaigns_room,
    gifts_room,
    live_campaigns_room,
    review_room,
    team_room,
)

__all__ = [
    "Feeds",
    "Follower",
    "Frame",
    "Heard",
    "Hearing",
    "Room",
    "RoomKey",
    "Rooms",
    "Row",
    "Told",
    "TooSlow",
    "View",
    "Watchers",
    "account_room",
    "beginning",
    "campaign_room",
    "campaigns_room",
    "gifts_room",
    "live_campaigns_room",
    "public_now",
    "review_room",
    "team_room",
]
