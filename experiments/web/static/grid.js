// The affect grid (Russell, Weiss & Mendelsohn, 1989): valence from left to right, arousal from
// bottom to top. One click, or arrow keys and Enter, takes a place.

import { focusIn } from "./scales.js";
import { say } from "./study.js";

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const AROUND = ["top_left", "top", "top_right", "left", "right", "bottom_left", "bottom", "bottom_right"];

/**
 * The grid in `.box`. `pick([x, y], event)` is called with the place that was taken, from 1;
 * `.focus()` goes to the place where the keys are, at first the middle.
 */
export function gridOf(task, heading, pick) {
  const box = document.createElement("div");
  box.className = "affect-grid";
  const cells = document.createElement("div");
  cells.className = "cells";
  cells.setAttribute("role", "grid");
  cells.setAttribute("aria-labelledby", heading.id);
  cells.style.setProperty("--points", task.points);
  const cellAt = new Map();
  let at = [(task.points + 1) / 2, (task.points + 1) / 2];
  const go = ([x, y]) => {
    const inside = (n) => Math.min(Math.max(n, 1), task.points);
    cellAt.get(String(at)).tabIndex = -1;
    at = [inside(x), inside(y)];
    cellAt.get(String(at)).tabIndex = 0;
    cellAt.get(String(at)).focus({ preventScroll: true });
  };
  const take = (place, event) => {
    go(place);
    for (const [name, cell] of cellAt) cell.setAttribute("aria-selected", String(name === String(place)));
    pick(place, event);
  };
  for (let y = task.points; y >= 1; y -= 1) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    for (let x = 1; x <= task.points; x += 1) {
      const cell = document.createElement("div");
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-label", say("grid_place", { x, y, n: task.points }));
      cell.setAttribute("aria-selected", "false");
      cell.tabIndex = -1;
      cell.addEventListener("click", (event) => take([x, y], event));
      cellAt.set(String([x, y]), cell);
      row.append(cell);
    }
    cells.append(row);
  }
  cellAt.get(String(at)).tabIndex = 0;
  cells.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = STEPS[event.key];
    if (step) go([at[0] + step[0], at[1] + step[1]]);
    else if (event.key === "Home") go([1, at[1]]);
    else if (event.key === "End") go([task.points, at[1]]);
    else if ((event.key === "Enter" || event.key === " ") && !event.repeat) take(at, event);
    else return;
    event.preventDefault();
  });
  for (const place of AROUND) {
    const words = document.createElement("span");
    words.className = place.replace("_", "-");
    words.textContent = task.around[place];
    box.append(words);
  }
  box.append(cells);
  return { box, focus: () => go(at) };
}

/**
 * Ask in `box`; resolves with {place: [x, y] (null: skipped), at, by}. Arrow keys work at once,
 * wherever the focus is.
 */
export function askGrid({ id, task, words }, box) {
  const heading = document.createElement("h1");
  heading.id = `asked-${id}`;
  heading.tabIndex = -1;
  heading.textContent = words;
  return new Promise((resolve) => {
    const done = (place, event) => {
      removeEventListener("keydown", enter);
      const by = event.type === "keydown" || !event.detail ? "key" : "pointer";
      resolve({ place, at: event.timeStamp, by });
    };
    const grid = gridOf(task, heading, done);
    const enter = (event) => {
      if (event.target.closest?.("dialog[open], .cells") || !STEPS[event.key]) return;
      event.preventDefault();
      grid.focus();
    };
    box.replaceChildren(heading, grid.box);
    if (!task.required) {
      const skip = document.createElement("button");
      skip.type = "button";
      skip.className = "answer skip";
      skip.textContent = say("skip");
      skip.addEventListener("click", (event) => done(null, event));
      box.append(skip);
    }
    addEventListener("keydown", enter);
    heading.dataset.first = "";
    focusIn(box);
  });
}
