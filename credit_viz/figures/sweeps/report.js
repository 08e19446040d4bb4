// Sorts the table by a column when its name is pressed, and the other way round when it is pressed again.
for (const [column, head] of document.querySelectorAll("thead th").entries()) {
  head.firstChild.addEventListener("click", () => {
    const rising = head.ariaSort !== "ascending";
    for (const other of head.parentNode.cells) other.ariaSort = null;
    head.ariaSort = rising ? "ascending" : "descending";
    const body = document.querySelector("tbody");
    const value = ({ cells: { [column]: cell } }) => cell.dataset.n ?? cell.textContent;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    const before = (a, b) => (isNaN(a) || isNaN(b) ? order(a, b) : a - b);
    body.append(...[...body.rows].sort((a, b) => (rising ? 1 : -1) * before(value(a), value(b))));
  });
}

// Draws the figures that lie compressed in this file, in light or dark as the reader prefers.
(async () => {
  const figures = JSON.parse(await unpack("figures"));
  const source = URL.createObjectURL(new Blob([await unpack("plotly")], { type: "text/javascript" }));
  await new Promise((resolve, reject) => {
    const script = document.createElement("script");
    Object.assign(script, { src: source, onload: resolve, onerror: reject });
    document.head.append(script);
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = async () => {
    for (const [name, themes] of Object.entries(figures)) {
      const { data, layout } = structuredClone(themes[dark.matches ? "dark" : "light"]);
      await Plotly.react(document.getElementById(name), data, layout, { displaylogo: false, responsive: true });
    }
    document.documentElement.dataset.drawn = "yes";
  };
  dark.addEventListener("change", draw);
  await draw();
})();
