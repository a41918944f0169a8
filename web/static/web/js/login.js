// A one-time link carries its secret in the fragment, which browsers never send. This trades it for a session by POST.
"use strict";

async function exchange(form, secret) {
  const said = document.getElementById("link-said");
  said.hidden = false;
  said.textContent = "Signing in with the one-time link…";
  const response = await fetch(form.dataset.exchange, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    body: JSON.stringify({ secret, next: form.elements.next.value }),
  });
  const answer = await response.json();
  if (response.ok) return location.replace(answer.next);
  said.className = "notice bad";
  said.textContent = answer.detail;
}

const secret = location.hash.slice(1);
if (secret) {
  history.replaceState(null, "", location.pathname + location.search);  // the secret leaves the address bar at once
  exchange(document.getElementById("token-form"), secret).catch((error) => {
    const said = document.getElementById("link-said");
    said.className = "notice bad";
    said.textContent = `The server did not answer: ${error.message}`;
  });
}
