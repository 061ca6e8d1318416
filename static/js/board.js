// Comfort on top of pages that work without it.

const announce = (text) => { document.getElementById("announcement").textContent = text; };

function focusSearch() {
  const search = document.querySelector("main [data-search]") ?? document.querySelector("[data-search]");
  search?.focus();
  search?.select();
}

const showKeys = () => document.getElementById("keys")?.showModal();

const SHORTCUTS = {
  "/": focusSearch,
  "?": showKeys,
  c: () => document.querySelector('[data-copy="#sentence"]')?.click(),
};

// The keys of one page are taken by its own script.
function takeShortcut(event) {
  const isTyping = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], dialog");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = SHORTCUTS[event.key];
  if (!act) return document.dispatchEvent(new CustomEvent("shortcut", { detail: event.key }));
  event.preventDefault();
  act();
}

// Then the keys of the page work. In a search with text, Escape first clears it.
function leaveEmptySearchOnEscape(event) {
  if (event.key === "Escape" && event.target.matches("[data-search]") && !event.target.value) event.target.blur();
}

function closeMenuOnEscape(event) {
  if (event.key !== "Escape") return;
  const menu = event.target.closest("details.menu[open]");
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
}

function closeMenusElsewhere(event) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
}

function closeMenuThatIsLeft(event) {
  const menu = event.target.closest("details.menu[open]");
  const next = event.relatedTarget;
  // A click on a menu's plain words focuses what lies around it.
  if (menu && next && !menu.contains(next) && !next.contains(menu)) menu.open = false;
}

// To the search and the filters that led here, through whichever of its pages.
function leadBackToTheList() {
  const back = document.querySelector("[data-back]");
  if (!back) return;
  const from = document.referrer ? new URL(document.referrer) : null;
  if (from?.origin === location.origin && from.pathname === back.pathname) {
    sessionStorage.setItem("list", from.href);
  } else if (!from?.pathname.match(/^\/(messages|recipients)\//)) {
    sessionStorage.removeItem("list");
  }
  back.href = sessionStorage.getItem("list") ?? back.href;
}

// As it is shown: a line's words with single spaces, but JSON with its own.
function textOf(source) {
  return source.matches("pre") ? source.textContent : source.textContent.trim().replace(/\s+/g, " ");
}

// Where the clipboard's API is missing (plain http) or forbidden, the older way may still do.
function copyTheOldWay(text, button) {
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "visually-hidden";
  button.after(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  button.focus();
  return isCopied;
}

async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  const label = button.querySelector("[data-label]");
  const extras = [...(button.closest(".sentence") ?? button).querySelectorAll("[data-copy-with]:checked")].map((box) => box.value);
  const text = [textOf(source), ...extras].join("\n");
  const isCopied = await navigator.clipboard?.writeText(text).then(() => true, () => false)
    || copyTheOldWay(text, button);
  if (!isCopied) getSelection().selectAllChildren(source);
  button.dataset.words ??= label.textContent;
  label.textContent = isCopied ? button.dataset.done : button.dataset.press;
  announce(label.textContent);
  button.classList.toggle("copied", isCopied);
  setTimeout(() => { label.textContent = button.dataset.words; button.classList.remove("copied"); }, 2000);
}

// Buttons that need a script are hidden until there is one. A part that htmx loads has some, too.
function offerButtons(part) {
  for (const button of part.querySelectorAll("[data-copy], [data-print], [data-copy-choices], [data-keys]")) button.hidden = false;
  for (const box of part.querySelectorAll("[data-copy-with]")) box.checked = localStorage.getItem(keyOf(box)) === "1";
}

// What is copied along with a sentence is remembered in this browser.
const keyOf = (box) => `statusboard-copy-${box.dataset.copyWith}`;

function rememberChoice({ target }) {
  if (target.matches("[data-copy-with]")) localStorage.setItem(keyOf(target), target.checked ? "1" : "");
}

function press(event) {
  const button = event.target.closest("[data-copy], [data-print], [data-keys]");
  if (button?.matches("[data-copy]")) copy(button);
  if (button?.matches("[data-print]")) print();
  if (button?.matches("[data-keys]")) showKeys();
}

// The server cannot know the viewer's time zone; the page that follows is shown in it.
function tellTimeZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `statusboard_browser_time_zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

// Where not all tabs are in sight, the current one is.
function showCurrentTabs() {
  for (const current of document.querySelectorAll(":is(.tabs, .nav) [aria-current]")) {
    const tabs = current.closest(".tabs, .nav");
    tabs.scrollTop = current.offsetTop - tabs.offsetTop - (tabs.clientHeight - current.offsetHeight) / 2;
    tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
  }
}

// Typed without accents, words with them are found, too.
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

// In a long list of choices or links, those that hold every word typed.
function offerFinding() {
  for (const tools of document.querySelectorAll("[data-finds]")) {
    const box = tools.querySelector("input");
    const among = tools.matches("li") ? tools.parentElement : tools.parentElement.querySelector(":scope > div:not(.help, .chooser-tools)");
    const entries = [...among.children].filter((entry) => entry !== tools);
    tools.hidden = false;
    box.addEventListener("input", () => {
      const words = plain(box.value).split(/\s+/);
      for (const entry of entries) {
        const text = plain(entry.textContent);
        entry.hidden = !words.every((word) => text.includes(word));
      }
    });
    box.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    tools.querySelector("[data-choose-found]")?.addEventListener("click", () => {
      for (const entry of entries) if (!entry.hidden) entry.querySelector("input").checked = true;
    });
  }
}

document.addEventListener("keydown", takeShortcut);
document.addEventListener("keydown", closeMenuOnEscape);
document.addEventListener("keydown", leaveEmptySearchOnEscape);
document.addEventListener("click", closeMenusElsewhere);
document.addEventListener("focusout", closeMenuThatIsLeft);
document.addEventListener("click", press);
document.addEventListener("change", rememberChoice);
document.addEventListener("htmx:load", (event) => offerButtons(event.target));
leadBackToTheList();
offerButtons(document);
tellTimeZone();
showCurrentTabs();
offerFinding();
