// What the browser does with live values: order a stream's rows, roll a changed number, say when
// something was and when the line is lost.

// Imported here, not in site.css, so that the bundler finds the font files beside the sheets.
import "@fontsource-variable/figtree/wght.css";
import "@fontsource/newsreader/500.css";

import { createElement as h, Fragment, useEffect, useRef, useState } from "react";
import { clock, exactTime, formatAmount, formatDay, sayMoment, sayWhen } from "./format.js";
import { useLostSince } from "./line.js";

export const streamRows = (state, size) => {
  const rows = [];
  for (let slot = 0; slot < size; slot++) {
    const row = state[`r${slot}`];
    if (row) rows.push(row);
  }
  return rows.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
};

// One clock for all times on a page.
const tickers = new Set();
if (typeof window !== "undefined") {
  setInterval(() => tickers.forEach((tick) => tick(Date.now())), 15000);
}

// A moment as people say it, with the exact one on hover and for machines.
export const When = ({ at, ...rest }) => {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    tickers.add(setNow);
    return () => tickers.delete(setNow);
  }, []);
  if (!at) return null;
  const moment = new Date(at / 1000);
  return h(
    "time",
    { dateTime: moment.toISOString(), title: exactTime.format(moment), ...rest },
    sayWhen(moment, Math.max(now, moment)),
  );
};

// A moment that was announced, or is long past: the time of day, and another day with its date.
export const Moment = ({ at, ...rest }) => {
  if (!at) return null;
  const title = exactTime.format(new Date(at));
  return h("time", { dateTime: at, title, ...rest }, sayMoment(at, Date.now()));
};

// Its children, in one phase of what begins and may end: "before" it, or "during" it.
const LONGEST_WAIT_MS = 3600000; // A timer holds 24 days at most.

export const During = ({ begins, ends, phase, children }) => {
  const [now, setNow] = useState(() => Date.now());
  const first = Date.parse(begins);
  const last = ends ? Date.parse(ends) : Infinity;
  useEffect(() => {
    const next = [first, last].find((moment) => moment > now);
    if (next === undefined || next === Infinity) return undefined;
    const wait = Math.min(next - Date.now(), LONGEST_WAIT_MS);
    const timer = setTimeout(() => setNow(Date.now()), Math.max(wait, 0));
    return () => clearTimeout(timer);
  }, [first, last, now]);
  const current = now < first ? "before" : now < last ? "during" : "after";
  return current === phase ? children : null;
};

// Tells who listens of each milestone once, when it is reached while they are here.
export const Milestones = ({ milestones, currency, said }) => {
  const known = useRef(null);
  const [text, setText] = useState("");
  useEffect(() => {
    const reached = milestones.filter((milestone) => milestone.reached_at);
    const fresh = reached.filter(({ id }) => known.current && !known.current.has(id));
    known.current = new Set(reached.map(({ id }) => id));
    if (fresh.length) {
      const names = fresh.map(({ label, amount }) => `${label}, ${formatAmount(amount, currency)}`);
      setText(`${said} ${names.join("; ")}`);
    }
  }, [milestones, currency, said]);
  return h("p", { id: "milestone-reached", className: "sr-only", "aria-live": "polite" }, text);
};

// A moment that somebody chooses by the clock where they are, sent with its zone.
export const LocalTime = ({ id, name, ...rest }) => {
  const [moment, setMoment] = useState("");
  const choose = ({ target }) =>
    setMoment(target.value ? new Date(target.value).toISOString() : "");
  return h(
    Fragment,
    null,
    h("input", { ...rest, id, type: "datetime-local", onChange: choose }),
    h("input", { type: "hidden", name, value: moment, readOnly: true }),
  );
};

// The day of a moment on a paper: it must not be another one where the paper is read.
export const Day = ({ at, ...rest }) => {
  if (!at) return null;
  const moment = new Date(at / 1000);
  return h("time", { dateTime: moment.toISOString(), ...rest }, formatDay(moment));
};

// A text whose changed characters roll in: a character is new where there was another, counted
// from the end, as in a sum. Screen readers get the whole text, once.
export const Rolling = ({ text, ...rest }) => {
  const keys = [...(text ?? "")].map((char, index, all) => `${all.length - index}${char}`);
  const still = useRef(null); // The characters that stand since the beginning.
  still.current = new Set(still.current ? keys.filter((key) => still.current.has(key)) : keys);
  return h(
    "span",
    { ...rest, className: `rolling ${rest.className ?? ""}` },
    h("span", { className: "sr-only" }, text),
    h(
      "span",
      { "aria-hidden": true },
      keys.map((key) =>
        h("span", { key, "data-still": still.current.has(key) || undefined }, [...key].at(-1)),
      ),
    ),
  );
};

// The thin line that says how old the page is while nothing arrives.
export const StaleLine = ({ stale, reconnecting, since }) => {
  const lostSince = useLostSince();
  // The server knows as of when its view is right; the browser, when it last heard of the server.
  const lastRight = stale > 0 ? stale * 60000 : lostSince;
  return h(
    "div",
    { role: "status", className: "stale-line", "data-shown": lastRight > 0 || undefined },
    lastRight > 0 ? `${reconnecting}, ${since} ${clock.format(lastRight)}` : "",
  );
};

// Asks the page to read again when something has moved since it did. Until a page has read, it does
// so anyway.
export const Follow = ({ stamp, read, onMove }) => {
  useEffect(() => {
    if (stamp && read && stamp !== read) onMove();
  }, [stamp, read]);
  return null;
};

// Shows its children only while the element it leads to is out of sight.
export const OutOfSight = ({ target, children, ...rest }) => {
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const element = document.getElementById(target);
    if (!element) return undefined;
    const observer = new IntersectionObserver(([entry]) => setSeen(entry.isIntersecting));
    observer.observe(element);
    return () => observer.disconnect();
  }, [target]);
  return h("div", { ...rest, "data-hidden": isSeen || undefined }, children);
};

// A link to a part of the same page. The router would take it for a new address: it drops the
// query and leaves the focus behind.
export const Jump = ({ target, children, ...rest }) => {
  const jump = (event) => {
    const element = document.getElementById(target);
    if (!element) return;
    event.preventDefault();
    element.scrollIntoView();
    element.focus({ preventScroll: true });
  };
  return h("a", { ...rest, href: `#${target}`, onClick: jump }, children);
};

// What appears because of what somebody just did takes the focus that the pressed button loses.
export const Landing = ({ children, ...rest }) => {
  const place = useRef(null);
  useEffect(() => {
    if (!navigator.userActivation?.isActive) return;
    place.current.focus({ preventScroll: true });
    place.current.scrollIntoView({ block: "nearest" });
  }, []);
  return h("div", { ...rest, ref: place, tabIndex: -1 }, children);
};

// A text to take along. Where the browser lets no page write to its clipboard, the text is selected.
export const Copyable = ({ text, copy, copied, ...rest }) => {
  const place = useRef(null);
  const [isCopied, setCopied] = useState(false);
  useEffect(() => setCopied(false), [text]);
  const select = () => getSelection().selectAllChildren(place.current);
  const take = () =>
    navigator.clipboard
      ? navigator.clipboard.writeText(text).then(() => setCopied(true), select)
      : select();
  return h(
    "div",
    { ...rest, className: "copyable" },
    h("code", { ref: place, tabIndex: 0 }, text),
    h("button", { type: "button", className: "button", onClick: take }, isCopied ? copied : copy),
    h("span", { className: "sr-only", role: "status" }, isCopied ? copied : ""),
  );
};

// A hidden key made when the form appears: a form that is sent twice, even over two lines, is one
// request. Who knew it would get the other's answer, so it cannot be guessed.
const onceKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");

export const OnceKey = (props) => {
  const [key] = useState(onceKey);
  return h("input", { ...props, type: "hidden", defaultValue: key });
};

// Its children anew each time `count` grows. It falls back to 0 when the server has forgotten the page,
// and then what is typed stays.
export const Renewed = ({ count, children }) => {
  const [seen, setSeen] = useState({ count, generation: 0 });
  if (count !== seen.count)
    setSeen({ count, generation: seen.generation + (count > seen.count ? 1 : 0) });
  return h(Fragment, { key: seen.generation }, children);
};

const csrfHeaders = (csrf) => ({ "content-type": "application/json", "x-csrf-token": csrf ?? "" });

const whatIsWrong = async (answer) => {
  const said = await answer.json().catch(() => ({}));
  return said?.errors?.detail;
};

// An invitation that waits for its reader to log in, or to register, in whatever tab.
const WAITING = "financial-live-invitation";

const takeWaiting = () => {
  const secret = localStorage.getItem(WAITING);
  localStorage.removeItem(WAITING);
  return secret;
};

// Another visitor is another page: the server must not show it what this one has seen.
const becomeNobody = () => sessionStorage.removeItem("token");

// Turns the ticket for a session into its cookie, and loads the site anew as whoever it is now:
// at the invitation that waits, or else at a page.
export const Handover = ({ ticket, to, invitation, csrf, failed }) => {
  const [problem, setProblem] = useState("");
  useEffect(() => {
    if (!ticket) return;
    setProblem("");
    const body = JSON.stringify({ session: { ticket } });
    fetch("/session", { method: "POST", headers: csrfHeaders(csrf), body })
      .then(async (answer) => {
        if (!answer.ok) return setProblem((await whatIsWrong(answer)) ?? failed);
        const secret = takeWaiting();
        becomeNobody();
        return location.assign(secret ? `${invitation}#${secret}` : to);
      })
      .catch(() => setProblem(failed));
  }, [ticket]);
  return problem ? h("p", { className: "error mb-4", role: "alert" }, problem) : null;
};

// A button that ends the session, and loads a page anew as nobody: this one, if no other is named.
export const LogOut = ({ csrf, to, children, ...rest }) => {
  const leave = () =>
    fetch("/session", { method: "DELETE", headers: csrfHeaders(csrf) }).finally(() => {
      becomeNobody();
      to ? location.assign(to) : location.reload();
    });
  return h("button", { ...rest, type: "button", onClick: leave }, children);
};

// What stands behind the # of a link that was mailed: it is in no log, and sent with the form alone.
export const FromLink = (props) => {
  const [secret, setSecret] = useState("");
  useEffect(() => setSecret(location.hash.slice(1)), []);
  return h("input", { ...props, type: "hidden", value: secret, readOnly: true });
};

export const Print = ({ children, ...rest }) =>
  h("button", { ...rest, type: "button", onClick: () => window.print() }, children);

// Keeps what stands behind the # of an invitation's link until its reader is logged in.
export const KeepInvitation = () => {
  useEffect(() => {
    if (location.hash) localStorage.setItem(WAITING, location.hash.slice(1));
  }, []);
  return null;
};
