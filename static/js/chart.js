// The chart of the Overview: a crosshair with the numbers of a bar, arrow keys from bar to bar, and
// zooming by dragging. Without this script each bar is a link with a title.

const SHORTEST_DRAG = 8; // pixels; less is a click

function element(parent, name, className) {
  const made = document.createElement(name);
  made.className = className;
  parent.append(made);
  return made;
}

// The numbers are those of the table below the chart, which has a row for each link.
function fillTip(tip, row, heads) {
  const cells = [...row.cells];
  const when = document.createElement("strong");
  when.textContent = cells[0].textContent;
  const list = document.createElement("dl");
  cells.slice(1).forEach((cell, place) => {
    const head = heads[place + 1];
    const name = element(list, "dt", head.dataset.tone);
    name.textContent = head.textContent;
    element(list, "dd", "").textContent = cell.textContent;
  });
  tip.replaceChildren(when, list);
}

function showNumbers(canvas, links, table) {
  const heads = table.tHead.rows[0].cells;
  const cross = element(canvas, "div", "cross");
  const tip = element(canvas, "div", "tip");
  const hide = () => { cross.hidden = tip.hidden = true; };
  const show = (link) => {
    const place = links.indexOf(link);
    if (place < 0) return hide();
    const frame = canvas.getBoundingClientRect();
    const bar = link.getBoundingClientRect();
    const middle = bar.left + bar.width / 2 - frame.left;
    fillTip(tip, table.tBodies[0].rows[place], heads);
    cross.hidden = tip.hidden = false;
    cross.style.left = `${middle}px`;
    const isRight = middle > frame.width / 2;
    tip.style.left = isRight ? "auto" : `${middle + 12}px`;
    tip.style.right = isRight ? `${frame.width - middle + 12}px` : "auto";
  };
  hide();
  canvas.addEventListener("pointerover", (event) => show(event.target.closest("a")));
  canvas.addEventListener("pointerleave", hide);
  canvas.addEventListener("focusin", (event) => show(event.target));
  canvas.addEventListener("focusout", hide);
}

// One stop of the Tab key for the whole chart.
function walkWithArrows(canvas, links) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  const enter = (link) => {
    for (const other of links) other.setAttribute("tabindex", other === link ? "0" : "-1");
  };
  enter(links.at(-1));
  canvas.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    const place = links.indexOf(event.target);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = links[Math.min(Math.max(place + step, 0), links.length - 1)];
    enter(next);
    next.focus();
  });
}

function zoomByDragging(canvas) {
  const starts = canvas.dataset.starts.split(" ");
  const bars = starts.length - 1;
  const chosen = element(canvas, "div", "chosen");
  const placeOf = (x) => {
    const { left, width } = canvas.getBoundingClientRect();
    return Math.min(Math.max(Math.floor((x - left) / width * bars), 0), bars - 1);
  };
  let from = null;
  let isDragged = false;
  chosen.hidden = true;
  canvas.classList.add("zooms");
  // Otherwise the browser would drag the link of a bar, and draw a frame around it.
  canvas.addEventListener("mousedown", (event) => event.preventDefault());
  canvas.addEventListener("pointerdown", (event) => {
    isDragged = false;
    if (event.pointerType !== "touch" && event.button === 0) from = event.clientX;
  });
  addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(event.clientX - from) < SHORTEST_DRAG) return;
    isDragged = true;
    const ends = [placeOf(from), placeOf(event.clientX)].sort((a, b) => a - b);
    chosen.hidden = false;
    chosen.style.left = `${ends[0] / bars * 100}%`;
    chosen.style.width = `${(ends[1] + 1 - ends[0]) / bars * 100}%`;
  });
  addEventListener("pointerup", (event) => {
    if (from === null) return;
    const ends = [placeOf(from), placeOf(event.clientX)].sort((a, b) => a - b);
    from = null;
    if (!isDragged) return;
    const url = new URL(canvas.dataset.url, location.href);
    url.searchParams.set("since", starts[ends[0]]);
    url.searchParams.set("until", starts[ends[1] + 1]);
    location.assign(url);
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") { from = null; chosen.hidden = true; }
  });
  // The end of a drag is no click on a bar.
  canvas.addEventListener("click", (event) => { if (isDragged) event.preventDefault(); }, true);
}

// The browser's own tooltip would cover ours; the words stay as the link's name.
function nameLinks(links) {
  for (const link of links) {
    const title = link.querySelector("title");
    link.setAttribute("aria-label", title.textContent);
    title.remove();
  }
}

// A touch has no hover: the first tap on an hour shows its number, the second follows the link.
function showHoursOnTouch(map) {
  let shown = null;
  map.querySelector(".tap-hint").hidden = false;
  map.addEventListener("click", (event) => {
    const link = event.target.closest(".heat a");
    const isFirst = link && link !== shown && event.pointerType === "touch";
    shown?.classList.remove("shown");
    shown = link;
    if (!isFirst) return;
    event.preventDefault();
    link.classList.add("shown");
  });
}

const heatMap = document.querySelector(".heat-map:has(.heat)");
if (heatMap) showHoursOnTouch(heatMap);

const canvas = document.querySelector(".volume .canvas");
if (canvas) {
  const links = [...canvas.querySelectorAll("a")];
  nameLinks(links);
  showNumbers(canvas, links, document.querySelector(".volume .numbers table"));
  walkWithArrows(canvas, links);
  zoomByDragging(canvas);
  document.querySelector(".volume .hint").hidden = false;
}
