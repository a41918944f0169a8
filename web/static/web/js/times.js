// Keeps "3 min ago" true while a page stays open. The same words as the server's `relative`.
"use strict";

const STEPS = [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"], [60 * 86400, 86400, "d"]];

function relative(moment, now) {
  const seconds = (now - moment) / 1000;
  const distance = Math.abs(seconds);
  if (distance < 5) return "now";
  for (const [below, unit, name] of STEPS) {
    if (distance < below) return seconds > 0 ? `${Math.floor(distance / unit)} ${name} ago` : `in ${Math.floor(distance / unit)} ${name}`;
  }
  return moment.toISOString().slice(0, 10);
}

setInterval(() => {
  const now = new Date();
  for (const time of document.querySelectorAll("time[data-relative]")) time.textContent = relative(new Date(time.dateTime), now);
}, 15000);
