// Series as columns, without a page: what is drawn of them, smoothed, and how their numbers are written.
"use strict";

// NaN and the infinities arrive as strings, since JSON lacks them: the line has a gap there, and a mark says which it is.
const ODD = { NaN: { sign: "×", atTop: false }, Infinity: { sign: "▲", atTop: true }, "-Infinity": { sign: "▼", atTop: false } };

const finite = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
const shortNumber = (value) => (value == null ? "–" : typeof value === "string" ? value : Number.isInteger(value) && Math.abs(value) < 1e15 ? String(value) : String(Number(value.toPrecision(6))));

// Of an axis: few characters, whatever the size.
function axisNumber(value) {
  if (value == null) return "";
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e15 || size < 1e-4) return value.toExponential(Number((value / 10 ** Math.floor(Math.log10(size))).toPrecision(3)) % 1 ? 1 : 0);
  for (const [unit, sign] of [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (size >= unit) return `${Number((value / unit).toPrecision(4))}${sign}`;
  return String(Number(value.toPrecision(5)));
}

// A length of time in its largest unit, or the two largest.
function span(seconds, exact = false) {
  const sign = seconds < 0 ? "−" : "";
  const size = Math.abs(seconds);
  if (size < 60) return `${sign}${Number(size.toPrecision(exact ? 4 : 3))} s`;
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const at = units.findIndex(([unit]) => size >= unit);
  const [unit, name] = units[at];
  const whole = Math.floor(size / unit);
  const rest = units[at + 1] ? Math.round((size - whole * unit) / units[at + 1][0]) : 0;
  return rest ? `${sign}${whole} ${name} ${rest} ${units[at + 1][1]}` : `${sign}${whole} ${name}`;
}

const clockTime = (seconds) => new Date(seconds * 1000).toISOString().replace("T", " ").replace(/\.?0*Z$/, " UTC");

// An exponential mean that owes nothing to where it began: each value counts `weight` times as much as the one after it. What is no number is stepped over.
function smoothed(values, weight) {
  if (!(weight > 0)) return values.slice();
  let mean = 0;
  let count = 0;
  return values.map((value) => {
    if (value === null) return null;
    mean = mean * weight + (1 - weight) * value;
    count += 1;
    return mean / (1 - weight ** count);
  });
}

// Across, up, and what is no number, by place across. `settings` says what is across, and which scales are logarithms.
function columnsOf(columns, settings, origin) {
  const { steps, times, values } = columns;
  const across = { step: (i) => steps[i], relative: (i) => times[i] / 1e6 - origin, time: (i) => times[i] / 1e6 }[settings.x];
  const rows = [];
  for (let i = 0; i < values.length; i++) {
    const x = across(i);
    if (settings.xscale !== "log" || settings.x === "time" || x > 0) rows.push([x, values[i]]);
  }
  rows.sort((a, b) => a[0] - b[0]);
  const shown = (value) => (settings.y === "log" && typeof value === "number" && value <= 0 ? null : finite(value));
  const up = rows.map((row) => shown(row[1]));
  return { data: [rows.map((row) => row[0]), up, smoothed(up, settings.smooth)], odd: rows.filter((row) => row[1] in ODD), last: values.at(-1) };
}

// The ends of an upright axis, in the form that uPlot asks for them.
function rangeUp(low, high, isLog) {
  if (low == null) return [null, null];
  return rangeAbout(low, high, isLog) ?? (isLog ? uPlot.rangeLog(low, high, 10, false) : uPlot.rangeNum(low, high, 0.1, true));
}

// The ends of the axis below: those of the data, of which uPlot makes 0 to 100 or so where they are one place; then that place in the middle.
function rangeAcross(places, low, high, isLog) {
  const [first, last] = [places[0], places.at(-1)];
  if (first == null || first !== last) return [low, high];
  return isLog ? [first / 5, first * 5] : [first - 1, first + 1];
}

// What an axis shows of values from `low` to `high`, where they are one value, or differ by no more than what rounding leaves: that value in the
// middle, with a tenth of it on either side, or a few times as much and as little on a logarithmic scale. Null where they do differ.
function rangeAbout(low, high, isLog) {
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > size * 1e-9) return null;
  const middle = low + (high - low) / 2;
  if (isLog) return [middle / 5, middle * 5];
  const margin = size / 10 || 1;
  return [middle - margin, middle + margin];
}

// The steps that lie between two places across, and one point more on either side.
function stepsBetween(columns, settings, origin, from, to) {
  if (settings.x === "step") {
    const margin = (to - from) / 8;
    return [Math.floor(from - margin), Math.ceil(to + margin)];
  }
  const place = (time) => (settings.x === "relative" ? time / 1e6 - origin : time / 1e6);
  let first = null;
  let last = null;
  for (let i = 0; i < columns.steps.length; i++) {
    const x = place(columns.times[i]);
    if (x <= from || first === null) first = first === null ? columns.steps[i] : Math.max(first, columns.steps[i]);
    if (x >= to) { last = columns.steps[i]; break; }
  }
  return [first ?? 0, last ?? columns.steps.at(-1) ?? 0];
}
