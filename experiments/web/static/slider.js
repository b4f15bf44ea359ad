// A line between two anchors. It has no handle until the first click, touch or key, so that nobody
// is drawn to a number; then arrows, page keys, Home and End move it.

import { say } from "./study.js";

const MOVES = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "PageUp", "PageDown"];

/** The line in `.box`; `.read()` gives {choice}, its place from 1, or null before it was touched. */
export function sliderOf({ id, task }, heading) {
  const line = document.createElement("input");
  line.type = "range";
  Object.assign(line, { name: id, min: task.low, max: task.high, step: task.step });
  line.value = (task.low + task.high) / 2;
  line.className = "untouched";
  line.setAttribute("aria-labelledby", heading.id);
  line.setAttribute("aria-valuetext", say("no_answer_yet"));
  const ends = document.createElement("div");
  ends.className = "ends";
  ends.id = `ends-${id}`;
  ends.append(...[task.left, task.middle ?? "", task.right].map(words));
  line.setAttribute("aria-describedby", ends.id);
  const number = document.createElement("output");
  number.hidden = !task.show_number;
  number.textContent = "\u00a0"; // keeps its line
  let touched = false;
  const show = () => {
    touched = true;
    line.classList.remove("untouched");
    const value = Number(line.value);
    const anchor = { [task.low]: task.left, [task.high]: task.right }[value];
    line.setAttribute("aria-valuetext", anchor ? `${value}, ${anchor}` : String(value));
    number.textContent = String(value);
  };
  const tell = () => line.dispatchEvent(new Event("input", { bubbles: true }));
  line.addEventListener("input", show);
  line.addEventListener("pointerup", () => touched || tell()); // a click where it stood already
  line.addEventListener("keydown", (event) => {
    if (touched || !MOVES.includes(event.key)) return;
    event.preventDefault(); // the first key brings the handle, to the middle
    tell();
  });
  const box = document.createElement("div");
  box.className = "slider";
  box.append(line, ends, number);
  const place = () => Math.round((Number(line.value) - task.low) / task.step) + 1;
  return { box, read: () => (touched ? { choice: place() } : null) };
}

function words(anchor) {
  const span = document.createElement("span");
  span.textContent = anchor;
  return span;
}
