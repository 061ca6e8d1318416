// Comfort on top of pages that work without it.

const announce = (text) => { document.getElementById("announcement").textContent = text; };

function focusSearchOnSlash(event) {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const search = document.querySelector("[data-search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}

function closeMenuOnEscape(event) {
  if (event.key !== "Escape") return;
  const menu = event.target.closest("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
}

function closeMenusElsewhere(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector("[data-label]");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent.trim().replace(/\s+/g, " "));
  } catch {
    // No permission, or an insecure origin: the text is selected, ready for Ctrl-C.
    getSelection().selectAllChildren(source);
    return;
  }
  label.textContent = button.dataset.done;
  announce(button.dataset.done);
  button.classList.add("copied");
  setTimeout(() => { label.textContent = before; button.classList.remove("copied"); }, 2000);
}

function offerCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}

// The server only knows the zone that goes with the language; the browser knows the viewer's own.
function offerOwnTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const button of document.querySelectorAll("[data-own-zone]")) {
    if (!zone) continue;
    button.value = zone;
    button.title = zone;
  }
}

function offerPrinting() {
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
}

document.addEventListener("keydown", focusSearchOnSlash);
document.addEventListener("keydown", closeMenuOnEscape);
document.addEventListener("click", closeMenusElsewhere);
offerCopying();
offerOwnTimeZone();
offerPrinting();
