/**
 * A new sweep as the form has it, and as the server takes it; arms in the notation of the command line and back. Pure
 * functions; what is valid is the server's to say.
 */

/**
 * One decoder. `values` are as they are typed: "0.7", "0.8, 0.9", "0..2/5"; the name "random" stands for draws: "20 seed 1".
 * @typedef {{decoder: string, preset: string, knobs: {name: string, values: string}[]}} ArmForm
 */
/**
 * @typedef {object} PlanForm everything as it is typed
 * @property {string} title
 * @property {ArmForm[]} arms
 * @property {string[]} tasks whose prompts are drawn
 * @property {string} count prompts of the tasks
 * @property {string} split
 * @property {string} prompts one per line
 * @property {{name: string, text: string} | null} file in JSON Lines
 * @property {string} gen_length
 * @property {string} block_length
 * @property {string} seeds
 * @property {boolean} early_stop
 * @property {string[]} cache
 */

/** What stands for random draws among an arm's knobs. */
export const RANDOM = "random";

/** An arm as the command line has it, e.g. "credit[paper]: alpha=0..2/5, threshold=0.8,0.9". @param {ArmForm} arm */
export function armText({ decoder, preset, knobs }) {
  const parts = knobs
    .filter(({ values }) => values.trim())
    .map(({ name, values }) => (name === RANDOM ? `${RANDOM} ${values.trim()}` : `${name}=${values.trim()}`));
  const head = preset ? `${decoder}[${preset}]` : decoder;
  return parts.length ? `${head}: ${parts.join(", ")}` : head;
}

/** @param {string} text as `armText` writes it @returns {ArmForm} */
export function readArm(text) {
  const [, decoder, preset = "", rest = ""] = /^\s*([\w-]*)\s*(?:\[([^\]]*)\])?\s*:?(.*)$/s.exec(text) ?? [];
  /** @type {ArmForm["knobs"]} */
  const knobs = [];
  for (const piece of rest.split(",").map((part) => part.trim()).filter(Boolean)) {
    const [, name, values] = /^([\w-]+)\s*=\s*(.*)$/s.exec(piece) ?? [];
    const drawn = /^random\s+(.*)$/.exec(piece);
    const last = knobs.at(-1);
    if (name !== undefined) knobs.push({ name, values });
    else if (drawn) knobs.push({ name: RANDOM, values: drawn[1] });
    else if (last) last.values += `, ${piece}`;
  }
  return { decoder, preset, knobs };
}

/** Numbers between commas; what is none stays as it is, for the server to name. @param {string} text */
export const listOf = (text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean)
    .map((part) => (Number.isFinite(Number(part)) ? Number(part) : part));

/** As the server takes it. @param {PlanForm} form */
export function planOf(form) {
  const [count] = listOf(form.count);
  return {
    arms: form.arms.map(armText),
    tasks: form.tasks.length ? { tasks: form.tasks, count: count ?? 0, split: form.split } : null,
    prompts: form.prompts.split("\n").map((line) => line.trim()).filter(Boolean),
    jsonl: form.file?.text ?? null,
    gen_length: listOf(form.gen_length),
    block_length: listOf(form.block_length),
    seeds: listOf(form.seeds),
    early_stop: form.early_stop,
    cache: form.cache,
    compare: "auto",
  };
}

/**
 * A form filled in from what the server takes; what it does not say is taken from another form.
 * @param {Partial<ReturnType<typeof planOf>>} plan @param {PlanForm} other
 * @returns {PlanForm}
 */
export function formOf(plan, other) {
  const words = (/** @type {(string | number)[] | undefined} */ list, /** @type {string} */ otherwise) =>
    list ? list.join(", ") : otherwise;
  return {
    ...other,
    arms: plan.arms?.map(readArm) ?? other.arms,
    tasks: plan.tasks === undefined ? other.tasks : (plan.tasks?.tasks ?? []),
    count: plan.tasks ? String(plan.tasks.count) : other.count,
    split: plan.tasks?.split ?? other.split,
    prompts: plan.prompts?.join("\n") ?? other.prompts,
    file: plan.jsonl ? { name: "prompts.jsonl", text: plan.jsonl } : other.file,
    gen_length: words(plan.gen_length, other.gen_length),
    block_length: words(plan.block_length, other.block_length),
    seeds: words(plan.seeds, other.seeds),
    early_stop: plan.early_stop ?? other.early_stop,
    cache: plan.cache ?? other.cache,
  };
}

/**
 * The outlook of a plan in words, e.g. "480 runs: 24 settings on 20 prompts, about 25 s".
 * @param {{runs: number, settings: number, prompts: number, seconds: number | null}} outlook
 * @param {(count: number) => string} grouped @param {(seconds: number) => string} inTime
 */
export function outlookWords({ runs, settings, prompts, seconds }, grouped, inTime) {
  const many = (/** @type {number} */ count, /** @type {string} */ one) =>
    `${grouped(count)} ${one}${count === 1 ? "" : "s"}`;
  const time = seconds === null ? "" : `, about ${inTime(seconds)}`;
  return `${many(runs, "run")}: ${many(settings, "setting")} on ${many(prompts, "prompt")}${time}`;
}
