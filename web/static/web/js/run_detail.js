// The charts of a run's page: fetched when they come into view, several keys to a request, drawn by uPlot.
"use strict";

const KEYS_PER_REQUEST = 20;
const POINTS = 1000;
const REFRESH_MS = 10000;  // while the run goes on and the page is looked at
const charts = document.querySelector("[data-series-url]");
const settings = { x: "step", y: "linear" };
const loaded = new Map();  // figure -> columns
const plots = new Map();   // figure -> uPlot

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const short = (value) => (value == null ? "–" : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6))));

// NaN and the infinities arrive as strings, since JSON lacks them, and leave a gap in the line.
const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);

function say(figure, words) {
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = words;
  figure.querySelector(".plot").replaceChildren(said);
}

async function load(figures) {
  const query = new URLSearchParams(charts.dataset.seriesQuery);
  for (const figure of figures) query.append("key", figure.dataset.key);
  query.set("max_points", POINTS);
  try {
    const response = await fetch(`${charts.dataset.seriesUrl}?${query}`, { headers: { Accept: "application/json" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.detail);
    for (const figure of figures) {
      const columns = answer[figure.dataset.key];
      if (columns) { loaded.set(figure, columns); draw(figure); } else say(figure, "No points.");
    }
  } catch (error) {
    for (const figure of figures) say(figure, `Not loaded: ${error.message}`);
  }
}

function columnsOf(figure) {
  const { steps, times, values } = loaded.get(figure);
  const xs = settings.x === "step" ? steps : times.map((time) => (typeof time === "number" ? time / 1e6 : Date.parse(time) / 1000));
  const rows = xs.map((x, i) => [x, finite(values[i])]).sort((a, b) => a[0] - b[0]);
  const positive = settings.y === "log";
  return [rows.map((row) => row[0]), rows.map((row) => (positive && row[1] !== null && row[1] <= 0 ? null : row[1]))];
}

function options(figure, count) {
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
      setCursor: [(plot) => {
        const at = plot.cursor.idx;
        const x = at == null ? null : plot.data[0][at];
        readout.textContent = x == null ? "" : `${settings.x === "step" ? `step ${x}` : new Date(x * 1000).toISOString()}: ${short(plot.data[1][at])}`;
      }],
    },
  };
}

function draw(figure) {
  const data = columnsOf(figure);
  plots.get(figure)?.destroy();
  plots.delete(figure);
  if (!data[1].some((value) => value !== null)) return say(figure, "No finite value to draw.");
  const box = figure.querySelector(".plot");
  box.replaceChildren();
  plots.set(figure, new uPlot(options(figure, data[0].length), data, box));
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

function refresh() {
  if (document.hidden) return;
  const waiting = [...loaded.keys()].filter((figure) => { const at = figure.getBoundingClientRect(); return at.bottom > 0 && at.top < innerHeight; });
  while (waiting.length) load(waiting.splice(0, KEYS_PER_REQUEST));
}

if (charts) {
  watch();
  if (charts.dataset.live) setInterval(refresh, REFRESH_MS);
  for (const select of document.querySelectorAll("[data-chart-setting]")) {
    select.addEventListener("change", () => { settings[select.dataset.chartSetting] = select.value; for (const figure of loaded.keys()) draw(figure); });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { for (const figure of loaded.keys()) draw(figure); });
  new ResizeObserver(() => { for (const [figure, plot] of plots) plot.setSize({ width: figure.querySelector(".plot").clientWidth, height: 168 }); }).observe(charts);
}
