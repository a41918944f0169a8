// The frame of every page: menus that close by themselves, dialogs, the choice of light or dark.
"use strict";

// An open menu closes when the person goes on elsewhere or presses Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});

// data-dialog="id" opens that dialog, data-close closes the one it is in; so does a click beside it.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) { event.preventDefault(); openDialog(opener.dataset.dialog); return; }
  const dialog = event.target.closest("dialog[open]");
  if (!dialog) return;
  const closer = event.target.closest("[data-close]");
  if (closer || event.target === dialog) { event.preventDefault(); dialog.close(); }
});

function openDialog(id) {
  const rail = document.getElementById("rail");
  if (rail?.matches(":popover-open")) rail.hidePopover();
  const dialog = document.getElementById(id);
  if (dialog && !dialog.open) dialog.showModal();
}

// A cookie and no storage: the server writes the choice into the page, so that it never shows in the other colours first.
const YEAR_S = 365 * 24 * 3600;

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function switchTheme() {
  const theme = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  document.cookie = `lineal_theme=${theme}; path=/; max-age=${YEAR_S}; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  document.dispatchEvent(new CustomEvent("lineal:theme", { detail: { theme } }));  // what is drawn on a canvas draws anew
}

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  button.hidden = false;
  button.addEventListener("click", switchTheme);
}

// On a narrow screen the list of settings is a strip; where one is in it stays in sight.
const here = document.querySelector(".index-nav [aria-current]");
if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 2 + here.clientWidth / 2;
