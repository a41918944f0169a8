// Small lines of metrics in the cells of a table, beside the last value: fetched as they come into view, many to a request. A cell says in
// `data-line` how many points there are, so that one that has more of them since is drawn anew.
const POINTS = 32;  // of each: what chunks show from afar is finer, so that the server decodes no points for it
const SERIES_AT_ONCE = 200;
const [WIDTH, HEIGHT, EDGE] = [96, 20, 2];
const SVG = "http://www.w3.org/2000/svg";
const drawn = new WeakMap();  // cell -> the count of what it shows
let waiting = [];

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) { seen.unobserve(target); waiting.push(target); }
  const cells = waiting.filter((cell) => cell.isConnected && drawn.get(cell) !== cell.dataset.line);
  waiting = [];
  for (const some of portions(cells)) load(some);
}, { rootMargin: "200px" });

// As few requests as there may be: of some runs, each with all keys that are wanted of any of them.
function* portions(cells) {
  const keys = [...new Set(cells.map((cell) => cell.dataset.key))];
  const runs = [...new Set(cells.map((cell) => cell.dataset.run))];
  for (let first = 0; first < keys.length; first += SERIES_AT_ONCE) {
    const named = new Set(keys.slice(first, first + SERIES_AT_ONCE));
    const most = Math.max(1, Math.floor(SERIES_AT_ONCE / named.size));
    for (let at = 0; at < runs.length; at += most) {
      const those = new Set(runs.slice(at, at + most));
      yield cells.filter((cell) => named.has(cell.dataset.key) && those.has(cell.dataset.run));
    }
  }
}

async function load(cells) {
  if (!cells.length) return;
  const asked = new Map(cells.map((cell) => [cell, cell.dataset.line]));
  const project = cells[0].closest("[data-lines]").dataset.lines;
  const token = document.cookie.match(/(?:^|; )lineal_csrf=([^;]+)/)?.[1] ?? "";
  const all = (name) => [...new Set(cells.map((cell) => cell.dataset[name]))];
  const response = await fetch(`/api/v1/series/search?${new URLSearchParams({ project })}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify({ runs: all("run"), keys: all("key"), max_points: POINTS }),
  }).catch(() => null);
  if (!response?.ok) return;  // the value stands there by itself
  const found = new Map((await response.json()).items.map((item) => [item.run, item.series]));
  for (const [cell, count] of asked) {
    drawn.set(cell, count);
    const series = found.get(cell.dataset.run);
    if (!series || !Object.hasOwn(series, cell.dataset.key)) continue;
    cell.querySelector(".spark")?.replaceChildren(picture(cell.dataset.key, series[cell.dataset.key]));
  }
}

function picture(key, columns) {
  const rows = columns.steps.map((step, at) => [step, columns.values[at]]).sort((a, b) => a[0] - b[0]);
  const values = rows.map((row) => row[1]).filter(Number.isFinite);
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img", "aria-label": words(key, columns, values) });
  if (!values.length) return svg;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [rows[0][0], rows.at(-1)[0]];
  const across = (step) => (last > first ? EDGE + ((step - first) / (last - first)) * (WIDTH - 2 * EDGE) : WIDTH / 2);
  const up = (value) => (high > low ? HEIGHT - EDGE - ((value - low) / (high - low)) * (HEIGHT - 2 * EDGE) : HEIGHT / 2);
  let path = "";
  let pen = "M";
  for (const [step, value] of rows) {
    if (!Number.isFinite(value)) { pen = "M"; continue; }  // a gap where there is no number
    path += `${pen}${across(step).toFixed(1)} ${up(value).toFixed(1)}`;
    pen = "L";
  }
  const [step, value] = rows.findLast((row) => Number.isFinite(row[1]));
  svg.append(element("path", { d: path }), element("circle", { cx: across(step).toFixed(1), cy: up(value).toFixed(1), r: 1.75 }));
  return svg;
}

function words(key, columns, values) {
  const count = `${columns.count} ${columns.count === 1 ? "point" : "points"}`;
  if (!values.length) return `${key}: ${count}, none of them a number`;
  const brief = (value) => String(Number(value.toPrecision(4)));
  return `${key}: ${count}, from ${brief(values[0])} to ${brief(values.at(-1))}, least ${brief(Math.min(...values))}, greatest ${brief(Math.max(...values))}`;
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function watch() {
  for (const cell of document.querySelectorAll("td[data-line]")) if (drawn.get(cell) !== cell.dataset.line) seen.observe(cell);
}

document.body.addEventListener("htmx:afterSwap", watch);
document.getElementById("runs")?.addEventListener("runs:changed", watch);
watch();
