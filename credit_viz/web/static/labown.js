/**
 * The sweeps that were started in this tab: it finds them again when the page is loaded anew. Knows the browser's
 * session storage, which may be forbidden.
 */

const KEY = "credit-viz-sweeps";
const MOST = 200; // ids that the server reads

/** @returns {string[]} ids */
export function ownSweeps() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((id) => typeof id === "string") : [];
  } catch {
    return []; // forbidden, or not ours
  }
}

/** Keeps the newest. @param {string[]} ids oldest first */
export function keepOwn(ids) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(ids.slice(-MOST)));
  } catch {
    // forbidden: then a page that is loaded anew does not find them
  }
}
