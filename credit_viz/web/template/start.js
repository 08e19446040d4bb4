// Starts the page from what lies in this file. The modules are those of the live page: each becomes a blob, and an
// import map gives it the name by which the others import it. Knows nothing of what they do.
(async () => {
  const { nonce } = document.currentScript;
  const page = JSON.parse(await unpack("cv-page"));
  const imports = {};
  for (const [name, text] of Object.entries(page.modules)) {
    imports[name] = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  }
  const map = document.createElement("script");
  map.type = "importmap";
  map.nonce = nonce;
  map.textContent = JSON.stringify({ imports });
  document.head.append(map);
  const { start } = await import("credit-viz/standalone.js");
  await start(page, { text: textOf, unpack, nonce });
})();
