// A page of text: a template of the document, with its buttons and gaps. Also a jsPsych plugin.

const { ParameterType } = jsPsychModule;

/** Put template `name` into `display`; the heading gets the focus, for screen readers. */
export function openPage(display, name) {
  display.replaceChildren(document.getElementById(`page-${name}`).content.cloneNode(true));
  const heading = display.querySelector("h1, h2");
  if (heading) {
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  scrollTo(0, 0);
  return {
    on: (action, listener) =>
      display.querySelector(`[data-action="${action}"]`)?.addEventListener("click", listener),
    button: (action) => display.querySelector(`[data-action="${action}"]`),
    fill: (gap, words) => {
      const place = display.querySelector(`[data-fill="${gap}"]`);
      if (place) place.textContent = words;
    },
    show: (part, visible = true) => {
      const place = display.querySelector(`[data-show="${part}"]`);
      if (place) place.hidden = !visible;
    },
    place: (name) => display.querySelector(`[data-place="${name}"]`),
    find: (selector) => display.querySelector(selector),
  };
}

export class PagePlugin {
  static info = {
    name: "mien-page",
    version: "1.0.0",
    parameters: {
      page: { type: ParameterType.STRING },
      /** fill(page, finish): what the page needs beyond its Continue button. */
      fill: { type: ParameterType.FUNCTION, default: null },
    },
    data: {},
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  trial(display, { page: name, fill }) {
    const page = openPage(display, name);
    const finish = (outcome = null) => this.jsPsych.finishTrial({ outcome });
    if (fill) fill(page, finish);
    else page.on("continue", () => finish("continue"));
  }
}
