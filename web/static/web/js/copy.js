// Copy buttons: anything with data-copy puts that text on the clipboard; data-copy-of="id" the text of that element.
"use strict";

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
  const button = event.target.closest("[data-copy], [data-copy-of]");
  if (!button) return;
  const text = button.dataset.copy ?? document.getElementById(button.dataset.copyOf).textContent;
  try {
    await copyText(text);
    button.classList.add("done");
    button.title = "Copied";
  } catch (error) {
    toast(`Not copied: ${error.message}`, { tone: "bad" });
  }
  setTimeout(() => { button.classList.remove("done"); button.title = ""; }, 1500);
});
