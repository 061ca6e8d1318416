// allauth's scripts run the ceremony. This offers it where the browser can, and says when it failed.

// A passkey belongs to a domain name: a browser makes and uses none at an IP address.
const isAtAddress = /^[\d.]+$|^\[/.test(location.hostname);

for (const offer of document.querySelectorAll("[data-passkey]")) {
  offer.hidden = isAtAddress || !window.PublicKeyCredential;
}
for (const reason of document.querySelectorAll("[data-passkey-address]")) {
  reason.hidden = !isAtAddress;
}

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  document.querySelector("[data-passkey-problem]").hidden = false;
});
