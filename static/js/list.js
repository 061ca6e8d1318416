// Keys to walk through a list of messages, and the open message beside the list.

// Where the list and a message have room beside each other: as in panel.css.
const WIDE = matchMedia("(min-width: 68.75rem)");
const panel = document.querySelector("[data-panel]");
const listTitle = document.title;
const place = () => location.pathname + location.search;
const listPlace = place();

let wanted = null;

const rows = () => [...document.querySelectorAll(".row-link")];
const openRow = () => rows().find((row) => row.ariaCurrent === "true");
const isOpen = () => Boolean(panel) && !panel.hidden;

function mark(row) {
  openRow()?.removeAttribute("aria-current");
  row.ariaCurrent = "true";
}

// The list gets narrower beside the panel, and its rows higher: keep this row where the eye is.
function changeWidth(isHidden, row) {
  const before = row.getBoundingClientRect().top;
  panel.hidden = isHidden;
  scrollBy({ top: row.getBoundingClientRect().top - before, behavior: "instant" });
}

function load(row, takesFocus = true) {
  wanted = { row, takesFocus };
  // A failed request is handled by its event.
  htmx.ajax("GET", row.href, { source: panel, target: "[data-panel-content]", swap: "innerHTML" }).catch(() => {});
}

// htmx would keep copies of pages, with their numbers, in the browser's storage: this keeps an address.
function show() {
  const { row, takesFocus } = wanted;
  const wasOpen = isOpen();
  changeWidth(false, row);
  mark(row);
  panel.querySelector("[data-full]").href = row.href;
  panel.scrollTop = 0;
  sessionStorage.setItem("list", location.origin + listPlace);
  const path = new URL(row.href).pathname;
  if (location.pathname !== path) history[wasOpen ? "replaceState" : "pushState"](null, "", path);
  const heading = panel.querySelector("h1");
  heading.tabIndex = -1;
  if (takesFocus) heading.focus({ preventScroll: true });
}

function hide() {
  const row = openRow();
  document.title = listTitle;
  changeWidth(true, row);
  row.removeAttribute("aria-current");
  row.focus({ preventScroll: true });
}

function walk(step) {
  const all = rows();
  const from = all.indexOf(document.activeElement.closest(".row-link") ?? openRow());
  const row = all[Math.min(Math.max(from + step, 0), all.length - 1)];
  if (!row) return;
  row.focus({ preventScroll: true });
  row.closest("tr").scrollIntoView({ block: "nearest" });
  if (isOpen() && row !== openRow()) load(row, false);
}

// Arrows do what j and k do while a row has the focus or a message is open, and lead from the search into the list.
function walkByArrows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const isOnRow = event.target.matches(".row-link") || (isOpen() && !event.target.closest("input, select, textarea, details, dialog"));
  const leavesSearch = step === 1 && event.target.matches("main [data-search]");
  if (!step || event.defaultPrevented || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || !(isOnRow || leavesSearch)) return;
  event.preventDefault();
  walk(step);
}

function rowAt(target) {
  if (target.closest("a:not(.row-link), button, summary")) return null;
  return target.closest("tr")?.querySelector(".row-link") ?? null;
}

function openOnClick(event) {
  const row = rowAt(event.target);
  if (!row || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  // A time or a badge lies above the link that covers the row.
  if (!row.contains(event.target)) return getSelection().isCollapsed && row.click();
  if (!panel || !WIDE.matches || !row.closest("[data-list]")) return;
  event.preventDefault();
  load(row);
}

function closeOnEscape(event) {
  const isBusy = event.defaultPrevented || document.querySelector("dialog[open]") || event.target.matches("input, select, textarea");
  if (event.key === "Escape" && isOpen() && !isBusy) history.back();
}

// Back and Forward.
function follow() {
  if (place() === listPlace) {
    if (isOpen()) hide();
    return;
  }
  const row = rows().find((one) => new URL(one.href).pathname === location.pathname);
  if (panel && row) load(row);
  else location.reload();
}

document.addEventListener("shortcut", ({ detail: key }) => {
  if (key === "j") walk(1);
  if (key === "k") walk(-1);
});
document.addEventListener("click", openOnClick);
document.addEventListener("keydown", closeOnEscape);
document.addEventListener("keydown", walkByArrows);
addEventListener("popstate", follow);
if (panel) {
  panel.addEventListener("htmx:afterSwap", (event) => { if (event.target.matches("[data-panel-content]")) show(); });
  for (const failed of ["htmx:responseError", "htmx:sendError"]) {
    panel.addEventListener(failed, (event) => { if (event.detail.elt === panel) location.assign(wanted.row.href); });
  }
  panel.querySelector("[data-close]").addEventListener("click", () => history.back());
  // The address is the message's: its page has the room that the panel lost.
  WIDE.addEventListener("change", () => { if (isOpen() && !WIDE.matches) location.reload(); });
}
