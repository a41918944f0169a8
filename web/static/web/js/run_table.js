// The table of runs: selecting rows, and widths of columns. What is selected is a form, which works without this.
const place = document.getElementById("runs");
const widths = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, widths];
const NARROWEST = 48;  // pixels
const STEP = 16;

const table = () => document.getElementById("run-table");
const boxes = () => [...(table()?.querySelectorAll("tbody input[name=run]") ?? [])];
let anchor = null;  // the box that was last clicked: where a range begins

function tell() {
  const bar = document.getElementById("acts");
  if (!bar) return;
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  bar.classList.toggle("some", count > 0);
  bar.querySelector(".said").textContent = `${count} selected`;
  bar.querySelector("[value=compare]").disabled = count < 2 || count > 50;
  for (const box of all) box.closest("tr").classList.toggle("selected", box.checked);
  const whole = document.getElementById("pick-all");
  whole.checked = count > 0 && count === all.length;
  whole.indeterminate = count > 0 && count < all.length;
}

function range(from, to, checked) {
  const all = boxes();
  const [first, last] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
  if (first < 0) return;
  for (const box of all.slice(first, last + 1)) box.checked = checked;
}

place.addEventListener("click", (event) => {
  if (event.target.id === "pick-all") { for (const box of boxes()) box.checked = event.target.checked; tell(); return; }
  if (!event.target.matches("tbody input[name=run]")) return;
  if (event.shiftKey && anchor) range(anchor, event.target, event.target.checked);
  anchor = event.target;
  tell();
});

place.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("tbody input[name=run]");
  if (box && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    const all = boxes();
    const next = all[all.indexOf(box) + (event.key === "ArrowDown" ? 1 : -1)];
    event.preventDefault();
    if (!next) return;
    if (event.shiftKey) { box.checked = true; next.checked = true; anchor = next; tell(); }
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  } else if (box && event.key === "Enter") {
    event.preventDefault();
    box.closest("tr").querySelector("th a").click();
  } else if (event.key === "Escape" && (box || event.target.closest?.("#acts")) && !place.querySelector("details[open]")) {
    for (const other of boxes()) other.checked = false;
    tell();
  }
});

// Enter in the field of a tag sets the tag, and is not the form's first button.
place.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("#tag-key, #tag-value")) return;
  event.preventDefault();
  place.querySelector("#acts [value=tag]").click();
});

const keptUnder = () => `lineal.widths.${table().dataset.widths}`;
function kept() {
  try { return JSON.parse(localStorage.getItem(keptUnder())) ?? {}; } catch { return {}; }
}
function keep(all) {
  try { localStorage.setItem(keptUnder(), JSON.stringify(all)); } catch { /* a browser that keeps nothing */ }
}

function lay(all) {
  const heads = [...table().querySelectorAll("thead tr:last-child > *")];
  const rules = heads.flatMap((head, at) => {
    const width = all[head.dataset.column];
    return width ? [`@media (min-width: 40.01rem) { #run-table tr:not(.groups) > :nth-child(${at + 1}) { width: ${width}px; min-width: ${width}px; max-width: ${width}px; overflow: hidden; text-overflow: ellipsis; } }`] : [];
  });
  widths.replaceSync(rules.join("\n"));
}

function handles() {
  lay(kept());
  for (const head of table().querySelectorAll("thead th[data-column]")) {
    const handle = document.createElement("span");
    handle.className = "resize";
    handle.tabIndex = 0;
    handle.setAttribute("role", "separator");
    handle.setAttribute("aria-orientation", "vertical");
    handle.setAttribute("aria-label", `Width of ${head.dataset.column}`);
    const now = () => Math.round(head.getBoundingClientRect().width);
    handle.setAttribute("aria-valuenow", now());
    handle.setAttribute("aria-valuemin", NARROWEST);
    const set = (width) => {
      const all = { ...kept(), [head.dataset.column]: Math.max(NARROWEST, Math.round(width)) };
      keep(all);
      lay(all);
      handle.setAttribute("aria-valuenow", all[head.dataset.column]);
    };
    const forget = () => { const all = kept(); delete all[head.dataset.column]; keep(all); lay(all); };
    handle.addEventListener("keydown", (event) => {
      if (event.key === "ArrowLeft") set(now() - STEP);
      else if (event.key === "ArrowRight") set(now() + STEP);
      else if (event.key === "Backspace" || event.key === "Delete") forget();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    handle.addEventListener("dblclick", forget);
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      const [begun, width] = [event.clientX, now()];
      const move = (moved) => set(width + moved.clientX - begun);
      handle.addEventListener("pointermove", move);
      handle.addEventListener("pointerup", () => handle.removeEventListener("pointermove", move), { once: true });
    });
    head.append(handle);
  }
}

function ready() {
  if (!table()) return;
  document.getElementById("pick-all").hidden = false;
  anchor = null;
  handles();
  tell();
}

// The form that picks columns: finding one among many.
function findColumns(form) {
  const find = form.querySelector(".picker-find");
  find.hidden = false;
  find.focus();
  find.addEventListener("input", () => {
    const sought = find.value.trim().toLowerCase();
    for (const choice of form.querySelectorAll(".choice")) choice.hidden = !choice.dataset.choice.toLowerCase().includes(sought);
    for (const group of form.querySelectorAll("fieldset")) group.hidden = !group.querySelector(".choice:not([hidden])");
  });
  find.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { form.remove(); document.getElementById("pick-columns")?.focus(); }
    if (event.key === "Enter") {  // the one that is left, rather than the form as it stands
      event.preventDefault();
      const left = form.querySelectorAll(".choice:not([hidden]) input");
      if (left.length) { left[0].checked = !left[0].checked; left[0].focus(); }
    }
  });
}

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "runs") ready();
  if (event.detail.target.id === "picker") findColumns(event.detail.target.querySelector(".picker"));
});
document.body.addEventListener("htmx:beforeRequest", (event) => {  // the same button closes it
  const open = event.detail.target.id === "picker" && event.detail.target.firstElementChild;
  if (!open) return;
  event.preventDefault();
  event.detail.target.replaceChildren();
});
place.addEventListener("runs:changed", tell);
ready();
