// The charts of a run's page: fetched when they come into view, several keys to a request, drawn by uPlot. While the run goes on,
// only what has arrived since is fetched, and drawn on.
"use strict";

const KEYS_PER_REQUEST = 20;
const POINTS = 1000;
const MOST_POINTS = 4 * POINTS;  // of a chart that has been drawn on; then it is fetched anew, thinned
const REFRESH_MS = 3000;  // while the run goes on and the page is looked at
const charts = document.querySelector("[data-series-url]");
const settings = { x: "step", y: "linear" };
const loaded = new Map();  // figure -> columns, and how many points had arrived
const drawn = new Map();   // figure -> what `columnsOf` made of them
const plots = new Map();   // figure -> uPlot

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (value) => (value == null ? "–" : typeof value === "string" ? value : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));

// NaN and the infinities arrive as strings, since JSON lacks them: the line has a gap there, and a mark says which it is.
const ODD = { NaN: { sign: "×", atTop: false }, Infinity: { sign: "▲", atTop: true }, "-Infinity": { sign: "▼", atTop: false } };
const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

function say(figure, words) {
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = words;
  figure.querySelector(".plot").replaceChildren(said);
}

// Whether anything new came.
async function load(figures) {
  const query = new URLSearchParams(charts.dataset.seriesQuery);
  for (const figure of figures) {
    query.append("key", figure.dataset.key);
    query.append("since", drawnOn(figure) ? loaded.get(figure).count : 0);
  }
  query.set("max_points", POINTS);
  try {
    const response = await fetch(`${charts.dataset.seriesUrl}?${query}`, { headers: { Accept: "application/json" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    return figures.filter((figure) => take(figure, answer[figure.dataset.key])).length > 0;
  } catch (error) {
    for (const figure of figures) if (!loaded.has(figure)) say(figure, `Not loaded: ${error.message}`);
    return true;
  }
}

const drawnOn = (figure) => loaded.has(figure) && loaded.get(figure).steps.length < MOST_POINTS;

function take(figure, columns) {
  if (!columns) { say(figure, "No points."); return false; }
  const before = loaded.get(figure);
  if (before && columns.since === before.count && columns.since > 0) {
    if (!columns.steps.length) return false;
    for (const name of ["steps", "times", "values"]) before[name].push(...columns[name]);
    before.count = columns.count;
  } else {
    loaded.set(figure, columns);
  }
  draw(figure);
  return true;
}

// Across, up, and what is no number: by place across.
function columnsOf(figure) {
  const { steps, times, values } = loaded.get(figure);
  const xs = settings.x === "step" ? steps : times.map((time) => (typeof time === "number" ? time / 1e6 : Date.parse(time) / 1000));
  const rows = xs.map((x, i) => [x, values[i]]).sort((a, b) => a[0] - b[0]);
  const odd = rows.filter((row) => row[1] in ODD);
  const shown = (value) => (settings.y === "log" && typeof value === "number" && value <= 0 ? null : finite(value));
  return { data: [rows.map((row) => row[0]), rows.map((row) => shown(row[1]))], odd, last: rows.at(-1)?.[1] };
}

function mark(plot, odd) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("--bad");
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  for (const [x, value] of odd) {
    const { sign, atTop } = ODD[value];
    ctx.textBaseline = atTop ? "top" : "bottom";
    ctx.fillText(sign, plot.valToPos(x, "x", true), atTop ? bbox.top : bbox.top + bbox.height);
  }
  ctx.restore();
}

function options(figure, count) {
  const odd = () => drawn.get(figure).odd;
  const readout = figure.querySelector(".read");
  const ink = colour("--ink-2");
  const axis = { stroke: ink, grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", gap: 4 };
  return {
    width: figure.querySelector(".plot").clientWidth,
    height: 168,
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { x: { time: settings.x === "time" }, y: { distr: settings.y === "log" ? 3 : 1 } },
    axes: [{ ...axis, size: 26 }, { ...axis, size: 58 }],
    series: [{}, { stroke: colour("--chart-1"), width: 1.5, spanGaps: false, points: { show: count < 30, size: 4 } }],
    hooks: {
      draw: [(plot) => mark(plot, odd())],
      setCursor: [(plot) => {
        const at = plot.cursor.idx;
        const x = at == null ? null : plot.data[0][at];
        readout.textContent = x == null ? "" : `${settings.x === "step" ? `step ${x}` : new Date(x * 1000).toISOString()}: ${short(plot.data[1][at] ?? odd().find((row) => row[0] === x)?.[1])}`;
      }],
    },
  };
}

function draw(figure, anew = false) {
  const made = columnsOf(figure);
  const plot = plots.get(figure);
  drawn.set(figure, made);
  tell(figure, made);
  if (plot && !anew && made.data[0].length >= 30) { plot.setData(made.data); return; }
  plot?.destroy();
  plots.delete(figure);
  if (!made.data[1].some((value) => value !== null)) { say(figure, nothingFinite(made.odd)); return; }
  const box = figure.querySelector(".plot");
  box.replaceChildren();
  plots.set(figure, new uPlot(options(figure, made.data[0].length), made.data, box));
}

// Beside the metric's name: its last value, and what the line cannot show.
function tell(figure, { odd, last }) {
  const kinds = Object.keys(ODD).filter((kind) => odd.some((row) => row[1] === kind));
  const signs = kinds.map((kind) => `${ODD[kind].sign} ${kind}`);
  figure.querySelector("figcaption .quiet").textContent = [`last ${short(last)}`, ...signs].join(" · ");
}

function nothingFinite(odd) {
  const kinds = [...new Set(odd.map((row) => row[1]))];
  return kinds.length ? `No finite value to draw: ${kinds.join(", ")}.` : "No value to draw.";
}

function watch() {
  let waiting = [];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      seen.unobserve(entry.target);
      waiting.push(entry.target);
    }
    while (waiting.length) load(waiting.splice(0, KEYS_PER_REQUEST));
  }, { rootMargin: "200px" });
  for (const figure of charts.querySelectorAll("figure[data-key]")) seen.observe(figure);
}

async function refresh() {
  if (document.hidden) return;
  const waiting = [...loaded.keys()].filter((figure) => { const at = figure.getBoundingClientRect(); return at.bottom > 0 && at.top < innerHeight; });
  let came = !waiting.length;
  while (waiting.length) came = (await load(waiting.splice(0, KEYS_PER_REQUEST))) || came;
  if (!came && (await hasEnded())) {
    charts.removeAttribute("data-live");
    document.querySelector("[data-ended]").hidden = false;
  }
}

async function hasEnded() {
  const response = await fetch(`${charts.dataset.runUrl}?${charts.dataset.seriesQuery}`, { headers: { Accept: "application/json" } });
  return response.ok && (await response.json()).status !== "running";
}

// One after the other, however long an answer takes.
async function follow() {
  await refresh().catch(() => {});  // the server is away: asked again in a while
  if (charts.dataset.live) setTimeout(follow, REFRESH_MS);
}

if (charts) {
  watch();
  if (charts.dataset.live) setTimeout(follow, REFRESH_MS);
  for (const select of document.querySelectorAll("[data-chart-setting]")) {
    select.addEventListener("change", () => { settings[select.dataset.chartSetting] = select.value; for (const figure of loaded.keys()) draw(figure, true); });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const figure of loaded.keys()) draw(figure, true); });
  new ResizeObserver(() => { for (const [figure, plot] of plots) plot.setSize({ width: figure.querySelector(".plot").clientWidth, height: 168 }); }).observe(charts);
}
