"""One room: its view, its place in the topic, and the frames it sends."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from financial_live.outbox import Place, Placed
from financial_live.rooms.views import RoomKey, Row, View

_log = logging.getLogger(__name__)

MAX_FRAMES_PER_S = 20
SILENCE_S = 3.0
REREAD_S = 2.0
_FRAME_GAP_S = 1 / MAX_FRAMES_PER_S
_NOWHERE = Place(-1, -1)


@dataclass(frozen=True, slots=True)
class Frame:
    """What changed in a view since the frame before it, or the whole view (``reset``).

    ``rows`` are new or changed rows by id, ``removed`` the ids that left. Rows are ordered by
    their own ``(at, id)``, the newest first, so a frame needs no positions.
    """

    fields: dict[str, Any]
    rows: dict[str, Row]
    removed: tuple[str, ...]
    reset: bool = False

    def __bool__(self) -> bool:
        return bool(self.reset or self.fields or self.rows or self.removed)


def difference(old: View, new: View) -> Frame:
    """Return the smallest frame that leads from ``old`` to ``new``."""
    missing = object()
    fields = {k: v for k, v in new.fields.items() if old.fields.get(k, missing) != v}
    rows = {k: row for k, row in new.rows.items() if old.rows.get(k) != row}
    removed = tuple(k for k in old.rows if k not in new.rows)
    return _travelling(fields, rows, removed)


def whole(view: View) -> Frame:
    """Return the frame that makes anything into ``view``."""
    return _travelling(view.fields, view.rows, (), reset=True)


def _travelling(
    fields: Row, rows: dict[str, Row], removed: tuple[str, ...], *, reset: bool = False
) -> Frame:
    """Return a frame without what is for the view's own use alone."""
    shown = {k: {n: v for n, v in row.items() if n[0] != "_"} for k, row in rows.items()}
    return Frame({k: v for k, v in fields.items() if k[0] != "_"}, shown, removed, reset)


class Room:
    """A view that follows its topic.

    ``deliver`` is awaited with each frame, and never while another delivery or a join is under
    way. ``load`` returns the topic's last place and the view, of one moment. While
    ``is_doubted`` says so the view is stale, whatever is heard.
    """

    def __init__(
        self,
        key: RoomKey,
        *,
        load: Callable[[RoomKey], Awaitable[tuple[Place, View]]],
        deliver: Callable[[RoomKey, Frame], Awaitable[None]],
        is_doubted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.key = key
        self.last_heard = time.monotonic()
        self.right_at = time.time()
        self.unwatched_since: float | None = None
        # Who joins is no watcher yet, but a room must not close under them while it reads.
        self.joining = 0
        self._load = load
        self._deliver = deliver
        self._is_doubted = is_doubted
        self._place = _NOWHERE
        self._view: View | None = None
        self._sent: View | None = None
        self._must_reset = False
        self._waiting: list[Placed] = []
        self._delivery = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._read_again = False
        self._unsure_since: float | None = None
        self._sender: asyncio.Task[None] | None = None
        self._next_frame_at = 0.0
        self._next_read_at = 0.0

    @property
    def is_stale(self) -> bool:
        """Whether this room may be wrong, and has been for too long.

        The relay is silent, or what was missed cannot be read, or this worker is not well.
        """
        now = time.monotonic()
        is_silent = now - self.last_heard > SILENCE_S
        is_unread = self._unsure_since is not None and now - self._unsure_since > SILENCE_S
        return is_silent or is_unread or self._is_doubted()

    async def join(self, enter: Callable[[Frame], Awaitable[None]]) -> None:
        """Call ``enter`` with the whole view, between two frames."""
        self.joining += 1
        try:
            if self._view is None:
                await self.read()
            async with self._delivery:
                assert self._view is not None
                if self._sent is None:
                    self._sent = self._shown(self._view)
                # The new watcher gets what the others hold, though newer may be known already: the
                # next frame, a difference to what was last sent, is then right for all of them.
                await enter(whole(self._sent))
        finally:
            self.joining -= 1

    def hear(self, message: Placed) -> None:
        """Take a message of the topic: apply it, ignore it, or find that something was missed."""
        was_stale, self.last_heard = self.is_stale, time.monotonic()
        if self._unsure_since is None:
            self.right_at = time.time()
        if self._reader is not None:
            self._waiting.append(message)
            return
        if self._view is not None:
            self._take(message)
            if was_stale:
                self.send_soon()

    def _take(self, message: Placed) -> None:
        assert self._view is not None
        term, seq = message.place
        if term != self._place.term or message.name is None:
            # One of an old term means nothing: what it told may have been taken back.
            if message.place != self._place and term >= self._place.term:
                self.read_soon()
            return
        if seq <= self._place.seq:
            return
        if seq > self._place.seq + 1:
            self.read_soon()
            return
        changed = self._applied(self._view, message)
        if changed is None:
            self.read_soon()
            return
        self._place = message.place
        if changed is not self._view:
            self._view = changed
            self.send_soon()

    def _applied(self, view: View, message: Placed) -> View | None:
        """Return the view after the event; None to read it, also after one nobody here knows.

        While a new version of the program is rolled out, a worker of the old one hears its events.
        """
        assert message.name is not None
        try:
            return self.key.apply(view, message.name, message.data)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            _log.exception("%s does not understand %s", self.key, message.name)
            return None

    async def read(self) -> None:
        """Read the view from the database. Raises what the database raises."""
        self.read_soon()
        assert self._reader is not None
        reader = self._reader
        await asyncio.shield(reader)

    def read_soon(self) -> None:
        """Start reading, or read once more if a read is under way: it may have begun too early."""
        if self._unsure_since is None:
            self._unsure_since = time.monotonic()
        if self._reader is not None:
            self._read_again = True
            return
        self._reader = asyncio.create_task(self._read())
        self._reader.add_done_callback(self._read_ended)

    async def _read(self) -> None:
        while True:
            await self._until_readable()
            self._read_again = False
            self._place, self._view = await self._load(self.key)
            self.right_at = time.time()
            if not self._read_again:
                return

    async def _until_readable(self) -> None:
        """Wait out the gap after the last reading, where the view keeps one."""
        if (wait_s := self._next_read_at - time.monotonic()) > 0:
            await asyncio.sleep(wait_s)
        self._next_read_at = time.monotonic() + self.key.read_gap_s

    def _read_ended(self, reader: asyncio.Task[None]) -> None:
        self._reader = None
        waiting, self._waiting = self._waiting, []
        if reader.cancelled():
            return
        if (error := reader.exception()) is not None:
            # A joining watcher is told by ``join``. For the others whatever is heard next reads
            # again, even what seems to follow: after a crash of the database the places that this
            # room knows may have been given to others meanwhile.
            self._place = _NOWHERE
            _log.warning("cannot read %s: %s", self.key, error)
            return
        self._unsure_since = None
        if self._read_again:  # Somebody asked between its last look and its end.
            self.read_soon()
        self.send_soon()
        for message in waiting:
            if message.name is not None:
                self.hear(message)

    def _shown(self, view: View) -> View:
        # While nothing arrives: as of when the view is right, in whole minutes since 1970.
        stale = int(self.right_at // 60) if self.is_stale else 0
        return View({**view.fields, "stale": stale}, view.rows)

    def send_soon(self) -> None:
        """Send what has changed, if anything has."""
        if self._sender is None and self._view is not None:
            self._sender = asyncio.create_task(self._send())

    async def _send(self) -> None:
        """Send one frame when the cap allows it: everything that has changed until then.

        The gap grows with the cost of a frame, so a worker that falls behind sends fewer.
        """
        try:
            while True:
                await asyncio.sleep(max(0.0, self._next_frame_at - time.monotonic()))
                async with self._delivery:
                    assert self._view is not None
                    shown = self._shown(self._view)
                    frame = self._frame_to(shown)
                    self._sent, self._must_reset = shown, False
                    if frame:
                        started = time.monotonic()
                        await self._deliver(self.key, frame)
                        spent = time.monotonic() - started
                        self._next_frame_at = started + max(_FRAME_GAP_S, 2 * spent)
                if self._shown(self._view).fields == shown.fields and self._view.rows is shown.rows:
                    return
        except Exception:  # noqa: BLE001  A door may fail in any way; the room must go on.
            _log.exception("cannot deliver a frame of %s", self.key)
            self._must_reset = True  # Nobody knows who has got it: the next frame is whole.
        finally:
            self._sender = None

    def _frame_to(self, shown: View) -> Frame:
        if self._sent is None or self._must_reset:
            return whole(shown)
        return difference(self._sent, shown)

    def close(self) -> None:
        """Stop reading and sending."""
        for task in (self._reader, self._sender):
            if task is not None:
                task.cancel()
