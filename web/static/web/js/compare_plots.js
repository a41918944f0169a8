// Runs as points (scatter) and as lines across axes (parallel coordinates), drawn as SVG from what the page brings along.
const SVG = "http://www.w3.org/2000/svg";
const MOST_AXES = 8;  // shown at first
const round = (value) => (value == null ? "–" : typeof value !== "number" ? String(value) : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4))));

function shape(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const named = (axis) => (axis.kind === "param" ? `${axis.key} (param)` : axis.key);

// Where a value lies on an axis, from 0 to 1; null where it lies nowhere. Words lie in the order of their names, evenly.
function scale(axis, isLog = false) {
  if (!axis.numeric) {
    const words = [...new Set(axis.values.filter((value) => value != null))].sort();
    return { at: (value) => (value == null ? null : words.length < 2 ? 0.5 : words.indexOf(value) / (words.length - 1)), ticks: words.slice(0, 12).map((word) => [words.length < 2 ? 0.5 : words.indexOf(word) / (words.length - 1), word]) };
  }
  const log = isLog && axis.values.some((value) => value > 0);
  const to = (value) => (log ? Math.log10(value) : value);
  const known = axis.values.filter((value) => value != null && (!log || value > 0)).map(to);
  const low = Math.min(...known);
  const high = Math.max(...known);
  const reach = high - low;
  const back = (place) => (log ? 10 ** (low + place * reach) : low + place * reach);
  const at = (value) => (value == null || (log && value <= 0) ? null : reach ? (to(value) - low) / reach : 0.5);
  return { at, back, ticks: reach ? [0, 0.25, 0.5, 0.75, 1].map((place) => [place, round(back(place))]) : [[0.5, round(back(0))]] };
}

function choices(select, axes, chosen) {
  select.replaceChildren(...axes.map((axis) => new Option(named(axis), axis.place, false, axis === chosen)));
}

class Scatter {
  constructor(told, box) {
    this.told = told;
    this.box = box;
    this.hidden = new Set();
    const metrics = told.axes.filter((axis) => axis.kind === "metric");
    const section = box.closest("section");
    this.x = told.axes.find((axis) => axis.kind === "param" && axis.numeric) ?? metrics[0];
    this.y = metrics.find((axis) => axis !== this.x) ?? metrics[0];
    if (!this.y) return;
    section.hidden = false;
    this.controls = Object.fromEntries([...section.querySelectorAll("[data-scatter]")].map((control) => [control.dataset.scatter, control]));
    choices(this.controls.x, told.axes, this.x);
    choices(this.controls.y, metrics, this.y);
    for (const control of Object.values(this.controls)) {
      control.addEventListener("change", () => {
        this.x = told.axes[this.controls.x.value];
        this.y = told.axes[this.controls.y.value];
        this.draw();
      });
    }
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(box);
  }

  stop() { this.sized?.disconnect(); }

  draw() {
    const width = Math.max(280, this.box.clientWidth);
    if (this.width === width && this.drawnFor === this.state()) return;
    this.width = width;
    this.drawnFor = this.state();
    const height = Math.min(380, width * 0.7);
    const [left, bottom, top, right] = [64, 40, 12, 16];
    const [xs, ys] = [scale(this.x, this.controls.logx.checked), scale(this.y, this.controls.logy.checked)];
    const px = (place) => left + 8 + place * (width - left - right - 16);
    const py = (place) => height - bottom - 8 - place * (height - top - bottom - 16);
    const svg = shape("svg", { class: "scatter", width, height, role: "group", "aria-label": `${named(this.y)} against ${named(this.x)}` });
    for (const [place, words] of xs.ticks) svg.append(shape("line", { class: "grid", x1: px(place), x2: px(place), y1: top, y2: height - bottom }), shape("text", { x: px(place), y: height - bottom + 15, "text-anchor": "middle" }, clipped(words, 14)));
    for (const [place, words] of ys.ticks) svg.append(shape("line", { class: "grid", x1: left, x2: width - right, y1: py(place), y2: py(place) }), shape("text", { x: left - 6, y: py(place) + 4, "text-anchor": "end" }, clipped(words, 9)));
    svg.append(shape("text", { class: "name", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, clipped(named(this.x), 60)));
    this.told.runs.forEach((run, place) => {
      const [x, y] = [xs.at(this.x.values[place]), ys.at(this.y.values[place])];
      if (x == null || y == null || this.hidden.has(place)) return;
      const link = shape("a", { href: `/projects/${encodeURIComponent(this.told.project)}/runs/${run.id}` });
      const point = shape("circle", { class: `point c${run.colour}${run.dash ? " hollow" : ""}`, cx: px(x), cy: py(y), r: 5.5 });
      point.append(shape("title", {}, `${run.name}\n${named(this.x)}: ${round(this.x.values[place])}\n${named(this.y)}: ${round(this.y.values[place])}`));
      link.setAttribute("aria-label", `${run.name}: ${named(this.x)} ${round(this.x.values[place])}, ${named(this.y)} ${round(this.y.values[place])}`);
      link.append(point);
      svg.append(link);
    });
    this.box.replaceChildren(svg);
  }

  state() { return [this.x.place, this.y.place, this.controls.logx.checked, this.controls.logy.checked, ...this.hidden].join(); }
  show(place, isShown) { if (isShown) this.hidden.delete(place); else this.hidden.add(place); if (this.controls) this.draw(); }
}

const clipped = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

class Parallel {
  constructor(told, box) {
    this.told = told;
    this.box = box;
    this.hidden = new Set();
    this.brushes = new Map();  // axis -> [low, high], from 0 to 1
    if (told.axes.length < 2 || told.runs.length < 2) return;
    this.section = box.closest("section");
    this.section.hidden = false;
    const params = told.axes.filter((axis) => axis.kind === "param").slice(0, MOST_AXES - 2);
    const metrics = told.axes.filter((axis) => axis.kind === "metric").slice(0, Math.max(2, MOST_AXES - params.length));
    this.shown = new Set([...params, ...metrics].slice(0, MOST_AXES));
    this.colour = metrics.at(-1) ?? told.axes[0];
    const select = this.section.querySelector("[data-parallel=colour]");
    choices(select, told.axes.filter((axis) => axis.numeric), this.colour);
    select.addEventListener("change", () => { this.colour = told.axes[select.value]; this.draw(); });
    this.clear = this.section.querySelector("[data-parallel=clear]");
    this.clear.addEventListener("click", () => { this.brushes.clear(); this.draw(); });
    this.offer();
    this.sized = new ResizeObserver(() => { if (this.width !== this.room()) this.draw(); });
    this.sized.observe(box);
    this.draw();
  }

  stop() { this.sized?.disconnect(); }

  offer() {
    const panel = this.section.querySelector(".axes");
    panel.replaceChildren(...this.told.axes.map((axis) => {
      const label = document.createElement("label");
      const box = document.createElement("input");
      box.type = "checkbox";
      box.checked = this.shown.has(axis);
      box.addEventListener("change", () => { if (box.checked) this.shown.add(axis); else { this.shown.delete(axis); this.brushes.delete(axis); } this.draw(); });
      label.append(box, document.createTextNode(named(axis)));
      return label;
    }));
  }

  room() { return Math.max(this.box.clientWidth, this.shown.size * 84); }

  isKept(place) {
    if (this.hidden.has(place)) return false;
    return [...this.brushes].every(([axis, [low, high]]) => { const at = this.scales.get(axis).at(axis.values[place]); return at != null && at >= low - 1e-9 && at <= high + 1e-9; });
  }

  draw() {
    const axes = this.told.axes.filter((axis) => this.shown.has(axis));
    this.width = this.room();
    const [height, top, bottom, side] = [300, 34, 26, 24];
    this.scales = new Map(this.told.axes.map((axis) => [axis, scale(axis)]));
    const px = (number) => (axes.length < 2 ? this.width / 2 : side + (number * (this.width - 2 * side - 40)) / (axes.length - 1));
    const py = (place) => height - bottom - place * (height - top - bottom);
    const svg = shape("svg", { class: "parallel", width: this.width, height, role: "group", "aria-label": "Runs across axes" });
    const tint = this.scales.get(this.colour);
    const order = this.told.runs.map((run, place) => place).sort((a, b) => this.isKept(a) - this.isKept(b));
    for (const place of order) {
      const run = this.told.runs[place];
      if (this.hidden.has(place)) continue;
      const path = [];
      let pen = "M";
      axes.forEach((axis, number) => {
        const at = this.scales.get(axis).at(axis.values[place]);
        if (at == null) { pen = "M"; return; }
        path.push(`${pen}${px(number).toFixed(1)} ${py(at).toFixed(1)}`);
        pen = "L";
      });
      const at = tint.at(this.colour.values[place]);
      const line = shape("path", { class: this.isKept(place) ? "run" : "run out", d: path.join("") });
      line.style.stroke = at == null ? "var(--edge)" : `color-mix(in oklab, var(--chart-1) ${Math.round(at * 100)}%, var(--parallel-low))`;
      line.append(shape("title", {}, `${run.name}\n${axes.map((axis) => `${named(axis)}: ${round(axis.values[place])}`).join("\n")}`));
      svg.append(line);
    }
    axes.forEach((axis, number) => svg.append(this.axis(axis, px(number), py, [top, height - bottom], number, axes.length)));
    const focused = document.activeElement?.dataset?.axis;
    this.box.replaceChildren(svg);
    if (focused !== undefined) this.box.querySelector(`[data-axis="${focused}"]`)?.focus();
    const kept = this.told.runs.filter((run, place) => this.isKept(place)).length;
    this.clear.hidden = !this.brushes.size;
    this.section.querySelector("[data-parallel=said]").textContent = this.brushes.size ? `${kept} of ${this.told.runs.length} runs within` : "";
  }

  axis(axis, x, py, [top, bottom], number, count) {
    const group = shape("g", { class: "axis", tabindex: 0, role: "slider", "aria-label": `Range of ${named(axis)}`, "data-axis": axis.place, "aria-orientation": "vertical", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0, "aria-valuetext": "all" });
    group.append(shape("line", { x1: x, x2: x, y1: top, y2: bottom }));
    for (const [place, words] of this.scales.get(axis).ticks) group.append(shape("text", { class: "tick", x: x + 5, y: py(place) + 3.5 }, clipped(words, 9)));
    const name = shape("text", { class: "name", x, y: number % 2 ? 11 : 24, "text-anchor": number === 0 ? "start" : number === count - 1 ? "end" : "middle", dx: number === 0 ? -12 : number === count - 1 ? 36 : 0 }, clipped(named(axis), 18));
    name.append(shape("title", {}, named(axis)));
    group.append(name, shape("rect", { class: "catch", x: x - 14, y: top - 4, width: 28, height: bottom - top + 8 }));
    const brush = this.brushes.get(axis);
    if (brush) {
      group.append(shape("rect", { class: "brush", x: x - 6, width: 12, y: py(brush[1]), height: Math.max(2, py(brush[0]) - py(brush[1])) }));
      const { back } = this.scales.get(axis);
      group.setAttribute("aria-valuenow", Math.round(brush[0] * 100));
      group.setAttribute("aria-valuetext", back ? `${round(back(brush[0]))} to ${round(back(brush[1]))}` : `${Math.round(brush[0] * 100)} to ${Math.round(brush[1] * 100)} %`);
    }
    const place = (event) => { const box = this.box.querySelector("svg").getBoundingClientRect(); return Math.min(1, Math.max(0, (bottom - (event.clientY - box.top)) / (bottom - top))); };
    group.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const begun = place(event);
      const move = (moved) => {
        const ends = [begun, place(moved)].sort((a, b) => a - b);
        if (ends[1] - ends[0] > 0.01) this.brushes.set(axis, ends); else this.brushes.delete(axis);
        this.draw();
      };
      const end = () => { document.removeEventListener("pointermove", move); this.box.querySelector(`[data-axis="${axis.place}"]`)?.focus(); };
      document.addEventListener("pointermove", move);
      document.addEventListener("pointerup", end, { once: true });
      if (brush) { this.brushes.delete(axis); this.draw(); }
    });
    group.addEventListener("keydown", (event) => this.key(event, axis));
    return group;
  }

  key(event, axis) {
    const step = 0.05;
    let [low, high] = this.brushes.get(axis) ?? [0, 1];
    const way = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (event.key === "Escape" && this.brushes.has(axis)) this.brushes.delete(axis);
    else if (way && event.shiftKey) high = Math.min(1, Math.max(low + step, high + way * step));
    else if (way && !this.brushes.has(axis)) [low, high] = way > 0 ? [step, 1] : [0, 1 - step];
    else if (way && (low + way * step < 0 || high + way * step > 1)) [low, high] = way > 0 ? [Math.min(low + step, high - step), high] : [low, Math.max(high - step, low + step)];
    else if (way) [low, high] = [low + way * step, high + way * step];
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (way) this.brushes.set(axis, [low, high]);
    this.draw();
  }

  show(place, isShown) { if (isShown) this.hidden.delete(place); else this.hidden.add(place); if (this.section) this.draw(); }
}

let plots = [];
function start() {
  for (const plot of plots) plot.stop();
  plots = [];
  const source = document.getElementById("compared-runs");
  if (!source) return;
  const told = JSON.parse(source.dataset.told);
  told.axes.forEach((axis, place) => { axis.place = place; });
  told.axes = told.axes.filter((axis) => axis.values.some((value) => value != null));
  told.axes.forEach((axis, place) => { axis.place = place; });
  const [scatter, parallel] = [document.getElementById("scatter-plot"), document.getElementById("parallel-plot")];
  if (scatter && told.axes.length) plots.push(new Scatter(told, scatter));
  if (parallel && told.axes.length) plots.push(new Parallel(told, parallel));
}

document.body.addEventListener("htmx:afterSwap", (event) => { if (event.detail.target.id === "compare") start(); });
document.addEventListener("compare:shown", (event) => { for (const plot of plots) plot.show(event.detail.place, event.detail.shown); });
start();
