// What the desk of those who review gifts does in the browser: keys, what is chosen, where the focus
// goes when a gift leaves the list, and the moment in which an act can be taken back.

import { createElement as h, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useNavigate } from "react-router";

// What is chosen: a gift that leaves the list is chosen no more.
const chosen = new Set();
const watchers = new Set();
const NONE = [];
let ids = NONE;
let lastChosen = "";

const choose = (some, isOn) => {
  some.forEach((id) => (isOn ? chosen.add(id) : chosen.delete(id)));
  ids = chosen.size ? [...chosen] : NONE;
  watchers.forEach((tell) => tell());
};

const watchChosen = (tell) => {
  watchers.add(tell);
  return () => watchers.delete(tell);
};

const useChosen = () => useSyncExternalStore(watchChosen, () => ids, () => NONE);

const ROW = "[data-row]";
const allRows = () => [...document.querySelectorAll(ROW)];
const rangeTo = (id) => {
  const all = allRows().map((row) => row.dataset.row);
  const [from, to] = [all.indexOf(lastChosen), all.indexOf(id)].sort((a, b) => a - b);
  return from < 0 ? [id] : all.slice(from, to + 1);
};

const toggle = (id, isOn, isRange) => {
  choose(isRange ? rangeTo(id) : [id], isOn);
  lastChosen = id;
};

export const Choose = ({ gift, ...rest }) => {
  const isOn = useChosen().includes(gift);
  useEffect(() => () => choose([gift], false), [gift]);
  const onChange = (event) => toggle(gift, event.target.checked, event.nativeEvent.shiftKey);
  return h("input", { ...rest, type: "checkbox", checked: isOn, onChange });
};

export const ChooseAll = ({ gifts, ...rest }) => {
  const some = useChosen();
  const place = useRef(null);
  const isAll = gifts.length > 0 && gifts.every((id) => some.includes(id));
  useEffect(() => {
    place.current.indeterminate = some.length > 0 && !isAll;
  });
  const onChange = () => choose(gifts, !isAll);
  return h("input", { ...rest, ref: place, type: "checkbox", checked: isAll, onChange });
};

const counted = (one, many, count) => (count === 1 ? one : many.replace("{count}", count));

// What may be done with all that is chosen; until something is, what stands here otherwise.
export const Chosen = ({ words, problem, onApprove, onReject, children }) => {
  const some = useChosen();
  const [isRejecting, setRejecting] = useState(false);
  const [reason, setReason] = useState("");
  useEffect(() => {
    if (some.length === 0) {
      setRejecting(false);
      setReason("");
    }
  }, [some.length]);
  if (some.length === 0) return h("div", { className: "chosen" }, children);
  const button = (label, onClick, rest) =>
    h("button", { type: "button", onClick, key: label, ...rest }, label);
  const reject = (event) => {
    event.preventDefault();
    onReject(some, reason);
  };
  const acts = h(
    "div",
    { className: "chosen", role: "group", "aria-label": words.group },
    button(counted(words.approveOne, words.approveMany, some.length), () => onApprove(some), {
      className: "button primary",
    }),
    button(words.reject, () => setRejecting(!isRejecting), {
      className: "button",
      "aria-expanded": isRejecting,
    }),
    button(words.clear, () => choose(ids, false), { className: "button plain" }),
  );
  const field = h("input", {
    id: "reason-of-all",
    className: "input",
    value: reason,
    autoFocus: true,
    "aria-invalid": problem ? "true" : "false",
    "aria-describedby": "reason-of-all-error",
    onChange: (event) => setReason(event.target.value),
  });
  const form = h(
    "form",
    { className: "chosen-reason", onSubmit: reject, noValidate: true },
    h("label", { htmlFor: "reason-of-all" }, words.reason),
    field,
    h(
      "button",
      { type: "submit", className: "button danger" },
      counted(words.rejectOne, words.rejectMany, some.length),
    ),
  );
  const said = h(
    "div",
    { id: "reason-of-all-error", role: "alert", className: "chosen-problem" },
    problem ? h("p", { className: "error" }, problem) : null,
  );
  return h("div", { className: "chosen-acts" }, acts, isRejecting ? form : null, said);
};

// The last act of one's own, for as long as it can be taken back. It counts quietly: a screen
// reader hears what was done, not every second.
export const Undo = ({ deed, left, undo, onUndo, children }) => {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const until = Date.now() + left * 1000;
    const count = () => setSeconds(deed ? Math.max(0, Math.ceil((until - Date.now()) / 1000)) : 0);
    count();
    const timer = setInterval(count, 1000);
    return () => clearInterval(timer);
  }, [deed, left]);
  const isOffered = deed > 0 && seconds > 0;
  return h(
    "div",
    { className: "undo-place", role: "status" },
    isOffered
      ? h(
          "div",
          { className: "undo" },
          h("p", null, children),
          h(
            "button",
            { type: "button", className: "button", "data-undo": true, onClick: onUndo },
            undo,
            h("span", { className: "figures seconds", "aria-hidden": true }, seconds),
          ),
        )
      : null,
  );
};

// The sheet of keys, and the button that shows it.
export const KeySheet = ({ label, close, children }) => {
  const place = useRef(null);
  return h(
    "div",
    { className: "key-sheet" },
    h(
      "button",
      {
        type: "button",
        className: "button plain",
        "data-keys": true,
        onClick: () => place.current.showModal(),
      },
      label,
      h("kbd", null, "?"),
    ),
    h(
      "dialog",
      { ref: place, "aria-label": label },
      children,
      h(
        "button",
        { type: "button", className: "button", onClick: () => place.current.close() },
        close,
      ),
    ),
  );
};

const WIDE = "(min-width: 60rem)";
const TYPED = "input:not([type=checkbox]), textarea, select, dialog[open]";
const linkOf = (row) => row?.querySelector("a");
const quietly = (element) => element?.focus({ preventScroll: true });

export const Desk = ({ open, list, onAct, children, ...rest }) => {
  const place = useRef(null);
  const navigate = useNavigate();
  const wanted = useRef(""); // Where the focus goes once the gift that was asked for is open.
  const opened = useRef(open);
  const now = useRef({});
  now.current = { open, list, onAct, navigate };

  useEffect(() => {
    const before = opened.current;
    opened.current = open;
    if (open && wanted.current) {
      const target = document.getElementById(wanted.current) ?? document.getElementById("gift");
      wanted.current = "";
      quietly(target);
      if (!matchMedia(WIDE).matches) scrollTo(0, 0);
    } else if (!open && before && wanted.current === "row") {
      wanted.current = "";
      const row = document.querySelector(`[data-row="${before}"]`);
      quietly(linkOf(row));
      row?.scrollIntoView({ block: "nearest" });
    }
  }, [open]);

  // A row that is about to go takes the focus with it: then the row in its place has it. And what has
  // the focus stays where it is on the screen, whatever comes and goes above it.
  useEffect(() => {
    const root = place.current;
    const held = { element: null, index: -1, top: 0 };
    const note = () => {
      const row = held.element?.closest(ROW);
      held.index = row ? allRows().indexOf(row) : -1;
      held.top = row ? row.getBoundingClientRect().top : 0;
    };
    const focused = (event) => {
      held.element = event.target;
      note();
    };
    const changed = () => {
      if (held.element && !held.element.isConnected && document.activeElement === document.body) {
        const rows = allRows();
        const row = held.index >= 0 ? rows[Math.min(held.index, rows.length - 1)] : null;
        quietly(linkOf(row) ?? document.getElementById("gift") ?? root);
      } else if (held.index >= 0 && held.element.closest(ROW) && held.element.offsetParent) {
        const moved = held.element.closest(ROW).getBoundingClientRect().top - held.top;
        if (document.activeElement === held.element && moved) scrollBy(0, moved);
        note();
      }
    };
    const observer = new MutationObserver(changed);
    observer.observe(root, { childList: true, subtree: true });
    root.addEventListener("focusin", focused);
    addEventListener("scroll", note, { passive: true });
    addEventListener("resize", note);
    return () => {
      observer.disconnect();
      removeEventListener("scroll", note);
      removeEventListener("resize", note);
    };
  }, []);

  useEffect(() => {
    const go = (link, focusNext, options) => {
      wanted.current = focusNext;
      now.current.navigate(link.getAttribute("href"), options);
    };
    const current = () =>
      document.activeElement?.closest(ROW) ?? document.querySelector("[data-row][data-open]");
    const step = (by) => {
      const rows = allRows();
      const index = rows.indexOf(current());
      const next = rows[index < 0 ? 0 : Math.min(Math.max(index + by, 0), rows.length - 1)];
      if (!next) return;
      linkOf(next).focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
      const { open } = now.current;
      if (open && open !== next.dataset.row && matchMedia(WIDE).matches)
        go(linkOf(next), "", { replace: true });
    };
    const act = (what) => {
      const { row, gift, version } = (current() ?? document.getElementById("gift"))?.dataset ?? {};
      if (row ?? gift) now.current.onAct(what, row ?? gift, Number(version));
    };
    const reject = () => {
      const row = current();
      if (!row || row.dataset.row === now.current.open)
        document.getElementById("reason")?.focus();
      else go(linkOf(row), "reason");
    };
    const hide = () => {
      const target = current() ?? document.getElementById("gift");
      act(target?.dataset.hidden ? "show" : "hide");
    };
    const select = (isRange) => {
      const id = current()?.dataset.row;
      if (id) toggle(id, isRange || !chosen.has(id), isRange);
    };
    const leave = () => {
      if (!now.current.open) return choose(ids, false);
      wanted.current = "row";
      return now.current.navigate(now.current.list);
    };
    const press = (selector) => document.querySelector(selector)?.click();
    const keys = {
      j: () => step(1),
      k: () => step(-1),
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      o: () => linkOf(current())?.click(),
      a: () => act("approve"),
      r: reject,
      h: hide,
      x: () => select(false),
      X: () => select(true),
      u: () => press("[data-undo]"),
      "?": () => press("[data-keys]"),
      Escape: leave,
    };
    const pressed = (event) => {
      const { target, key } = event;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.repeat && !/^(j|k|Arrow)/.test(key)) return;
      if (key === "Escape" && target.closest?.("#gift input")) return target.blur();
      if (target.closest?.(TYPED) || document.querySelector("dialog[open]")) return;
      // Arrows also scroll: they are the list's only where it has the focus.
      if (key.startsWith("Arrow") && !target.closest?.(ROW)) return;
      if (!Object.hasOwn(keys, key)) return;
      event.preventDefault();
      keys[key]();
    };
    // A gift opens beside the list without a new page; where the focus then belongs is known here.
    const clicked = (event) => {
      const link = event.target.closest?.("a[data-within]");
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation();
      const isSame = link.closest(ROW)?.dataset.row === now.current.open;
      if (isSame) quietly(document.getElementById("gift"));
      else go(link, link.dataset.within);
    };
    const root = place.current;
    document.addEventListener("keydown", pressed);
    root.addEventListener("click", clicked, true);
    return () => {
      document.removeEventListener("keydown", pressed);
      root.removeEventListener("click", clicked, true);
    };
  }, []);

  return h("div", { ...rest, ref: place, tabIndex: -1, "data-gift-open": open || undefined }, children);
};
