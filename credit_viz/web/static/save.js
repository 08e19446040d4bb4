/**
 * Files for the reader: asked from the server and handed to the browser's downloads. Knows addresses, nothing of runs.
 */

import { h } from "./dom.js";

/** Let the browser save a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000); // a download may begin late
}

/**
 * What a kept run can be taken away as.
 * @param {string} base folder of the page's files @param {string} run @param {string} file
 */
export const addressOf = (base, run, file) => new URL(`../run/${encodeURIComponent(run)}/${file}`, base).href;

/**
 * @param {string} address
 * @returns {Promise<Response>}
 * @throws {Error} with the server's sentence
 */
export async function ask(address) {
  let answer;
  try {
    answer = await fetch(address);
  } catch {
    throw new Error("the server does not answer");
  }
  if (!answer.ok) throw new Error((await answer.text()).trim() || `the server answered ${answer.status}`);
  return answer;
}

/** Name that the server gives a file. @param {Response} answer */
export const nameOf = (answer) =>
  /filename="([\w.-]+)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1] ?? "credit-viz";
