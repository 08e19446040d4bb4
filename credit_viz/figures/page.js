"use strict";
// Draws the figures that lie compressed in this file. Token text reaches the page only inside Plotly labels, where it
// was escaped when the file was written.
(async () => {
  const unpack = async (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  };
  const [figures, plotly] = await Promise.all([unpack("figures-gz").then(JSON.parse), unpack("plotly-gz")]);
  const script = document.createElement("script");
  script.textContent = plotly;
  document.head.append(script);

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const config = {
    displaylogo: false,
    responsive: true,
    displayModeBar: matchMedia("(hover: hover)").matches ? "hover" : false,
    modeBarButtons: [["toImage"]],
  };
  const drawn = new Map(); // element -> [its figure as packed, run]

  // Light and dark differ in a few colours: `dark` lists them as [path, value].
  const themed = ({ figure, dark: changes }) => {
    const copy = structuredClone(figure);
    for (const [path, value] of dark.matches ? changes : []) {
      const owner = path.slice(0, -1).reduce((part, key) => part[key], copy);
      owner[path.at(-1)] = value;
    }
    return copy;
  };
  // Heatmaps travel as bytes: 0..254 stand for 0..zmax, 255 for nothing recorded.
  const heights = ({ meta, zmax }) => {
    const { shape, bytes: code } = figures.heights[meta];
    const bytes = atob(code);
    const [rows, columns] = shape;
    const height = (byte) => (byte === 255 ? NaN : (byte / 254) * zmax);
    return Array.from({ length: rows }, (_, row) =>
      Float32Array.from({ length: columns }, (_, column) => height(bytes.charCodeAt(row * columns + column))),
    );
  };
  const draw = (element, packed, run) => {
    const { data, layout } = themed(packed);
    for (const trace of data) {
      if (trace.type === "heatmap") Object.assign(trace, { z: heights(trace), text: figures.guesses[run] });
    }
    drawn.set(element, [packed, run]);
    return Plotly.react(element, data, layout, config);
  };
  const place = (parent) => {
    const element = document.createElement("div");
    element.className = "figure";
    parent.append(element);
    return element;
  };

  const maps = document.getElementById("maps");
  const slots = figures.maps[0].runs.map(() => place(maps));
  const buttons = figures.maps.map((map) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = map.title;
    button.addEventListener("click", () => show(map));
    document.querySelector(".tabs").append(button);
    return button;
  });
  const show = (map) => {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(figures.maps[i] === map)));
    document.getElementById("question").textContent = map.question;
    document.getElementById("help").textContent = map.help;
    document.querySelector("main").dataset.map = map.name;
    return Promise.all(map.runs.map((packed, i) => draw(slots[i], packed, i)));
  };
  await show(figures.maps[0]);
  const cards = figures.rest.map(({ question, help }) => {
    const card = document.createElement("section");
    card.className = "card";
    for (const [kind, text] of [["h2", question], ["p", help]]) {
      const part = document.createElement(kind);
      part.textContent = text;
      if (kind === "p") part.className = "help";
      card.append(part);
    }
    document.getElementById("rest").append(card);
    return place(card);
  });
  await Promise.all(cards.map((card, i) => draw(card, figures.rest[i].runs[0], 0)));
  dark.addEventListener("change", () => drawn.forEach(([packed, run], element) => draw(element, packed, run)));
  document.documentElement.dataset.ready = "true";
})();
