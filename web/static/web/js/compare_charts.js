// Charts of several runs laid over one another, a figure for each metric: fetched when they come into view, drawn by uPlot.
const POINTS_IN_ALL = 24000;  // of a figure, over its runs
const KEYS_AT_ONCE = 4;
const LIVE_MS = 5000;
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 4, 1, 4]];
const dyed = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const brief = (value) => (value == null ? "–" : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5))));

let stage = null;  // what is drawn now: the page's content may be exchanged

function settingsOf(hash) {
  const said = new URLSearchParams(hash.slice(1));
  return { x: ["step", "relative", "wall"].includes(said.get("x")) ? said.get("x") : "step", logx: said.get("logx") === "1", logy: said.get("logy") === "1", smooth: Math.min(0.99, Math.max(0, Number(said.get("smooth")) || 0)), find: said.get("find") ?? "" };
}

class Stage {
  constructor(box, settings) {
    this.box = box;
    this.told = JSON.parse(document.getElementById("compared-runs").dataset.told);
    this.figures = [...box.querySelectorAll("figure[data-metric]")];
    this.loaded = new Map();  // figure -> by run id, columns
    this.plots = new Map();
    this.hidden = new Set();
    this.settings = settings;
    this.section = box.closest("section");
    this.section.hidden = false;
    this.watch();
    this.listen();
    this.find();
  }

  watch() {
    this.seen = new IntersectionObserver((entries) => {
      const due = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
      for (const figure of due) this.seen.unobserve(figure);
      for (let at = 0; at < due.length; at += KEYS_AT_ONCE) this.load(due.slice(at, at + KEYS_AT_ONCE));
    }, { rootMargin: "200px" });
    for (const figure of this.figures) this.seen.observe(figure);
    this.sized = new ResizeObserver(() => { for (const [figure, plot] of this.plots) plot.setSize({ width: figure.querySelector(".plot").clientWidth, height: 168 }); });
    this.sized.observe(this.box);
    if (this.told.runs.some((run) => run.running)) this.timer = setInterval(() => { if (!document.hidden) this.refresh(); }, LIVE_MS);
  }

  stop() {
    this.seen.disconnect();
    this.sized.disconnect();
    clearInterval(this.timer);
    for (const plot of this.plots.values()) plot.destroy();
  }

  listen() {
    for (const control of this.section.querySelectorAll("[data-setting]")) {
      const name = control.dataset.setting;
      const is = this.settings[name];
      if (control.type === "checkbox") control.checked = is; else control.value = is;
      control.addEventListener(control.type === "range" || control.type === "search" ? "input" : "change", () => {
        this.settings[name] = control.type === "checkbox" ? control.checked : control.type === "range" ? Number(control.value) : control.value;
        if (control.type === "range") control.setAttribute("aria-valuetext", control.value);
        this.keep();
        if (name === "find") this.find(); else this.drawAll();
      });
    }
  }

  keep() {
    const said = new URLSearchParams();
    for (const [name, value] of Object.entries(this.settings)) if (value && value !== "step") said.set(name, value === true ? "1" : value);
    history.replaceState(history.state, "", `${location.pathname}${location.search}${said.size ? `#${said}` : ""}`);
  }

  find() {
    const sought = this.settings.find.toLowerCase();
    for (const figure of this.figures) figure.hidden = !figure.dataset.metric.toLowerCase().includes(sought);
  }

  async load(figures, ids = this.told.runs.map((run) => run.id)) {
    const points = Math.max(60, Math.min(1000, Math.floor(POINTS_IN_ALL / this.told.runs.length)));
    const token = document.cookie.match(/(?:^|; )lineal_csrf=([^;]+)/)?.[1] ?? "";
    try {
      const response = await fetch(`/api/v1/series/search?${new URLSearchParams({ project: this.told.project })}`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ runs: ids, keys: figures.map((figure) => figure.dataset.metric), max_points: points }),
      });
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      for (const figure of figures) {
        const columns = this.loaded.get(figure) ?? new Map();
        for (const item of answer.items) if (Object.hasOwn(item.series, figure.dataset.metric)) columns.set(item.run, item.series[figure.dataset.metric]);
        this.loaded.set(figure, columns);
        this.draw(figure);
      }
      for (const item of answer.items) { const run = this.told.runs.find((each) => each.id === item.run); if (run) run.running = item.status === "running"; }
    } catch (error) {
      for (const figure of figures) if (!this.loaded.has(figure)) this.say(figure, `Not loaded: ${error.message}`);
    }
  }

  async refresh() {
    const going = this.told.runs.filter((run) => run.running).map((run) => run.id);
    const due = [...this.loaded.keys()].filter((figure) => { const at = figure.getBoundingClientRect(); return at.bottom > 0 && at.top < innerHeight; });
    if (!going.length) { clearInterval(this.timer); return; }
    for (let at = 0; at < due.length; at += KEYS_AT_ONCE) await this.load(due.slice(at, at + KEYS_AT_ONCE), going);
  }

  say(figure, words) {
    const said = document.createElement("p");
    said.className = "said";
    said.textContent = words;
    this.plots.get(figure)?.destroy();
    this.plots.delete(figure);
    figure.querySelector(".plot").replaceChildren(said);
  }

  across(columns) {
    if (this.settings.x === "step") return columns.steps;
    const begun = this.settings.x === "relative" ? columns.times[0] : 0;
    return columns.times.map((time) => (time - begun) / 1e6);
  }

  line(columns) {
    const rows = this.across(columns).map((x, at) => [x, columns.values[at]]).sort((a, b) => a[0] - b[0]);
    const fits = ([x]) => !this.settings.logx || x > 0;
    const kept = rows.filter((row, at) => fits(row) && (at === rows.length - 1 || rows[at + 1][0] !== row[0]));
    const up = (value) => (typeof value === "number" && Number.isFinite(value) && (!this.settings.logy || value > 0) ? value : null);
    return [kept.map((row) => row[0]), smoothed(kept.map((row) => up(row[1])), this.settings.smooth)];
  }

  drawAll() { for (const figure of this.loaded.keys()) this.draw(figure); }

  draw(figure) {
    const columns = this.loaded.get(figure);
    const runs = this.told.runs.filter((run, place) => columns.has(run.id) && !this.hidden.has(place));
    const lines = runs.map((run) => this.line(columns.get(run.id)));
    if (!lines.some((line) => line[1].some((value) => value !== null))) { this.say(figure, columns.size ? "No value to draw." : "No points."); return; }
    this.plots.get(figure)?.destroy();
    const box = figure.querySelector(".plot");
    box.replaceChildren();
    this.plots.set(figure, new uPlot(this.options(figure, runs, lines), uPlot.join(lines), box));
  }

  options(figure, runs, lines) {
    const read = figure.querySelector(".read");
    const axis = { stroke: dyed("--ink-2"), grid: { stroke: dyed("--chart-grid"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", gap: 4 };
    const { x, logx, logy } = this.settings;
    const few = Math.max(...lines.map((line) => line[0].length)) < 30;
    return {
      width: figure.querySelector(".plot").clientWidth,
      height: 168,
      legend: { show: false },
      cursor: { y: false, sync: { key: "compared" }, points: { size: 6 }, focus: { prox: 24 } },
      focus: { alpha: 0.25 },
      scales: { x: { time: x === "wall", distr: logx && x !== "wall" ? 3 : 1, range: (plot, low, high) => rangeAcross(plot.data[0], low, high, logx && x !== "wall") }, y: { distr: logy ? 3 : 1, range: (_, low, high) => rangeUp(low, high, logy) } },
      axes: [{ ...axis, size: 26, values: x === "relative" ? (_, ticks) => ticks.map((tick) => (tick == null ? "" : span(tick))) : undefined }, { ...axis, size: 58 }],
      series: [{}, ...runs.map((run) => ({ label: run.name, stroke: dyed(`--chart-${run.colour}`), dash: DASHES[run.dash % DASHES.length], width: 1.5, spanGaps: true, points: { show: few, size: 4 } }))],
      hooks: { setCursor: [(plot) => { read.textContent = this.reading(plot, runs); }], setSeries: [(plot) => { read.textContent = this.reading(plot, runs); }] },
    };
  }

  // What the line under the pointer is, or how many there are at this place.
  reading(plot, runs) {
    const at = plot.cursor.idx;
    if (at == null) return "";
    const x = plot.data[0][at];
    const where = this.settings.x === "step" ? `step ${x}` : this.settings.x === "wall" ? new Date(x * 1000).toISOString() : span(x);
    const near = plot.series.findIndex((series, place) => place > 0 && series._focus);
    if (near > 0 && plot.data[near][at] != null) return `${runs[near - 1].name} · ${where}: ${brief(plot.data[near][at])}`;
    const values = runs.map((run, place) => plot.data[place + 1][at]).filter((value) => value != null);
    return values.length ? `${where}: ${brief(Math.min(...values))} to ${brief(Math.max(...values))}` : where;
  }

  show(place, isShown) {
    if (isShown) this.hidden.delete(place); else this.hidden.add(place);
    this.drawAll();
  }
}

const span = (seconds) => (Math.abs(seconds) < 60 ? `${brief(seconds)} s` : Math.abs(seconds) < 3600 ? `${brief(seconds / 60)} min` : `${brief(seconds / 3600)} h`);

// A running mean that forgets, without the pull to zero at its beginning; gaps stay gaps.
function smoothed(values, weight) {
  if (!weight) return values;
  let mean = 0;
  let sum = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = mean * weight + value * (1 - weight);
    sum = sum * weight + (1 - weight);
    return mean / sum;
  });
}

function begin() {
  const kept = stage?.settings;  // the address of an exchanged page has no settings in it
  stage?.stop();
  stage = null;
  const box = document.getElementById("compare-charts");
  if (box) stage = new Stage(box, kept ?? settingsOf(location.hash));
  if (kept) stage?.keep();
  for (const shown of document.querySelectorAll(".compared .shown")) {
    shown.hidden = false;
    shown.addEventListener("change", () => {
      stage?.show(Number(shown.value), shown.checked);
      document.dispatchEvent(new CustomEvent("compare:shown", { detail: { place: Number(shown.value), shown: shown.checked } }));
    });
  }
}

document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "compare") begin(); });
document.addEventListener("lineal:theme", () => stage?.drawAll());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => stage?.drawAll());
begin();
