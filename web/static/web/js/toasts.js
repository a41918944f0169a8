// Short messages in the corner: toast("Archived 3 runs", { tone: "ok", act: ["Undo", () => …] }). A server says one to htmx by the
// header HX-Trigger: {"lineal:toast": {"words": "…", "tone": "ok"}}.
"use strict";

const SIGNS = { ok: "✓", warn: "!", bad: "✕", info: "●" };
const STAYS_MS = 6000;   // long enough to read a line; one with an act or bad news stays until it is closed or twice as long

function toast(words, { tone = "info", act = null, stays = tone === "bad" || act ? 2 * STAYS_MS : STAYS_MS } = {}) {
  const box = document.createElement("div");
  box.className = `toast ${tone}`;
  const sign = Object.assign(document.createElement("span"), { className: "sign", textContent: SIGNS[tone] ?? SIGNS.info, ariaHidden: "true" });
  const text = Object.assign(document.createElement("p"), { textContent: words });
  const close = Object.assign(document.createElement("button"), { type: "button", className: "bare small", textContent: "×", ariaLabel: "Close" });
  box.append(sign, text);
  if (act) {
    const [label, does] = act;
    const button = Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: label });
    button.addEventListener("click", () => { box.remove(); does(); });
    box.append(button);
  }
  box.append(close);
  close.addEventListener("click", () => box.remove());
  document.querySelector(".toasts").append(box);
  let leave = setTimeout(() => box.remove(), stays);
  box.addEventListener("pointerenter", () => clearTimeout(leave));   // who is about to press Undo is not hurried
  box.addEventListener("pointerleave", () => { leave = setTimeout(() => box.remove(), stays); });
  return box;
}

document.addEventListener("lineal:toast", ({ detail }) => toast(detail.words ?? detail.value, detail));
