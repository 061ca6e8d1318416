// allauth's scripts run the ceremony. This offers it where the browser can, and says when it failed.

for (const offer of document.querySelectorAll("[data-passkey]")) {
  offer.hidden = !window.PublicKeyCredential;
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.querySelector("[data-passkey-problem]").hidden = false;
});
