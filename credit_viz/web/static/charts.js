/**
 * Plotly: loaded once, after the text is usable, and dressed like the page. Knows nothing of runs.
 */

/** @type {Promise<any> | null} */
let loading = null;

let load = fromServer;

/** A page that brings its own Plotly says how to get it. @param {(base: string) => Promise<any>} own */
export const providePlotly = (own) => (load = own);

/** @param {string} base folder of the page's files @returns {Promise<any>} the Plotly object */
export function loadPlotly(base) {
  loading ??= idle().then(() => load(base));
  return loading;
}

/** Reading a library this large holds the page up: not before text and maps are drawn. */
const idle = () => new Promise((resolve) => setTimeout(() => requestIdleCallback(resolve, { timeout: 1500 }), 60));

/** @param {string} base @returns {Promise<any>} */
function fromServer(base) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${base}plotly.js`;
    script.async = true;
    script.onload = () => resolve(/** @type {any} */ (window).Plotly);
    script.onerror = () => reject(new Error("plotly.js could not be loaded"));
    document.head.append(script);
  });
}

export const CONFIG = { displayModeBar: false, responsive: false, doubleClick: "reset", showTips: false };

/**
 * Layout all charts share.
 * @param {any} style boot.style @param {boolean} dark
 */
export function baseLayout(style, dark) {
  const surface = style.surface[dark ? "dark" : "light"];
  const font = { family: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif", size: 12, color: surface.quiet };
  const axis = {
    gridcolor: surface.line,
    linecolor: surface.line,
    zeroline: false,
    tickcolor: surface.line,
    ticks: "outside",
    ticklen: 4,
    automargin: false,
  };
  return { surface, font, axis, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)" };
}

/** Colour of a lane. @param {any} style @param {number} lane @param {boolean} dark */
export const laneColor = (style, lane, dark) => style.lanes[lane % style.lanes.length][dark ? "dark" : "light"];

/** Title of an axis. @param {string} text @param {number} [standoff] */
export const axisTitle = (text, standoff = 8) => ({ text, standoff });

/** Largest step between ticks that keeps them whole numbers. @param {number} span @param {number} [count] */
export function wholeTicks(span, count = 6) {
  const rough = Math.max(1, span / count);
  const power = 10 ** Math.floor(Math.log10(rough));
  return Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 1);
}
