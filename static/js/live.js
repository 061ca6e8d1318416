// Asks now and then whether there is anything new: while somebody looks at the page, and is there.

const news = document.querySelector("[data-live]");
const pause = document.querySelector("[data-live-pause]");
const EVERY = 15_000;
// Nobody has touched anything for so long: an open page must not keep a session alive for ever.
const AWAY_AFTER = 10 * 60_000;
const PAUSED = "statusboard-live-paused";

let lastTouched = Date.now();
let isPaused = sessionStorage.getItem(PAUSED) === "1";

function look() {
  const isAway = Date.now() - lastTouched > AWAY_AFTER;
  if (!isPaused && !isAway && document.visibilityState === "visible") htmx.trigger(news, "look");
}

function show() {
  pause.querySelector("[data-label]").textContent = isPaused ? pause.dataset.resume : pause.dataset.pause;
  pause.classList.toggle("paused", isPaused);
}

function touched() {
  const wasAway = Date.now() - lastTouched > AWAY_AFTER;
  lastTouched = Date.now();
  if (wasAway) look();
}

pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  sessionStorage.setItem(PAUSED, isPaused ? "1" : "");
  show();
  look();
});
for (const event of ["pointermove", "keydown", "scroll"]) document.addEventListener(event, touched, { passive: true });
document.addEventListener("visibilitychange", look);
setInterval(look, EVERY);
show();
