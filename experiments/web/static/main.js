// The story of a visit: check the device, ask for consent, take part, save everything, say goodbye.

import { handIn, preview, wayBack } from "./address.js";
import { bare, footer, problem, progress, saving } from "./frame.js";
import { gate } from "./gate.js";
import { PagePlugin } from "./page.js";
import { Preload } from "./preload.js";
import { soundCheck } from "./sound.js";
import { say, study } from "./study.js";
import { timelineOf } from "./timeline.js";
import { Visit } from "./visit.js";

const BACK_AFTER = 4000; // ms until the platform's page opens by itself
const PATIENCE = 800; // ms of saving before the page says so
const FOR_EVER = new Promise(() => {});
const visit = await Visit.open(saving);

/** Run jsPsych on a timeline; resolves with the data of its trials. */
async function run(timeline) {
  document.getElementById("study-display").replaceChildren(); // what an earlier run left
  const jsPsych = initJsPsych({ display_element: "study-display", use_webaudio: false });
  await jsPsych.run(timeline);
  return jsPsych.data.get().values();
}

async function show(page, fill = null) {
  return (await run([{ type: PagePlugin, page, fill }])).at(-1)?.outcome;
}

async function main() {
  if (preview) await farewell("preview");
  const device = {};
  await run(gate(device, visit.external));
  visit.refreshHz = device.refresh_hz;
  let session = await arrive(device);
  for (;;) {
    await settle(session);
    footer(visit);
    saving(visit.queue);
    if (session.status === "active") await takePart(session);
    try {
      await sayGoodbye(await close());
    } catch (error) {
      if (error.reason !== "incomplete") throw error;
      session = await visit.resume(); // something is missing: ask it again
    }
  }
}

/** The session of who was here before, or of who gives consent now. */
async function arrive(device) {
  if (visit.known) {
    const session = await remembered();
    if (session && session.status !== "active") return session;
    if (session && (await show("welcome-back", welcome)) !== "someone-else") return session;
    visit.forget();
  }
  if ((await show("consent", consent)) === "decline") {
    await farewell("declined", study.codes.no_consent, wayBack("no_consent", visit.external));
  }
  while (study.sound && (await show("sound-check", soundCheck(device))) === "silent") {
    await show("no-sound", noSound);
  }
  return visit.start(device);
}

async function remembered() {
  try {
    return await visit.resume();
  } catch (error) {
    if (error.reason === "unknown-token") return null; // another server's; a proxy's 403 is not
    throw error;
  }
}

function welcome(page, finish) {
  page.on("continue", () => finish("continue"));
  page.on("someone-else", () => finish("someone-else"));
}

function consent(page, finish) {
  const agree = page.find("#agree");
  agree.addEventListener("change", () => (page.button("continue").disabled = !agree.checked));
  page.on("continue", () => finish("agreed"));
  page.on("decline", () => finish("decline"));
}

function noSound(page, finish) {
  page.show("code", Boolean(study.codes.screened_out));
  page.fill("code", study.codes.screened_out ?? "");
  const back = wayBack("screened_out", visit.external);
  page.show("redirect", Boolean(back));
  if (back) page.find('[data-link="redirect"]').href = back;
  page.on("again", () => finish("again"));
}

/** Who withdrew stays out; in a lab the next person sits down at this computer. */
async function settle(session) {
  if (session.status !== "withdrawn") return;
  bare();
  if (study.platform === "lab") visit.forget();
  await show("withdrawn", () => {});
}

async function takePart(session) {
  const examples = session.examples.flatMap(({ media }) => media);
  const preload = new Preload([...examples, ...session.trials.map((trial) => trial.medium)]);
  const timeline = timelineOf(session, visit, preload, progress);
  if (timeline.length) await run(timeline);
}

/** Wait until every answer is stored; a page says so if it takes long. Code and address follow. */
async function close() {
  let [settled, offline] = [false, false];
  const closing = visit.close(() => (offline = true)).finally(() => (settled = true));
  const over = closing.catch(() => {}); // thrown below
  await Promise.race([over, new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  if (settled) return closing; // most often that is enough
  await show("saving", async (page, finish) => {
    page.on("download", () => visit.download());
    const watch = setInterval(() => {
      const n = visit.queue.waiting.length;
      page.fill("waiting", n ? say("saving_n", { n }) : "");
      page.show("trouble", offline || visit.queue.offline);
    }, 200);
    await over;
    clearInterval(watch);
    finish();
  });
  return closing;
}

async function sayGoodbye({ code, redirect }) {
  bare();
  await show("debrief");
  if (study.platform === "lab") visit.forget(); // the next person sits down at this computer
  else visit.queue.clear();
  await farewell("goodbye", code, redirect);
}

/** A last page; nothing comes after it. */
async function farewell(page, code = null, redirect = null, why = null) {
  await show(page, (last) => {
    if (why) last.fill("why", why);
    last.fill("code", code ?? "");
    last.show("code", Boolean(code));
    last.show("redirect", Boolean(redirect));
    const work = code ? handIn(code) : null;
    if (work) offerToHandIn(last, work);
    last.show("over", !(redirect || work));
    last.show("onward", Boolean(redirect || work));
    if (!redirect) return;
    last.find('[data-link="redirect"]').href = redirect;
    setTimeout(() => location.assign(redirect), BACK_AFTER);
  });
  await FOR_EVER;
}

/** The button that hands the finished work in, where the platform wants a form. */
function offerToHandIn(page, work) {
  const form = page.find('[data-show="hand-in"]');
  if (!form) return;
  form.hidden = false;
  form.action = work.action;
  for (const [name, value] of Object.entries(work.fields)) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
}

main().catch(async (error) => {
  const why = {
    full: "full", paused: "paused", "took-part-elsewhere": "took_part_elsewhere",
    "no-id": "no_id", "wrong-id": "wrong_id", "used-link": "used_link",
    "unsigned-link": "bad_link", "forged-link": "bad_link", "expired-link": "bad_link",
  };
  if (why[error.reason]) {
    bare();
    await farewell("turned-away", error.body.code, error.body.redirect, say(why[error.reason]));
  } else problem(error, visit);
});
