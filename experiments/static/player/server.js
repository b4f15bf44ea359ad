// Takes the place of the study's server: a session is kept in this browser, and `./sink.js`
// (DataPipe or JATOS) draws its place and hands it over. What it answers is what the server would.
//
// A session stands on a shelf of its own: header, slot (the trials), status, answers. The records
// are those of a session of the lab (experiments/lab/player/records.py).

import { randomCode } from "./chance.js";
import { patiently, Refusal } from "./patience.js";
import { Shelf } from "./shelf.js";
import * as sink from "./sink.js";
import { questionsOf, study } from "./study.js";

export { Refusal };

const ANSWER = "answer "; // keys of the answers: answer <trial> <question>
const EXTERNAL = /^[\w-]{1,64}$/;
const desk = { start, resume, answers: keep, complete, withdraw };
let session = null; // the shelf of the session that is played
let slot = null; // drawn, and not taken yet
let told = false; // whether the sink knows in this tab whose answers come

export const parameters = await sink.arrived();

export function postPatiently(name, body, trouble) {
  return patiently(() => desk[name](body), trouble);
}

/** Nothing is on its way: every answer is in this browser's storage. */
export function beacon() {}

/** The session so far, as a file that `mien study import` reads. */
export function copyOf() {
  if (!session) return { name: "my-answers.json", content: "[]" };
  return { name: `${nameOf()}.json`, content: sink.textOf(records()) };
}

async function start({ external, device }) {
  if (study.needs_id && !external) throw new Refusal(422, { reason: "no-id" });
  if (external && !EXTERNAL.test(external)) throw new Refusal(422, { reason: "wrong-id" });
  slot ??= await sink.draw(study.lists, listWanted());
  const response = await fetch(`slots/${String(slot).padStart(3, "0")}.json`);
  if (!response.ok) throw new Error(`status ${response.status}`);
  const trials = await response.json();
  const code = randomCode(8);
  session = await Shelf.open(`mien-session-${code}`);
  session.set("slot", trials);
  session.set("header", {
    record: "session",
    trial_type: "mien", // DataPipe asks for this field unless told otherwise
    format: 1,
    plan: study.plan,
    session: code,
    participant: `p${randomCode(5)}`,
    slot,
    pilot: false,
    started: now(),
    device,
    time: now(),
  });
  await session.written();
  [slot, told] = [null, false];
  tell([]).catch(() => {}); // if it fails, the header goes with the first answers
  return place();
}

async function resume({ token }) {
  await open(token);
  if (status() === "withdrawn") await sink.gone();
  return place();
}

async function keep({ token, answers }) {
  await open(token);
  if (status() !== "active") return {};
  for (const given of answers) {
    const key = keyOf(given);
    const answer = { record: "answer", session: token, trial: null, ...given, time: now() };
    if (!session.get(key)) session.set(key, answer); // the first answer counts
  }
  await session.written();
  await tell(answers.map((given) => session.get(keyOf(given))));
  return { held: session.all(ANSWER).length };
}

async function complete({ token }) {
  await open(token);
  if (status() === "withdrawn") throw new Refusal(409, { reason: "withdrawn" });
  if (status() === "active") {
    refuseGaps();
    if (!session.get("end")) session.set("end", { record: "completed", session: token, time: now() });
    await sink.finish(nameOf(), records());
    session.set("status", "completed");
    session.clear(ANSWER); // handed over; nothing stays on a computer that others may use
    await session.written();
  }
  return end();
}

async function withdraw({ token }) {
  await open(token);
  session.set("end", { record: "withdrawn", session: token, time: now() });
  await sink.withdraw([session.get("header"), session.get("end")]);
  session.set("status", "withdrawn");
  session.clear(ANSWER);
  await session.written();
}

/** Completion code and way back; workers of Mechanical Turk hand in their pseudonym. */
function end() {
  const { code, redirect } = study.end;
  const external = encodeURIComponent(parameters.get(study.parameter) ?? "");
  const own = study.platform === "mturk" ? session.get("header").participant : null;
  return { code: code ?? own, redirect: redirect?.replaceAll("{id}", external) ?? null };
}

/** Put the session called `token` on the desk. */
async function open(token) {
  if (session?.get("header").session === token) return;
  const shelf = await Shelf.open(`mien-session-${token}`);
  if (!shelf.get("header")) throw new Refusal(403, { reason: "unknown-token" });
  [session, told] = [shelf, false];
}

/** What the page is told of the session on the desk. */
function place() {
  const done = (trial, question) => Boolean(session.get(keyOf({ trial, question })));
  const { trials, examples } = session.get("slot");
  return {
    token: session.get("header").session,
    status: status(),
    examples,
    trials: trials.map((trial) => ({
      ...trial,
      done: trial.questions.filter((question) => done(trial.trial, question)),
    })),
    questionnaire_done: questionsOf(study.questionnaire).filter((question) => done(null, question)),
  };
}

function refuseGaps() {
  const { trials, questionnaire_done } = place();
  const gaps = trials.filter((trial) => trial.done.length < trial.questions.length);
  if (gaps.length || questionnaire_done.length < questionsOf(study.questionnaire).length) {
    throw new Refusal(409, { reason: "incomplete" });
  }
}

/** Send records on at once, where the sink takes them; the header goes first. */
async function tell(answers) {
  await sink.append(told ? answers : [session.get("header"), ...answers]);
  told = true;
}

function records() {
  const answers = session.all(ANSWER).sort((one, other) => one.time - other.time);
  return [session.get("header"), ...answers, session.get("end")].filter(Boolean);
}

const status = () => session.get("status") ?? "active";
const nameOf = () => `${session.get("header").participant}_${session.get("header").session}`;
const keyOf = ({ trial, question }) => `${ANSWER}${trial ?? "end"} ${question}`;
const now = () => Date.now() / 1000; // s since 1970

/** The list that the address asks for (?list=2), from 1; null: any. */
function listWanted() {
  const wanted = parameters.get("list");
  if (wanted === null) return null;
  if (!study.lists[wanted - 1]) throw new Refusal(422, { reason: "wrong-id" });
  return Number(wanted);
}
