// Whether what an entry's page shows is what the entry's text says: plain values by comparison, personal ones by their salted hashes.
// The text itself is held to the log by trail.js.
"use strict";

const trailValues = (() => {
  const isCommitment = (value) => value !== null && typeof value === "object" && Object.keys(value).join() === "$c" && typeof value.$c === "string";
  const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

  // Every value of an entry by its path, as "/actor/display"; commitments are values.
  function byPath(content, above = "", found = new Map()) {
    for (const [key, value] of Object.entries(content)) {
      found.set(`${above}/${key}`, value);
      if (isRecord(value) && !isCommitment(value)) byPath(value, `${above}/${key}`, found);
    }
    return found;
  }

  // Whether words of the page, which the server spelled, tell a value. Long texts are logged by digest, with their beginning.
  function tells(words, value) {
    if (typeof value === "string") return words === asParsed(value);
    if (value === null) return words === "none";
    if (isRecord(value) && Object.keys(value).sort().join() === "characters,sha256,start") {
      return words === asParsed(`${value.start}… (${value.characters} characters, sha256:${value.sha256})`);
    }
    try {
      return JSON.stringify(JSON.parse(words)) === JSON.stringify(value);
    } catch {
      return false;
    }
  }

  // What is left of a text once a browser has read it from a page: its line ends are \n, and it has no NUL.
  const asParsed = (text) => text.replace(/\r\n?/g, "\n").replaceAll("\0", "");

  // The steps to tell of `entry`, the text as JSON. `rows` are the personal values of the page, `shown` whatever says that it is a value of the entry.
  async function steps(entry, rows, shown) {
    const values = byPath(entry);
    const hashed = [...values].filter(([, value]) => isCommitment(value));
    const at = new Map(Array.from(rows, (row) => [row.dataset.personal, row]));
    const opened = new Map();
    for (const [path, commitment] of hashed) opened.set(path, await openedBy(at.get(path), commitment));
    for (const [path, row] of at) mark(row, opened.get(path));
    return [...openedSteps(opened, at), shownStep(values, opened, at, shown)];
  }

  // true or false for a value that stands there with its salt; null where there is none to check.
  async function openedBy(row, commitment) {
    if (!row) return false;
    if (row.dataset.standing === "altered") return false;
    const [value, salt] = [row.querySelector("[data-value]"), row.querySelector("[data-salt]")];
    if (!value || !salt) return ["erased", "withheld"].includes(row.dataset.standing) ? null : false;
    try {
      return await ledgerProofs.opens(commitment, value.textContent, salt.textContent.trim());
    } catch {
      return false;  // a salt that is no base64
    }
  }

  function openedSteps(opened, at) {
    const paths = (wanted) => [...opened].filter(([path, held]) => wanted(held, at.get(path)?.dataset.standing)).map(([path]) => path);
    const [held, broken] = [paths((is) => is === true), paths((is) => is === false)];
    const unknown = [...at.keys()].filter((path) => !opened.has(path));
    const [erased, withheld] = ["erased", "withheld"].map((name) => paths((is, standing) => is === null && standing === name));
    const steps = [];
    if (held.length || broken.length || unknown.length) {
      steps.push([
        !broken.length && !unknown.length,
        `${counted(held)} with ${held.length === 1 ? "its salt hashes" : "their salts hash"} to what stands in the text`,
        `What is shown at ${[...broken, ...unknown].join(", ")} does not hash to what stands in the text: it is not the value that was logged`,
      ]);
    }
    if (withheld.length) steps.push(["note", `${counted(withheld)} ${isOrAre(withheld)} withheld, and so not checked: ${withheld.join(", ")}`]);
    if (erased.length) steps.push(["note", `${counted(erased)} ${isOrAre(erased)} erased, and can be neither told nor checked any more: ${erased.join(", ")}`]);
    return steps;
  }

  const counted = (paths) => `${paths.length} personal value${paths.length === 1 ? "" : "s"}`;
  const isOrAre = (paths) => (paths.length === 1 ? "is" : "are");

  function shownStep(values, opened, at, shown) {
    const wrong = new Set();
    for (const element of shown) {
      const path = element.dataset.said;
      if (!isRight(element.textContent, path, values, opened, at)) wrong.add(path);
    }
    return [
      wrong.size === 0,
      "What is shown above is what the text says",
      `What is shown above is not what the text says at ${[...wrong].join(", ")}`,
    ];
  }

  // Whether the page may say `words` at `path`; of a personal value that does not hold, nothing is right.
  function isRight(words, path, values, opened, at) {
    if (!values.has(path)) return false;
    if (!opened.has(path)) return tells(words, values.get(path));
    const row = at.get(path);
    if (opened.get(path) === null) return words === `(${row.dataset.standing})`;
    return opened.get(path) && tells(words, JSON.parse(row.querySelector("[data-value]").textContent));
  }

  const MARKS = { true: ["ok", "✓", "what was logged"], false: ["bad", "✕", "not what was logged"] };

  function mark(row, isHeld) {
    if (isHeld === null) return;
    const [tone, sign, words] = MARKS[isHeld === true];
    const state = document.createElement("span");
    state.className = `state ${tone}`;
    state.textContent = `${sign} ${words}`;
    row.querySelector("[data-checked]").replaceChildren(state);
  }

  return { steps };
})();
