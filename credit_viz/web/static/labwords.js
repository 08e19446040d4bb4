/** Numbers and times of the lab in words. Pure functions. */

/** 26000 -> "26,000" @param {number} count */
export const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/** A share in per cent: neither all nor nothing is said of what is not. @param {number} share */
export function percent(share) {
  const near = (share > 0.99 && share < 1) || (share > 0 && share < 0.01);
  return near ? Math.min(Math.max(100 * share, 0.1), 99.9).toFixed(1) : (100 * share).toFixed(0);
}

/** A time to wait, no more exact than anybody needs it. @param {number} seconds */
export function inTime(seconds) {
  if (seconds < 1.5) return "a second";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  const hours = seconds / 3600;
  return hours < 10 ? `${hours.toFixed(1).replace(/\.0$/, "")} h` : `${Math.round(hours)} h`;
}

/** A day in words, or the time of today. @param {Date} date @param {Date} [now] */
export function onDay(date, now = new Date()) {
  if (Number.isNaN(date.getTime())) return "";
  if (date.toDateString() === now.toDateString())
    return `today, ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" });
}
