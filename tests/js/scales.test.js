import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { colorAt, pixels, rgb, share, shares } from "../../credit_viz/web/static/scales.js";

const style = JSON.parse(readFileSync(new URL("../../credit_viz/figures/style.json", import.meta.url), "utf-8"));

test("shares run from 0 to 1 and saturate", () => {
  const { probability, credit } = style.scales;
  assert.deepEqual(
    [-1, 0, 0.5, 1, 2].map((p) => share(p, probability)),
    [0, 0, 0.5, 1, 1],
  );
  assert.ok(Math.abs(share(3, credit) - 0.5) < 1e-12);
});

test("colours go from the first to the last", () => {
  for (const scale of Object.values(style.scales)) {
    assert.deepEqual(colorAt(0, scale.colors), rgb(scale.colors[0]));
    assert.deepEqual(colorAt(1, scale.colors), rgb(scale.colors.at(-1)));
  }
});

const luminance = ([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
const brightness = (colors) => Array.from({ length: 21 }, (_, i) => luminance(colorAt(i / 20, colors)));
const rises = (values) => values.every((value, i) => i === 0 || value >= values[i - 1]);

test("brightness is monotonic, so that the scale reads without colour", () => {
  for (const scale of Object.values(style.scales)) {
    if (scale.min < 0) continue;
    const values = brightness(scale.colors);
    assert.ok(rises(values) || rises(values.toReversed()));
  }
});

test("a scale around zero is darkest there, and brightens to both sides alike", () => {
  const { colors, min, max } = style.scales.difference;
  assert.equal(min, -max);
  const values = brightness(colors);
  assert.ok(rises(values.slice(10)) && rises(values.slice(0, 11).toReversed()));
  values.forEach((value, i) => assert.ok(Math.abs(value - values[20 - i]) < 25, `${value} and ${values[20 - i]}`));
  assert.equal(share(0, style.scales.difference), 0.5);
});

test("pixels carry colour and strength", () => {
  const [first] = pixels(shares(new Float64Array(1), style.scales.probability), style.scales.probability, 0.5);
  const [r, g, b] = rgb(style.scales.probability.colors[0]);
  assert.deepEqual([first & 255, (first >> 8) & 255, (first >> 16) & 255, first >>> 24], [r, g, b, 128]);
});

test("every map names a scale", () => {
  for (const map of Object.values(style.maps)) assert.ok(style.scales[map.scale]);
});
