// What stands around every page: progress above, the state of saving and the way out below.

import { openPage } from "./page.js";
import { say } from "./study.js";

const display = () => document.getElementById("study-display");

/** Show how far the study is, 0…1. */
export function progress(share) {
  document.getElementById("top").hidden = false;
  document.getElementById("progress").value = share;
}

/** Say whether every answer is stored. */
export function saving(queue) {
  const waiting = queue.waiting.length;
  const words = queue.offline && waiting ? "offline" : waiting ? "saving_n" : "saved";
  document.getElementById("saving").textContent = say(words, { n: waiting });
}

/** Footer on; Stop asks once more, then withdraws. */
export function footer(visit) {
  document.getElementById("bottom").hidden = false;
  const dialog = document.getElementById("stop-dialog");
  document.getElementById("stop").onclick = () => dialog.showModal();
  dialog.querySelector('[data-action="stay"]').onclick = () => dialog.close();
  dialog.querySelector('[data-action="leave"]').onclick = async () => {
    await visit.withdraw();
    location.reload(); // ends the trial that runs; the server then says that the visit is over
  };
}

/** Progress and footer off. */
export function bare() {
  document.getElementById("top").hidden = true;
  document.getElementById("bottom").hidden = true;
}

/** The last resort: say what is wrong, offer the data and another try. */
export function problem(error, visit) {
  bare();
  const page = openPage(display(), "problem");
  page.fill("details", [error.message, error.body?.message].filter(Boolean).join(": "));
  page.on("again", () => location.reload());
  page.on("download", () => visit.download());
}
