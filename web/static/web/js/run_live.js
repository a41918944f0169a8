// Keeps a list of runs true while it is looked at: runs that go on are told anew, and new ones come on top, without moving what
// the reader looks at. Rests while the page is hidden.
const EVERY_MS = 5000;
const REST_MS = 30000;  // after an answer that was none
const MOST_WATCHED = 100;
const here = document.getElementById("runs");
let waiting = [];  // rows that have come and are not shown yet
let timer = 0;

const rows = () => document.getElementById("run-table");
const body = () => rows()?.tBodies[0];

function address(list) {
  const query = new URLSearchParams({ shown: list.dataset.shown });
  if (list.dataset.since) query.set("since", list.dataset.since);
  const running = [...body().querySelectorAll("tr[data-running]")].slice(0, MOST_WATCHED);
  for (const row of running) query.append("run", row.id.slice("run-".length));
  return running.length || list.dataset.since ? `${list.dataset.live}&${query}` : "";
}

async function look() {
  const list = rows();
  const url = list && address(list);
  if (!url) return true;
  const response = await fetch(url, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (!response.ok) return false;
  const answer = new DOMParser().parseFromString(await response.text(), "text/html");
  if (list !== rows()) return true;  // another search has come in between
  for (const row of answer.querySelectorAll("[data-part=watched] > tr")) renew(row);
  const shown = new Set([...body().children, ...waiting].map((row) => row.id));
  const came = [...answer.querySelectorAll("[data-part=came] > tr")].filter((row) => !shown.has(row.id));
  waiting = [...came, ...waiting];
  if (list.hasAttribute("data-newest-first") && isAtRest()) bring();
  tell();
  return true;
}

const countsOf = (row) => [...row.querySelectorAll("td[data-line]")].map((cell) => cell.dataset.line).join();

// A line keeps what is drawn of it, until more is.
function renewLine(old, fresh) {
  if (!old.hasAttribute("data-line") || !fresh?.hasAttribute("data-line")) return false;
  old.dataset.line = fresh.dataset.line;
  old.querySelector(".last").textContent = fresh.querySelector(".last").textContent;
  return true;
}

// A row keeps its place, its box and the focus within.
function renew(row) {
  const old = document.getElementById(row.id);
  if (!old) return;
  const fresh = document.adoptNode(row);
  if (fresh.textContent === old.textContent && countsOf(fresh) === countsOf(old) && fresh.hasAttribute("data-running") === old.hasAttribute("data-running")) return;
  for (let at = 2; at < old.children.length; at += 1) {
    if (renewLine(old.children[at], fresh.children[at])) continue;
    if (old.children[at].outerHTML !== fresh.children[at]?.outerHTML && !old.children[at].contains(document.activeElement)) old.children[at].replaceWith(fresh.children[at].cloneNode(true));
  }
  old.toggleAttribute("data-running", fresh.hasAttribute("data-running"));
  here.dispatchEvent(new CustomEvent("runs:changed"));
}

// Whether rows on top may push down those below: nobody points at them, works in them, or has begun to select.
function isAtRest() {
  const list = rows();
  return !list.matches(":hover") && !list.contains(document.activeElement) && !list.querySelector("tbody input:checked");
}

function bring() {
  if (!waiting.length) return;
  const list = rows();
  const frame = list.closest(".runs");
  const before = list.offsetHeight;
  body().prepend(...waiting.map((row) => { row.classList.add("came"); return document.adoptNode(row); }));
  waiting = [];
  const grown = list.offsetHeight - before;
  if (frame.scrollTop > 0) frame.scrollTop += grown;
  else if (list.getBoundingClientRect().top < 0) window.scrollBy({ top: grown, behavior: "instant" });
  here.dispatchEvent(new CustomEvent("runs:changed"));
}

function tell() {
  const said = document.getElementById("live");
  if (!said) return;
  const running = body()?.querySelectorAll("tr[data-running]").length ?? 0;
  said.hidden = !running && !waiting.length;
  if (!waiting.length) { said.textContent = running ? `${running} running, followed live` : ""; return; }
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `${waiting.length} new ${waiting.length === 1 ? "run" : "runs"}`;
  button.addEventListener("click", () => {
    if (rows().hasAttribute("data-newest-first")) { bring(); tell(); } else location.reload();  // in their place by another order
  });
  said.replaceChildren(button);
}

async function follow() {
  clearTimeout(timer);
  if (document.hidden) return;
  const heard = await look().catch(() => false);  // the server is away: asked again in a while
  timer = setTimeout(follow, heard ? EVERY_MS : REST_MS);
}

document.addEventListener("visibilitychange", follow);
document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "runs") { waiting = []; tell(); } });
tell();
timer = setTimeout(follow, EVERY_MS);
