// Checks the proof that stands on the page, from what stands on the page: nothing is fetched. Each step is told as it went.
"use strict";

{
  const proofs = document.querySelectorAll("[data-proof]");
  const held = (proof, part) => proof.querySelector(`[data-part="${part}"]`);
  const textOf = (proof, part) => held(proof, part).textContent;
  const pathOf = (proof) => Array.from(held(proof, "path").querySelectorAll("code"), (hash) => ledgerProofs.fromHex(hash.textContent.trim()));

  async function inclusionSteps(proof) {
    const body = textOf(proof, "body");
    const leaf = await ledgerProofs.leafHash(body);
    const head = ledgerProofs.parseNote(textOf(proof, "note"));
    const root = await ledgerProofs.rootOf(leaf, BigInt(textOf(proof, "seq")), head.size, pathOf(proof));
    return [
      ...await entrySteps(proof, body),
      [ledgerProofs.toHex(leaf) === textOf(proof, "leaf").trim(), "The text below hashes to the leaf", "The text below does not hash to the leaf: it is not what was logged"],
      [root !== null && ledgerProofs.same(root, head.root), `The path leads from it to the root over ${head.size} entries`, "The path does not lead to the root that was signed"],
      await signatureStep(head, textOf(proof, "vkey").trim()),
    ];
  }

  // By id, action and time, which stand in the page's markup beside the words; then value by value.
  async function entrySteps(proof, body) {
    const said = read(body);
    const isSame = said !== null && said.id === proof.dataset.event && said.action === proof.dataset.action && said.time === proof.dataset.time;
    const step = [isSame, "The entry shown above is the one in the text below", "The text below is not of the entry shown above"];
    if (!isSame) return [step];
    return [step, ...await trailValues.steps(said, document.querySelectorAll("[data-personal]"), document.querySelectorAll("[data-said]"))];
  }

  function read(body) {
    try {
      return JSON.parse(body);
    } catch {
      return null;
    }
  }

  async function consistencySteps(proof) {
    const [older, newer] = [ledgerProofs.parseNote(textOf(proof, "old-note")), ledgerProofs.parseNote(textOf(proof, "new-note"))];
    const grew = await ledgerProofs.isConsistent(older.size, newer.size, older.root, newer.root, pathOf(proof));
    return [
      [older.origin === newer.origin, "Both checkpoints are of one log", "The checkpoints are of two logs"],
      [grew, `The first ${older.size} of ${newer.size} entries are those that the older checkpoint signed`, "The newer log does not begin with the older one: entries were changed, removed or reordered"],
      await signatureStep(older, textOf(proof, "old-vkey").trim(), "The older checkpoint"),
      await signatureStep(newer, textOf(proof, "new-vkey").trim(), "The newer checkpoint"),
    ];
  }

  async function signatureStep(head, vkey, what = "The checkpoint") {
    const signed = await ledgerProofs.isSignedBy(head, vkey);
    if (signed === null) return [null, `${what}'s signature was not checked: this browser has no Ed25519`];
    return [signed, `${what} is signed by the key below`, `${what} is not signed by the key below`];
  }

  const STEPS = { inclusion: inclusionSteps, consistency: consistencySteps };
  const TONES = { true: ["ok", "✓"], false: ["bad", "✕"], null: ["warn", "!"], note: ["idle", "–"] };

  async function check(proof) {
    const output = proof.querySelector("[data-verdict]");
    if (!globalThis.crypto?.subtle) {
      return tell(output, null, "Not checked here: browsers offer Web Crypto on HTTPS and localhost alone.", []);
    }
    let steps;
    try {
      steps = await STEPS[proof.dataset.proof](proof);
    } catch (error) {
      steps = [[false, "", `The proof cannot be read: ${error.message}`]];
    }
    const [hasFailed, isOpen] = [steps.some(([held]) => held === false), steps.some(([held]) => held === null)];
    tell(output, hasFailed ? false : isOpen ? null : true, hasFailed ? "The proof does not hold." : isOpen ? "The proof holds as far as it was checked." : "The proof holds.", steps);
  }

  function tell(output, verdict, words, steps) {
    const list = document.createElement("ul");
    list.className = "checks-done";
    list.setAttribute("role", "list");
    list.append(...steps.map(([isHeld, good, bad]) => line("li", isHeld, isHeld === false ? bad : good)));
    output.replaceChildren(line("p", verdict, words), list);
    output.dataset.verdict = String(verdict);
  }

  function line(tag, isHeld, words) {
    const [tone, sign] = TONES[isHeld];
    const element = document.createElement(tag);
    const mark = document.createElement("span");
    mark.className = `state ${tone}`;
    mark.textContent = sign;
    element.append(mark, ` ${words}`);
    return element;
  }

  for (const proof of proofs) {
    check(proof);
    proof.querySelector("[data-check]").addEventListener("click", () => check(proof));
  }
}
