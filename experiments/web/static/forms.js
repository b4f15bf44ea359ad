// Questions with the browser's own inputs, which may be changed until Continue: the questionnaire,
// and boxes or free text beside a stimulus.

import { gridOf } from "./grid.js";
import { sliderOf } from "./slider.js";
import { say } from "./study.js";

/**
 * A fieldset for one question under a heading of this level; `.read()` gives the answer's fields,
 * or null if it is missing.
 */
export function fieldOf(question, level = "h2") {
  const { task } = question;
  const field = document.createElement("fieldset");
  const legend = document.createElement("legend");
  const heading = document.createElement(level);
  heading.textContent = question.words;
  legend.append(heading);
  if (!task.required) {
    const optional = document.createElement("span");
    optional.className = "optional";
    optional.textContent = ` ${say("optional")}`;
    heading.append(optional);
  }
  field.append(legend);
  heading.id = `asked-${question.id}`;
  const kinds = { "free-text": text, checkboxes: boxes, slider, "affect-grid": grid };
  const read = (kinds[task.type] ?? radios)(question, field);
  return { field, question, read: () => read() ?? (task.required ? null : {}) };
}

function text({ id, task }, field) {
  const area = document.createElement("textarea");
  area.name = id;
  area.maxLength = task.max_length;
  area.setAttribute("aria-label", task.question);
  field.append(area);
  return () => (area.value.trim() ? { text: area.value } : null);
}

function boxes({ id, task }, field) {
  const inputs = task.options.map((label, place) => input("checkbox", id, place + 1, label));
  const options = document.createElement("div");
  options.className = "options";
  options.append(...inputs.map(({ option }) => option));
  field.append(options);
  const alone = task.options.indexOf(task.exclusive);
  field.addEventListener("change", ({ target }) => {
    if (!target.checked || alone < 0) return;
    const ticked = inputs.findIndex(({ box }) => box === target);
    inputs.forEach(({ box }, place) => {
      if (place !== ticked && (place === alone || ticked === alone)) box.checked = false;
    });
  });
  return () => {
    const ticked = inputs.flatMap(({ box }, place) => (box.checked ? [place + 1] : []));
    return ticked.length || !task.required ? { boxes: ticked } : null;
  };
}

function slider(question, field) {
  const line = sliderOf(question, field.querySelector("legend > *"));
  field.append(line.box);
  return line.read;
}

function grid({ task }, field) {
  let taken = null;
  const { box } = gridOf(task, field.querySelector("legend > *"), (place) => {
    taken = place;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  field.append(box);
  return () => (taken ? { place: taken } : null);
}

function radios({ id, task, second }, field) {
  const labels = task.type === "likert" ? numbers(task) : (task.options ?? task.labels);
  const inputs = labels.map((label, place) => ({
    choice: place + 1,
    ...input("radio", id, place + 1, label),
  }));
  if (second) inputs.push({ choice: 0, ...input("radio", id, 0, say("none")) });
  const options = document.createElement("div");
  options.className = task.type === "likert" ? "options row" : "options";
  options.append(...inputs.map(({ option }) => option));
  field.append(options);
  return () => {
    const chosen = inputs.find(({ box }) => box.checked);
    return chosen ? { choice: chosen.choice } : null;
  };
}

function numbers(task) {
  return Array.from({ length: task.points }, (_, place) => {
    const anchor = task.anchors[place + 1];
    return anchor ? `${place + 1} ${anchor}` : String(place + 1);
  });
}

function input(type, name, value, label) {
  const box = document.createElement("input");
  box.type = type;
  box.name = name;
  box.value = value;
  box.id = `${name}-${value}`;
  const words = document.createElement("label");
  words.htmlFor = box.id;
  words.textContent = label;
  const option = document.createElement("div");
  option.className = "option";
  option.append(box, words);
  return { box, option };
}
