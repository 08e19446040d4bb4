import assert from "node:assert/strict";
import { test } from "node:test";

import { counted, inline, plotlySafe, probability, quoted, steps } from "../../credit_viz/web/static/text.js";

test("nothing in a token stays invisible or reorders the line", () => {
  assert.equal(inline("a\u0000b\u202ec\u200f\n"), "a␀b‹202E›c‹200F›↵");
  assert.equal(inline("<img src=x onerror=1> ${x} {{y}}"), "<img src=x onerror=1> ${x} {{y}}");
});

test("a token alone shows its spaces", () => {
  assert.equal(quoted("  kite "), "␣␣kite␣");
  assert.equal(quoted(""), "(empty)");
  assert.equal(quoted("a b"), "a b");
});

test("numbers read naturally", () => {
  assert.deepEqual([0, 0.001, 0.8, 0.999, 1].map(probability), ["0.00", "<0.01", "0.80", ">0.99", "1.00"]);
  assert.deepEqual([0.25, 8.6, 2, 13.4].map(steps), ["0.3", "8.6", "2", "13"]);
  assert.deepEqual([counted(1, "step"), counted(3, "pass", "passes")], ["1 step", "3 passes"]);
});

test("labels are escaped for Plotly", () => {
  assert.equal(plotlySafe("<b>&$x$"), "&lt;b&gt;&amp;&#36;x&#36;");
});
