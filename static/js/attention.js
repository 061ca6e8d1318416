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
    const banner = (await response.text()).trim();
    if (banner === region.innerHTML.trim()) return;
    region.innerHTML = banner;
    tell();
  } catch {
    // No network for a moment.
  }
}

if (region) {
  tell();
  setInterval(refresh, EVERY);
}
