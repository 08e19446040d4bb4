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
