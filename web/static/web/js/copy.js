// Copy buttons: anything with data-copy puts that text on the clipboard. Also marks the page as scripted for the styles.
"use strict";

document.documentElement.classList.add("js");

// navigator.clipboard exists only on HTTPS and localhost; elsewhere a selected field and the old command do it.
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "hidden";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser refused to copy");
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await copyText(button.dataset.copy);
    button.classList.add("done");
    button.title = "Copied";
  } catch (error) {
    button.title = `Not copied: ${error.message}`;
  }
  setTimeout(() => { button.classList.remove("done"); button.title = ""; }, 1500);
});
