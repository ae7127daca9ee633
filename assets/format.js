// How amounts, counts and times are written. Amounts arrive as decimal strings and are never turned
// into floating point: Intl formats the strings, and differences are taken in cents. The server
// writes amounts the same way (financial_live/money.py), which a test compares.

const LOCALE = "en-US";
// An amount is written as people write that currency at home, whatever the page's language.
const HOME = { IDR: "id-ID", USD: "en-US", EUR: "en-IE" };

const formats = new Map();
const amountFormat = (currency) => {
  if (!formats.has(currency)) {
    formats.set(
      currency,
      new Intl.NumberFormat(HOME[currency] ?? LOCALE, {
        style: "currency",
        currency,
        currencyDisplay: "narrowSymbol",
        minimumFractionDigits: 2,
        maximumFractionDigits: 2,
        trailingZeroDisplay: "stripIfInteger",
      }),
    );
  }
  return formats.get(currency);
};

export const formatAmount = (amount, currency) =>
  amount === "" || amount == null ? "" : amountFormat(currency).format(amount);

export const formatCount = (count) => new Intl.NumberFormat(LOCALE).format(count ?? 0);

const rateFormat = new Intl.NumberFormat(LOCALE, { maximumSignificantDigits: 8 });
export const formatRate = (rate) => (rate ? rateFormat.format(rate) : "");

// 1/100 of the currency's unit, exactly.
const cents = (amount) => {
  const [whole, part = ""] = String(amount || "0").split(".");
  const sign = whole.startsWith("-") ? -1n : 1n;
  return sign * (BigInt(whole.replace("-", "") || "0") * 100n + BigInt((part + "00").slice(0, 2)));
};

const decimal = (value) => {
  const digits = value.toString().padStart(3, "0");
  return `${digits.slice(0, -2)}.${digits.slice(-2)}`;
};

export const remaining = (goal, total) => {
  const left = cents(goal) - cents(total);
  return left > 0n ? decimal(left) : "0";
};

export const average = (total, count) => (count > 0 ? decimal(cents(total) / BigInt(count)) : "");

// Percent with one decimal, rounded down: 100 is said when the goal is reached, not before.
export const percent = (goal, total) => {
  const whole = cents(goal);
  return whole > 0n ? Number((cents(total) * 1000n) / whole) / 10 : 0;
};

export const formatPercent = (goal, total) =>
  new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 1 }).format(percent(goal, total)) + "%";

// Where the goal's tick stands, and how far the bar reaches, in percent of the bar's length. Past
// the goal the tick moves in, so that the whole amount still fits.
export const goalTick = (goal, total) => {
  const reached = percent(goal, total);
  return reached > 100 ? 10000 / reached : 100;
};

export const barWidth = (goal, total) => Math.min(percent(goal, total), 100);

const FRESH_MS = 5000;
export const isFresh = (at) => Date.now() - at / 1000 < FRESH_MS;

export const formatDate = (time) =>
  time
    ? new Intl.DateTimeFormat(LOCALE, { year: "numeric", month: "long", day: "2-digit" }).format(
        new Date(time),
      )
    : "";

const utcDay = new Intl.DateTimeFormat(LOCALE, { dateStyle: "long", timeZone: "UTC" });
export const formatDay = (time) => utcDay.format(time);

const clockSeconds = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
export const formatClock = (time) => (time ? clockSeconds.format(new Date(time)) : "");

export const exactTime = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "medium" });
export const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const STEPS = [
  ["minute", 60],
  ["hour", 3600],
  ["day", 86400],
];
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

export const sayWhen = (time, now) => {
  const seconds = (now - new Date(time)) / 1000;
  if (seconds < 45) return "just now";
  if (seconds >= 86400 * 6.5) return formatDate(time);
  const [unit, length] = STEPS.findLast(([, length]) => seconds >= length * 0.75) ?? STEPS[0];
  return relative.format(-Math.max(1, Math.round(seconds / length)), unit);
};
