// Tabs that do not fit scroll sideways: the one that is open is in sight.
"use strict";

const openTab = document.querySelector(".tabs [aria-current]");
if (openTab) openTab.parentElement.scrollLeft = openTab.offsetLeft - openTab.parentElement.offsetLeft - (openTab.parentElement.clientWidth - openTab.offsetWidth) / 2;
