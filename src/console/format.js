// Numbers and times as people read them.

const units = ["B", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count) {
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${digits(count, unit)} ${units[unit]}`;
}

function digits(value, fine) {
  return value < 10 && fine ? value.toFixed(1) : Math.round(value).toString();
}

export function count(value) {
  return Math.round(value).toLocaleString("en-US");
}

export function rate(perSecond) {
  if (perSecond === null || perSecond === undefined) return "–";
  if (perSecond === 0) return "0";
  if (perSecond < 10) return perSecond.toFixed(1);
  return count(perSecond);
}

export function percent(share) {
  return `${share > 0.99 && share < 1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;
}

// A length of time with two figures at most; it is not broken into two lines.
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds === 0) return "0\u00a0s";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)}\u00a0µs`;
  if (seconds < 1) return `${digits(seconds * 1000, true)}\u00a0ms`;
  if (seconds < 60) return `${digits(seconds, !Number.isInteger(seconds))}\u00a0s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}\u00a0min`;
  if (seconds < 48 * 3600) {
    const minutes = Math.floor((seconds % 3600) / 60);
    return `${Math.floor(seconds / 3600)}\u00a0h${minutes ? `\u00a0${minutes}\u00a0min` : ""}`;
  }
  return `${Math.floor(seconds / 86400)}\u00a0d`;
}

// How long a state has lasted.
export function lasting(seconds) {
  return seconds < 1 ? "a moment" : duration(Math.floor(seconds));
}

// From an RFC 3339 time to `now` (milliseconds since 1970, by the daemon's clock).
export function ageSeconds(time, now) {
  return Math.max(0, (now - Date.parse(time)) / 1000);
}

export function clock(time) {
  return new Date(time).toLocaleString();
}
