"use strict";
// Texts that lie compressed in this file, see offline.py. Knows nothing of what they hold.
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;[=>?@^_`{|}~";

// base 85: five digits are four bytes, the greatest first; a shorter last group is filled up with the last digit
const bytesOf = (text) => {
  const values = new Uint8Array(128);
  for (let value = 0; value < DIGITS.length; value += 1) values[DIGITS.charCodeAt(value)] = value;
  const groups = Math.ceil(text.length / 5);
  const view = new DataView(new ArrayBuffer(groups * 4));
  for (let group = 0; group < groups; group += 1) {
    let number = 0;
    for (let i = group * 5; i < group * 5 + 5; i += 1) {
      number = number * 85 + (i < text.length ? values[text.charCodeAt(i)] : 84);
    }
    view.setUint32(group * 4, number);
  }
  return new Uint8Array(view.buffer, 0, groups * 4 - (groups * 5 - text.length));
};

// the text of an element that may not have been read yet
const textOf = async (id) => {
  if (document.readyState === "loading" && !document.getElementById(id)?.nextSibling) {
    await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve));
  }
  return document.getElementById(id).textContent;
};

const unpack = async (id) => {
  const stream = new Blob([bytesOf(await textOf(id))]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
};
