// Shortcuts. A link or button with data-keys="g r" is followed when these are typed one after the other; data-key="/" is a field
// that the key puts the cursor into. So what the pages offer and what the keys do cannot differ.
"use strict";

const NEXT_KEY_WITHIN_MS = 1500;
let typed = [];
let forget;

const isTyping = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
  if (isTyping(event.target)) { if (event.key === "Escape") event.target.blur(); return; }
  if (document.querySelector("dialog[open]") || event.key.length !== 1) return;
  clearTimeout(forget);
  typed = [...typed, event.key].slice(-2);
  forget = setTimeout(() => { typed = []; }, NEXT_KEY_WITHIN_MS);
  if (answer(typed.join(" ")) || answer(event.key)) { event.preventDefault(); typed = []; }
});

function answer(keys) {
  if (keys === "?") { openDialog("keys"); return true; }
  if (keys === "t") { switchTheme(); return true; }
  const quoted = CSS.escape(keys);
  const field = document.querySelector(`main [data-key="${quoted}"]`) ?? document.querySelector(`[data-key="${quoted}"]`);
  if (field) { enter(field); return true; }
  const target = document.querySelector(`[data-keys="${quoted}"]`);
  target?.click();
  return Boolean(target);
}

// The search of the side bar is folded away on a narrow screen: then it is unfolded.
function enter(field) {
  const side = field.closest("[popover]");
  if (side && !field.checkVisibility()) side.showPopover();
  field.focus();
  field.select?.();
}
