// The charts of a run's pages: fetched when they come into view, several keys to a request, drawn by uPlot. All of them share what is across, the
// scales, smoothing, zoom and cursor. While the run goes on, only what has arrived since is fetched, and drawn on.
"use strict";

const KEYS_PER_REQUEST = 24;
const ADDRESS_LENGTH = 6000;  // of a request: long keys travel by fewer
const POINTS = 400;  // of a whole line: two for each bucket, on a plot some 300 pixels wide
const FINE = 3 * POINTS;  // of a line with values that are no number
const DETAIL = 1000;  // of a zoom
const MOST_POINTS = 8 * POINTS;  // of a chart that has been drawn on; then it is fetched anew, thinned
const REFRESH_MS = 3000;  // while the run goes on and the page is looked at
const HEIGHT = 172;
const TIME_STEPS = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000];  // s between two marks
const KEPT = "lineal.charts";  // where this browser keeps how its reader likes charts
const home = document.querySelector("[data-series-url]");
const settings = { x: "step", y: "linear", xscale: "linear", smooth: 0, from: null, to: null };
const figures = new Map();  // element -> { columns, detail, plot, drawn, inView }
let origin = null;  // seconds since 1970 from which relative time counts
let asked = 0;  // answers to zooms that have been left are not drawn

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const isZoomed = () => settings.from !== null;

function say(figure, words) {
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = words;
  figure.querySelector(".plot").replaceChildren(said);
}

// ---- fetching

async function fetchSeries(more, points) {
  const query = new URLSearchParams(home.dataset.seriesQuery);
  for (const [name, value] of more) query.append(name, value);
  query.set("max_points", points);
  const response = await fetch(`${home.dataset.seriesUrl}?${query}`, { headers: { Accept: "application/json" } });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail);
  return answer;
}

// As many as one request takes.
function* portions(some) {
  let portion = [];
  let length = 0;
  for (const figure of some) {
    const size = encodeURIComponent(figure.dataset.metric).length + 24;
    if (portion.length && (portion.length === KEYS_PER_REQUEST || length + size > ADDRESS_LENGTH)) { yield portion; portion = []; length = 0; }
    portion.push(figure);
    length += size;
  }
  if (portion.length) yield portion;
}

const canGrow = ({ columns }) => columns && columns.steps.length < MOST_POINTS;

// What is no number takes room from what is, so that a thinned line with such values comes coarse: once more then, with more points.
const isCoarse = (columns) => columns?.downsampled && columns.since === 0 && columns.values.some((value) => value in ODD);

// Whether anything new came.
async function load(some, points = POINTS) {
  const more = some.flatMap((figure) => [["key", figure.dataset.metric], ["since", points === POINTS && canGrow(figures.get(figure)) ? figures.get(figure).columns.count : 0]]);
  try {
    const answer = await fetchSeries(more, points);
    const came = some.filter((figure) => take(figure, answer[figure.dataset.metric])).length > 0;
    const coarse = points === POINTS ? some.filter((figure) => isCoarse(answer[figure.dataset.metric])) : [];
    if (coarse.length) load(coarse, FINE);
    return came;
  } catch (error) {
    for (const figure of some) if (!figures.get(figure).columns) say(figure, `Not loaded: ${error.message}`);
    return true;
  }
}

function take(figure, columns) {
  const state = figures.get(figure);
  if (!columns) { say(figure, "No points."); return false; }
  const before = state.columns;
  if (before && columns.since === before.count && columns.since > 0) {
    if (!columns.steps.length) return false;
    for (const name of ["steps", "times", "values"]) before[name].push(...columns[name]);
    before.count = columns.count;
    before.downsampled ||= columns.downsampled;
  } else {
    state.columns = columns;
  }
  if (origin === null && columns.times.length) origin = Math.min(Number(home.dataset.started) || Infinity, columns.times[0] / 1e6);
  draw(figure);
  if (!before && isZoomed()) look([figure]);
  return true;
}

// Each line between the ends of the zoom once more, finer, where the whole is thinned.
async function look(some) {
  const turn = asked;
  const thinned = some.filter((figure) => figures.get(figure).columns?.downsampled);
  for (const portion of portions(thinned)) {
    const spans = portion.map((figure) => stepsBetween(figures.get(figure).columns, settings, origin, settings.from, settings.to));
    const first = Math.min(...spans.map((each) => each[0]));
    const last = Math.max(...spans.map((each) => each[1]));
    const more = [...portion.map((figure) => ["key", figure.dataset.metric]), ["first_step", first], ["last_step", last]];
    const answer = await fetchSeries(more, DETAIL).catch(() => null);
    if (turn !== asked || !answer) return;
    for (const figure of portion) {
      figures.get(figure).detail = answer[figure.dataset.metric] ?? null;
      draw(figure);
    }
  }
}

// ---- drawing

function mark(plot, odd) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = colour("--bad");
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "center";
  const { min, max } = plot.scales.x;
  for (const [x, value] of odd) {
    if (x < min || x > max) continue;
    const { sign, atTop } = ODD[value];
    ctx.textBaseline = atTop ? "top" : "bottom";
    ctx.fillText(sign, plot.valToPos(x, "x", true), atTop ? bbox.top : bbox.top + bbox.height);
  }
  ctx.restore();
}

function acrossLabels(splits, increment) {
  if (settings.x === "step") return splits.map(axisNumber);
  if (settings.x === "relative") return splits.map((value) => (value == null ? "" : span(value)));
  let day = "";
  return splits.map((value) => {
    const text = new Date(value * 1000).toISOString();
    const hour = increment < 60 ? text.slice(11, 19) : text.slice(11, 16);
    const isNew = text.slice(0, 10) !== day;
    day = text.slice(0, 10);
    if (increment >= 86400) return text.slice(5, 10);
    return isNew ? `${hour}\n${text.slice(5, 10)}` : hour;
  });
}

const acrossText = (x) => ({ step: () => `step ${shortNumber(x)}`, relative: () => span(x, true), time: () => clockTime(x) })[settings.x]();

function readOut(figure, plot) {
  const at = plot.cursor.idx;
  const x = at == null ? null : plot.data[0][at];
  let words = "";
  if (x != null) {
    const value = plot.data[1][at] ?? figures.get(figure).drawn.odd.find((row) => row[0] === x)?.[1];
    words = `${acrossText(x)}: ${shortNumber(value)}`;
    if (settings.smooth > 0 && plot.data[2][at] != null) words += ` (smoothed ${shortNumber(plot.data[2][at])})`;
  }
  figure.querySelector(".read .at").textContent = words;
  figure.classList.toggle("read-at", words !== "");
}

function options(figure, count) {
  const state = figures.get(figure);
  const ink = colour("--ink-2");
  const axis = { stroke: ink, grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", gap: 4 };
  const line = colour("--chart-1");
  const isSmooth = settings.smooth > 0;
  const logAcross = settings.xscale === "log" && settings.x !== "time";
  const isThin = count < 40;
  return {
    width: figure.querySelector(".plot").clientWidth,
    height: HEIGHT,
    padding: [6, 10, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: false }, sync: { key: "run", scales: ["x", null] }, bind: { dblclick: () => () => zoom(null, null) } },
    scales: {
      x: { time: false, distr: logAcross ? 3 : 1, range: (plot, min, max) => (isZoomed() ? [settings.from, settings.to] : rangeAcross(plot.data[0], min, max, logAcross)) },
      y: { distr: settings.y === "log" ? 3 : 1, range: (plot, min, max) => rangeUp(min, max, settings.y === "log") },
    },
    axes: [
      { ...axis, ...(settings.x === "step" ? {} : { incrs: TIME_STEPS }), size: settings.x === "time" ? 38 : 26, space: settings.x === "step" ? 50 : 80, values: (plot, splits, index, space, increment) => acrossLabels(splits, increment) },
      { ...axis, size: (plot, labels) => 14 + 6.5 * Math.max(3, ...(labels ?? []).map((label) => label.length)), values: (plot, splits) => splits.map(axisNumber) },
    ],
    series: [
      {},
      { stroke: line, alpha: isSmooth ? 0.28 : 1, width: isSmooth ? 1 : 1.5, spanGaps: false, points: { show: isThin, size: 4, fill: line } },
      { show: isSmooth, stroke: line, width: 1.75, spanGaps: true, points: { show: false } },
    ],
    hooks: {
      draw: [(plot) => mark(plot, state.drawn.odd)],
      setCursor: [(plot) => readOut(figure, plot)],
      setSelect: [(plot) => {
        const { left, width } = plot.select;
        if (width < 3) return;
        const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
        plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        zoom(from, to);
      }],
    },
  };
}

function draw(figure, anew = false) {
  const state = figures.get(figure);
  if (!state.columns) return;
  const made = columnsOf(isZoomed() && state.detail ? state.detail : state.columns, settings, origin);
  const wasThin = state.drawn?.data[0].length < 40;
  state.drawn = made;
  tell(figure, state.columns.values.at(-1), made.odd);
  if (!state.inView) return;
  if (state.plot && !anew && wasThin === made.data[0].length < 40) { state.plot.setData(made.data); return; }
  undraw(figure);
  if (!made.data[1].some((value) => value !== null)) { say(figure, nothingFinite(made.odd)); return; }
  const box = figure.querySelector(".plot");
  box.replaceChildren();
  state.plot = new uPlot(options(figure, made.data[0].length), made.data, box);
}

function undraw(figure) {
  const state = figures.get(figure);
  state.plot?.destroy();
  state.plot = null;
}

const drawAll = (anew) => { for (const figure of figures.keys()) draw(figure, anew); };

// Beside the metric's name: its last value, and what the line cannot show.
function tell(figure, last, odd) {
  const kinds = Object.keys(ODD).filter((kind) => odd.some((row) => row[1] === kind));
  figure.querySelector("[data-last]").textContent = [`last ${shortNumber(last)}`, ...kinds.map((kind) => `${ODD[kind].sign} ${kind}`)].join(" · ");
}

function nothingFinite(odd) {
  const kinds = [...new Set(odd.map((row) => row[1]))];
  if (kinds.length) return `No finite value to draw: ${kinds.join(", ")}.`;
  return isZoomed() ? "No value here." : settings.y === "log" ? "No value above zero, so none on a logarithmic scale." : "No value to draw.";
}

// ---- what the reader changes

function zoom(from, to) {
  const isSame = from === settings.from && to === settings.to;
  if (isSame || (from !== null && !(to > from))) return;
  Object.assign(settings, { from, to });
  asked += 1;
  for (const state of figures.values()) state.detail = null;
  showSettings();
  drawAll(true);
  if (isZoomed()) look([...figures.keys()].filter((figure) => figures.get(figure).inView));
}

function change(name, value) {
  settings[name] = name === "smooth" ? Number(value) : value;
  if (name === "x") { settings.from = settings.to = null; asked += 1; for (const state of figures.values()) state.detail = null; }
  try { localStorage.setItem(KEPT, JSON.stringify({ x: settings.x, y: settings.y, xscale: settings.xscale, smooth: settings.smooth })); } catch { /* a browser that keeps nothing */ }
  showSettings();
  requestAnimationFrame(() => drawAll(true));
}

// In the controls, and in the address, so that it can be handed on.
function showSettings() {
  for (const control of document.querySelectorAll("[data-chart-setting]")) control.value = settings[control.dataset.chartSetting];
  const smooth = document.querySelector("[data-smooth]");
  if (smooth) smooth.textContent = settings.smooth.toFixed(2);
  for (const field of document.querySelectorAll("[data-zoom]")) field.value = settings[field.dataset.zoom] === null ? "" : String(Number(settings[field.dataset.zoom].toPrecision(8)));
  for (const button of document.querySelectorAll("[data-zoom-reset]")) button.disabled = !isZoomed();
  if (!document.querySelector("[data-chart-setting]")) return;
  const address = new URL(location.href);
  for (const [name, usual] of [["x", "step"], ["y", "linear"], ["xscale", "linear"], ["smooth", 0], ["from", null], ["to", null]]) {
    if (settings[name] === usual) address.searchParams.delete(name);
    else address.searchParams.set(name, settings[name]);
  }
  history.replaceState(history.state, "", address);
}

function readSettings() {
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(KEPT)) ?? {}; } catch { /* as above */ }
  const given = new URLSearchParams(location.search);
  const known = { x: ["step", "relative", "time"], y: ["linear", "log"], xscale: ["linear", "log"] };
  for (const [name, values] of Object.entries(known)) {
    const value = given.get(name) ?? kept[name];
    if (values.includes(value)) settings[name] = value;
  }
  const smooth = Number(given.get("smooth") ?? kept.smooth);
  if (smooth >= 0 && smooth < 1) settings.smooth = smooth;
  const [from, to] = [given.get("from"), given.get("to")].map((text) => (text === null ? NaN : Number(text)));
  if (to > from) Object.assign(settings, { from, to });
}

function readZoomFields() {
  const [from, to] = ["from", "to"].map((name) => document.querySelector(`[data-zoom="${name}"]`).value.trim());
  if (from === "" && to === "") { zoom(null, null); return; }
  const ends = [...figures.values()].filter(({ drawn }) => drawn?.data[0].length).map(({ drawn }) => [drawn.data[0][0], drawn.data[0].at(-1)]);
  const low = from === "" ? Math.min(...ends.map((each) => each[0])) : Number(from);
  const high = to === "" ? Math.max(...ends.map((each) => each[1])) : Number(to);
  for (const name of ["from", "to"]) document.querySelector(`[data-zoom="${name}"]`).setAttribute("aria-invalid", String(!(high > low)));
  if (high > low) zoom(low, high);
}

// Arrow keys walk along the line of the chart that has the focus; + and - zoom about it, 0 goes back.
function onKey(event) {
  const figure = event.target.closest?.("figure[data-metric]");
  const plot = figure && figures.get(figure)?.plot;
  if (!plot || event.target !== figure || event.ctrlKey || event.metaKey || event.altKey) return;
  const { idx } = plot.cursor;
  const xs = plot.data[0];
  const { min, max } = plot.scales.x;
  const at = idx ?? 0;
  const center = idx == null ? (min + max) / 2 : xs[idx];
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const next = Math.max(0, Math.min(xs.length - 1, idx == null ? 0 : at + (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1)));
    plot.setCursor({ left: plot.valToPos(xs[next], "x"), top: 0 });
    spoken().textContent = `${figure.dataset.metric}, ${figure.querySelector(".read .at").textContent}`;
  } else if (event.key === "+" || event.key === "=") zoom(center - (max - min) / 4, center + (max - min) / 4);
  else if (event.key === "-" && isZoomed()) zoom(center - (max - min), center + (max - min));
  else if (event.key === "0" || event.key === "Escape") zoom(null, null);
  else return;
  event.preventDefault();
}

function spoken() {
  let region = document.querySelector("[data-spoken]");
  if (!region) {
    region = document.createElement("p");
    region.className = "hidden";
    region.dataset.spoken = "";
    region.setAttribute("role", "status");
    home.append(region);
  }
  return region;
}

// ---- what is in view

let waiting = [];
const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const state = figures.get(target);
    state.inView = isIntersecting;
    if (!isIntersecting) { if (state.plot) { undraw(target); say(target, ""); } continue; }
    if (!state.columns && !state.isAsked) { state.isAsked = true; waiting.push(target); }
    else if (state.columns) { draw(target, true); if (isZoomed() && !state.detail) look([target]); }
  }
  for (const portion of portions(waiting)) load(portion);
  waiting = [];
}, { rootMargin: "160px" });

function watchNew() {
  for (const figure of home.querySelectorAll("figure[data-metric]")) {
    if (figures.has(figure)) continue;
    figures.set(figure, { columns: null, detail: null, plot: null, drawn: null, inView: false, isAsked: false });
    seen.observe(figure);
  }
}

// ---- while the run goes on

async function refresh() {
  if (document.hidden) return;
  const shown = [...figures].filter(([figure, state]) => { const at = figure.getBoundingClientRect(); return state.columns && at.bottom > 0 && at.top < innerHeight; }).map(([figure]) => figure);
  let came = false;
  for (const portion of portions(shown)) came = (await load(portion)) || came;
  came = (await findNew()) || came;
  if (!came && (await hasEnded())) {
    home.removeAttribute("data-live");
    document.querySelector("[data-ended]").hidden = false;
  }
}

// Whether the run has metrics by now that it had not when the page came. The answer has all that the page should show, in order.
async function findNew() {
  const query = new URLSearchParams(location.search);
  query.set("known", home.dataset.known);
  if (home.querySelector(".more-figures")) query.set("until", [...home.querySelectorAll("figure[data-metric]")].at(-1).dataset.metric);
  const response = await fetch(`${location.pathname}?${query}`, { headers: { "HX-Request": "true", Accept: "text/html" } });
  if (!response.ok || response.status === 204) return false;
  const answer = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("[data-known]");
  if (!answer) return false;
  place(answer);
  home.dataset.known = answer.dataset.known;
  for (const count of document.querySelectorAll("[data-metric-count], .tabs a[href$='/charts'] .count")) count.textContent = answer.dataset.metrics;
  watchNew();
  return true;
}

function place(answer) {
  const there = new Map([...home.querySelectorAll("figure[data-metric]")].map((figure) => [figure.dataset.metric, figure]));
  const room = Number(home.dataset.most || Infinity) - there.size;
  const came = [];
  let before = null;
  for (const figure of answer.querySelectorAll("figure[data-metric]")) {
    const key = figure.dataset.metric;
    if (!there.has(key)) {
      if (came.length >= room) break;
      const section = figure.closest("section.group");
      there.set(key, document.adoptNode(figure));
      if (section) placeInGroup(figure, section, before); else home.append(figure);
      came.push(key);
    }
    before = there.get(key);
  }
  for (const section of answer.querySelectorAll("section.group")) {
    const count = groupOf(section.dataset.group)?.querySelector(".group-name .count");
    if (count) count.textContent = section.querySelector(".group-name .count").textContent;
  }
  const more = answer.querySelector(".more-figures");
  if (more && !home.querySelector(".more-figures")) { home.append(document.adoptNode(more)); htmx.process(more); }
  if (!came.length) return;
  document.querySelector("[data-none]")?.remove();
  spoken().textContent = `New: ${came.slice(0, 5).join(", ")}${came.length > 5 ? ` and ${came.length - 5} more` : ""}`;
}

const groupOf = (name) => [...home.querySelectorAll("section.group")].find((section) => section.dataset.group === name);

// Behind the one before it, where that is of the same group; else first in its group, which may be new itself.
function placeInGroup(figure, section, before) {
  const last = before?.closest("section.group");
  if (last?.dataset.group === section.dataset.group) { before.after(figure); return; }
  const own = groupOf(section.dataset.group);
  if (own) { own.querySelector(".charts").prepend(figure); return; }
  const made = document.importNode(section, true);
  made.querySelector(".charts").replaceChildren(figure);
  if (last) last.after(made); else home.prepend(made);
}

async function hasEnded() {
  const response = await fetch(`${home.dataset.runUrl}?${home.dataset.seriesQuery}`, { headers: { Accept: "application/json" } });
  return response.ok && (await response.json()).status !== "running";
}

// One after the other, however long an answer takes.
async function follow() {
  await refresh().catch(() => {});  // the server is away: asked again in a while
  if (home.dataset.live) setTimeout(follow, REFRESH_MS);
}

if (home) {
  readSettings();
  showSettings();
  watchNew();
  document.body.addEventListener("htmx:afterSettle", watchNew);
  if (home.dataset.live) setTimeout(follow, REFRESH_MS);
  for (const control of document.querySelectorAll("[data-chart-setting]")) control.addEventListener(control.type === "range" ? "input" : "change", () => change(control.dataset.chartSetting, control.value));
  for (const field of document.querySelectorAll("[data-zoom]")) field.addEventListener("change", readZoomFields);
  document.querySelector("[data-zoom-reset]")?.addEventListener("click", () => zoom(null, null));
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(true));
  document.addEventListener("lineal:theme", () => drawAll(true));
  new ResizeObserver(() => { for (const [figure, { plot }] of figures) plot?.setSize({ width: figure.querySelector(".plot").clientWidth, height: HEIGHT }); }).observe(home);
}
