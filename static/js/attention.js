// Tells of what needs attention while a page stays open: in its banner, title and favicon.

const region = document.getElementById("attention");
const favicon = document.querySelector("link[rel=icon]");
const title = document.title.replace(/^\(\d+\) /, "");
const EVERY = 15_000;

function tell() {
  const count = Number(region.querySelector("[data-count]")?.dataset.count ?? 0);
  document.title = count ? `(${count}) ${title}` : title;
  favicon.href = count ? region.dataset.alert : region.dataset.calm;
}

async function refresh() {
  try {
    const response = await fetch(region.dataset.url);
    // Elsewhere is the sign-in: whoever reads this is signed out, and nothing is news to them.
    if (response.redirected || !response.ok) return;
    const news = document.createElement("template");
    news.innerHTML = await response.text();
    // Both as the browser writes them. A banner that is the same keeps its focus and is not read out again.
    if (news.innerHTML.trim() === region.innerHTML.trim()) return;
    region.replaceChildren(news.content);
    tell();
  } catch {
    // No network for a moment.
  }
}

if (region) {
  tell();
  setInterval(refresh, EVERY);
}
