/**
 * What a new sweep decodes: prompts of the embedded model's tasks, own ones, a file. Knows the form's store and files
 * that are dropped; what they hold is the server's to judge.
 */

import { h, say } from "./dom.js";
import { choice, markWrong, pills, textField, wrongLine } from "./labfields.js";

/** @typedef {import("./labfields.js").Form} Form */

const UNCHECKED = "Where no answer can be checked, texts are compared with those of vanilla, which runs as well.";
const LARGEST = 1 << 20; // characters of a file
/** @type {Record<string, string>} */
const SPLITS = { train: "like those it was trained on", "held-out": "held out of its training" };

/** @param {Form} form @returns {Node} */
export function promptsView(form) {
  return h("div", { class: "cv-lab-prompts" }, tasksView(form), ownView(form));
}

/** @param {Form} form */
function tasksView(form) {
  const { tasks, splits } = form.can;
  if (!tasks.length) return null;
  const wrong = wrongLine("tasks");
  const on = pills(
    "Tasks",
    tasks.map((/** @type {string} */ task) => [task, task]),
    () => form.store.state.plan.tasks,
    (chosen) => form.change({ tasks: chosen }),
  );
  const split = choice(
    "Which prompts of the tasks",
    "split",
    splits.map((/** @type {string} */ name) => h("option", { value: name }, SPLITS[name] ?? name)),
    form.store.state.plan.split,
    (name) => form.change({ split: name }),
  );
  form.store.view(["plan", "wrong"], (state) => {
    on.show();
    split.value = state.plan.split;
    wrong.show(state.wrong);
  });
  return h(
    "div",
    { class: "cv-lab-tasks" },
    h("div", { class: "cv-lab-field" }, h("span", { class: "cv-lab-label" }, "Tasks, with answers to check"), on.root, wrong.root),
    h(
      "div",
      { class: "cv-lab-pair" },
      textField(form, "count", "How many"),
      h("div", { class: "cv-lab-field" }, h("span", { class: "cv-lab-label" }, "Which"), split),
    ),
  );
}

/** @param {Form} form */
function ownView(form) {
  const box = h("textarea", { rows: 4, spellcheck: "false", placeholder: "One prompt per line", id: "cv-lab-own" });
  const wrong = wrongLine("prompts");
  const file = fileView(form);
  box.addEventListener("input", () => form.change({ prompts: box.value }));
  const root = h(
    "div",
    { class: "cv-lab-field cv-lab-own" },
    h("label", { for: "cv-lab-own" }, h("span", {}, "Your own, or a file in JSON Lines dropped here")),
    box,
    wrong.root,
    file,
    h("p", { class: "cv-help" }, UNCHECKED),
  );
  root.addEventListener("dragover", (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    event.stopPropagation();
    root.classList.add("over");
  });
  root.addEventListener("dragleave", () => root.classList.remove("over"));
  root.addEventListener("drop", (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    event.stopPropagation();
    root.classList.remove("over");
    void take(form, event.dataTransfer?.files[0]);
  });
  form.store.view(["plan", "wrong"], (state) => {
    if (box.value !== state.plan.prompts) box.value = state.plan.prompts;
    markWrong(box, "prompts", state.wrong);
    wrong.show(state.wrong);
  });
  return root;
}

/** The file that is taken, or the way to choose one. @param {Form} form */
function fileView(form) {
  const picker = h("input", { type: "file", accept: ".jsonl,.ndjson,.json,.txt", class: "cv-unseen", tabindex: -1, "aria-label": "File of prompts" });
  picker.addEventListener("change", () => {
    void take(form, picker.files?.[0]);
    picker.value = "";
  });
  const choose = h("button", { type: "button", class: "cv-link", onclick: () => picker.click() }, "Choose a file");
  const name = h("span", { dir: "auto" });
  const drop = h("button", { type: "button", class: "cv-link", onclick: () => form.change({ file: null }) }, "Take it back");
  const wrong = wrongLine("jsonl");
  form.store.view(["plan", "wrong"], ({ plan, wrong: found }) => {
    say(name, plan.file?.name ?? "");
    drop.hidden = name.hidden = plan.file === null;
    wrong.show(found);
  });
  return h("div", { class: "cv-lab-file" }, h("div", {}, picker, name, choose, drop), wrong.root);
}

/** @param {Form} form @param {File | undefined} file */
async function take(form, file) {
  if (!file) return;
  if (file.size > 4 * LARGEST) {
    const error = `${file.name} is larger than a page takes; the command line reads files of any size.`;
    return form.store.set({ wrong: { error, field: "jsonl" } });
  }
  form.change({ file: { name: file.name, text: await file.text() } });
}
