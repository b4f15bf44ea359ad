// Shows one stimulus at its own size. A picture stays; sound and video are played once to the end.

import { nextFrame } from "./clock.js";
import { say } from "./study.js";

const MOST_EVENTS = 40;
const WATCHED = ["playing", "waiting", "stalled", "error", "ended"];

/** Elements for `medium`: `.box` to place, `.player` for sound and video, else null. */
export function elementsOf(medium, preload) {
  const box = document.createElement("div");
  box.className = "stimulus";
  const picture = medium.kind === "image" ? medium : medium.picture;
  const images = picture ? [sized(new Image(), picture, preload)] : [];
  let player = null;
  if (medium.kind !== "image") {
    player = sized(document.createElement(medium.kind), medium, preload);
    player.preload = "auto";
    player.playsInline = true;
  }
  images.forEach((image) => (image.alt = ""));
  box.append(...images, ...(player ? [player] : []));
  return { box, images, player };
}

function sized(element, medium, preload) {
  element.src = preload.url(medium.src);
  if (medium.width) element.width = medium.width;
  if (medium.height) element.height = medium.height;
  return element;
}

/**
 * Present the elements: `reveal()` is called when they are decoded. Resolves at the onset with
 * {onset, ended, events, measured}: onset in ms of performance.now(); `ended` resolves when the
 * medium is over; events are [name, ms since onset]; `measured()` says how long it took and stood still.
 */
export async function present({ box, images, player }, reveal) {
  const events = [];
  let onset = null;
  const note = (name, at = performance.now()) => {
    if (events.length < MOST_EVENTS) events.push([name, Math.round(at - (onset ?? at))]);
  };
  await Promise.all(images.map((image) => image.decode().catch(() => note("undecoded"))));
  if (!player) {
    reveal();
    onset = await nextFrame();
    return { onset, ended: Promise.resolve(), events, note, measured: () => ({}) };
  }
  const over = new Promise((resolve) => {
    player.addEventListener("ended", resolve);
    player.addEventListener("error", resolve);
  });
  const lasted = lasting(player);
  const begun = new Promise((resolve) => {
    player.addEventListener("playing", (event) => resolve(event.timeStamp), { once: true });
    player.addEventListener("error", (event) => resolve(event.timeStamp), { once: true });
  });
  await readyToPlay(player);
  reveal();
  player.play().catch(() => offerButton(box, player)); // the browser wants a click first
  onset = await begun;
  WATCHED.forEach((name) => player.addEventListener(name, (event) => note(name, event.timeStamp)));
  if (player.ended || player.error) note(player.error ? "error" : "ended");
  return { onset, ended: over, events, note, measured: () => lasted(onset) };
}

/** Watches `player`; what it returns gives, for an onset, the time until its end and of its stalls. */
function lasting(player) {
  let begun = false;
  let end = null;
  let still = null;
  let stalled = 0;
  player.addEventListener("waiting", ({ timeStamp }) => (still ??= timeStamp));
  for (const name of ["playing", "ended"]) {
    player.addEventListener(name, ({ timeStamp }) => {
      if (begun && still !== null) stalled += timeStamp - still;
      begun = true;
      still = null;
      if (name === "ended") end = timeStamp;
    });
  }
  const round = (ms) => Math.round(ms * 10) / 10;
  return (onset) => ({ ...(end !== null && { media_ms: round(end - onset) }), stalled_ms: round(stalled) });
}

function readyToPlay(player) {
  if (player.readyState >= HTMLMediaElement.HAVE_ENOUGH_DATA || player.error) return null;
  return new Promise((resolve) => {
    player.addEventListener("canplaythrough", resolve, { once: true });
    player.addEventListener("error", resolve, { once: true });
  });
}

function offerButton(box, player) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = say("play");
  button.addEventListener("click", () => player.play().then(() => button.remove()));
  box.append(button);
}
