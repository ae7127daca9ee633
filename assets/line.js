// The line to the server: whether it lives, and as of when the page is right while it does not.
//
// Every open line hears something at least every other second, a no-op packet if nothing else. A line
// that is silent for longer is asked about by a plain request: a server that answers it is there, so
// it is the line that has died without a word (a laptop that slept, a proxy that forgot it), and it
// is made anew. A server that does not answer is not helped by more connections: the page waits.

import { useSyncExternalStore } from "react";
import { Socket } from "socket.io-client";

const LOOK_MS = 250;
const SILENCE_MS = 3000;
const DOWN_MS = 1500; // A line that is back by then has never been missed.
const GRACE_MS = 750; // After a sleep, what has arrived meanwhile is heard first.
const PATIENCE_MS = 2500;
const CONNECT_MS = 5000;
const JITTER_MS = 1000; // All who lose a worker at once come back one after another.

const line = { heardAt: Date.now(), lookedAt: Date.now(), downAt: 0, trustUntil: 0, lostAt: 0 };
const listeners = new Set();
let followed = null;

const hear = () => {
  line.heardAt = Date.now();
  line.downAt = 0;
  if (line.lostAt) look();
};

// Reflex makes its socket in a place nobody else sees, and connects it by this method, the first time
// before any page is there: so the root of all pages holds a ``Line``.
const connect = Socket.prototype.connect;
Socket.prototype.connect = function () {
  if (this !== followed) follow(this);
  return connect.call(this);
};

const follow = (socket) => {
  followed = socket;
  const manager = socket.io;
  manager.timeout(CONNECT_MS);
  let isSentAway = false;
  const opened = () => {
    hear();
    isSentAway = false;
    manager.engine.on("packet", ({ type }) => {
      hear();
      isSentAway = type === "close";
    });
  };
  manager.on("open", opened);
  if (manager.engine?.readyState === "open") opened();
  let isFirstReturn = true;
  manager.on("close", () => {
    line.downAt = Date.now();
    isFirstReturn = !isSentAway; // Who is sent away comes back alone, as who they are now.
  });
  const { reconnect } = socket;
  socket.reconnect = () => {
    setTimeout(reconnect, isFirstReturn ? Math.random() * JITTER_MS : 0);
    isFirstReturn = false;
  };
};

let asking = false;
let unanswered = 0;

const ask = async () => {
  asking = true;
  const { engine } = followed.io;
  const asked = line.heardAt;
  const isThere = await fetch("/health", {
    cache: "no-store",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).then(
    () => true,
    () => false,
  );
  asking = false;
  const isStillSilent = line.heardAt === asked;
  unanswered = isThere || !isStillSilent ? 0 : unanswered + 1;
  // An answer twice missing may be due to requests that go the way of the dead line.
  if (isStillSilent && (isThere || unanswered === 2)) {
    unanswered = 0;
    engine.close();
  }
};

const look = () => {
  const now = Date.now();
  if (now - line.lookedAt > 4 * LOOK_MS) line.trustUntil = now + GRACE_MS;
  line.lookedAt = now;
  const isSilent = now - line.heardAt > SILENCE_MS && now > line.trustUntil;
  const isDown = line.downAt > 0 && now - line.downAt > DOWN_MS;
  const lostAt = isSilent || isDown ? line.heardAt : 0;
  if (lostAt !== line.lostAt) {
    line.lostAt = lostAt;
    listeners.forEach((listener) => listener());
  }
  if (isSilent && !asking && followed?.io.engine?.readyState === "open") ask();
};

if (typeof window !== "undefined") {
  setInterval(look, LOOK_MS);
  window.addEventListener("online", () => followed?.reconnect?.());
}

const subscribe = (listener) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

// When something was last heard, in milliseconds since 1970, while the line is lost; else 0.
export const useLostSince = () =>
  useSyncExternalStore(
    subscribe,
    () => line.lostAt,
    () => 0,
  );

export const Line = ({ children }) => children;
