// Shows how the study stands without loading the page again. A part in which somebody is reading
// or writing is left as it is.

const EVERY = 15000; // ms
const button = document.getElementById("refreshing");
let timer = null;

const busy = (part) => part.contains(document.activeElement) || part.querySelector("details[open]");

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return; // the server is away: what is shown stays, with its time
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!fresh.getElementById("facts")) return location.reload(); // signed out meanwhile
  document.title = fresh.title;
  for (const part of document.querySelectorAll("[data-live]")) {
    const now = fresh.getElementById(part.id);
    if (now && !busy(part)) part.replaceChildren(...now.childNodes);
  }
}

function run(on) {
  clearInterval(timer);
  timer = on ? setInterval(refresh, EVERY) : null;
  button.textContent = on ? "Stop refreshing" : "Refresh by itself";
}

button.hidden = false;
button.addEventListener("click", () => run(timer === null));
document.addEventListener("visibilitychange", refresh);
run(true);
