// The search box above the runs: suggests what may come next, and shows where a filter went wrong.
const WAIT_MS = 120;  // after a key, so that fast typing asks once
const box = document.querySelector("input[data-complete]");
const KINDS = { metrics: "metric", params: "param", tags: "tag", attribute: "attribute", datasets: "data", value: "value", comparison: "", word: "", names: "", function: "function" };

function completion(input) {
  const list = document.createElement("ul");
  list.id = `${input.id}-list`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Suggestions");
  list.hidden = true;
  input.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) input.setAttribute(name, value);

  let items = [];
  let begin = 0;
  let active = -1;
  let timer = 0;
  let asking = null;

  function close() {
    clearTimeout(timer);
    asking?.abort();
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(place) {
    active = place;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", at === place));
    const option = list.children[place];
    if (!option) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function show() {
    const chosen = list.children[active]?.querySelector("code").textContent;
    list.replaceChildren(...items.map((item, place) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${place}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const text = document.createElement("code");
      text.textContent = item.text;
      const kind = document.createElement("span");
      kind.textContent = KINDS[item.kind] ?? item.kind;
      option.append(text, kind);
      option.addEventListener("pointerdown", (event) => { event.preventDefault(); take(place); });
      return option;
    }));
    list.hidden = !items.length;
    input.setAttribute("aria-expanded", String(items.length > 0));
    choose(items.findIndex((item) => item.text === chosen));  // what was chosen stays so when more is known
  }

  async function ask() {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const written = input.value.slice(0, input.selectionStart);
    const query = new URLSearchParams({ q: written, experiment: document.getElementById("experiment")?.value ?? "" });
    try {
      const response = await fetch(`${input.dataset.complete}&${query}`, { headers: { Accept: "application/json" }, signal });
      if (!response.ok) { close(); return; }
      const answer = await response.json();
      if (signal.aborted || document.activeElement !== input) return;
      begin = answer.begin;
      items = answer.items.filter((item) => item.text !== written.slice(begin));
      show();
    } catch {  // the next key asks again
      if (!signal.aborted) close();
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT_MS);
  }

  function take(place) {
    const { text, kind } = items[place];
    const rest = input.value.slice(input.selectionStart);
    const before = input.value.slice(0, begin);
    let end = "";
    if (["metrics", "params", "tags"].includes(kind) && /\b(min|max|last|count)\($/i.test(before)) end = ") ";
    else if (/[\w"`']$/.test(text) && !(kind === "comparison" && text.endsWith("'"))) end = " ";
    else if (kind === "comparison" && /[=<>]$/.test(text)) end = " ";
    const taken = before + text + (rest.startsWith(" ") ? end.trimEnd() : end);
    input.value = taken + rest;
    input.setSelectionRange(taken.length, taken.length);
    items = [];
    show();
    ask();
  }

  input.addEventListener("input", later);
  input.addEventListener("blur", close);
  input.form.addEventListener("submit", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) { event.preventDefault(); ask(); return; }
    if (event.key === "ArrowDown" && list.hidden) { event.preventDefault(); ask(); return; }
    if (list.hidden) return;
    const last = items.length - 1;
    if (event.key === "ArrowDown") choose(active >= last ? 0 : active + 1);
    else if (event.key === "ArrowUp") choose(active <= 0 ? last : active - 1);
    else if (event.key === "Escape") close();
    else if ((event.key === "Enter" || event.key === "Tab") && active >= 0) take(active);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

// What the answer says of the filter holds for the box, too, which stays where it is when rows are exchanged.
function pointOut() {
  const problem = document.getElementById("problem");
  box.toggleAttribute("aria-invalid", Boolean(problem));
  if (!problem) { box.removeAttribute("aria-invalid"); box.removeAttribute("aria-describedby"); return; }
  box.setAttribute("aria-invalid", "true");
  box.setAttribute("aria-describedby", "problem");
  const position = Number(problem.dataset.position);
  if (!position) return;
  box.focus();
  box.setSelectionRange(position - 1, position);
}

if (box) {
  completion(box);
  document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "runs") pointOut(); });
}
