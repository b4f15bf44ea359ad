// Runs the modules of a static study in Node: node static_desk.mjs SITE SCENARIO QUERY [REPLIES].
// Prints what came of it as JSON. REPLIES: [status, body] of DataPipe, one for each try.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [site, scenario, query, replies = "[]"] = process.argv.slice(2);
const page = await readFile(`${site}/index.html`, "utf8");
const study = page.match(/<script type="application\/json" id="study">(.*?)<\/script>/s)[1];
const waiting = JSON.parse(replies);
const sent = [];
globalThis.document = { getElementById: () => ({ textContent: study }) };
globalThis.location = { search: query };
globalThis.addEventListener = () => {};
globalThis.removeEventListener = () => {};
globalThis.fetch = async (address, options) => {
  if (!options) return { ok: true, json: async () => JSON.parse(await readFile(`${site}/${address}`)) };
  sent.push(JSON.parse(options.body));
  const [status, body] = waiting.shift();
  return { ok: status < 300, status, json: async () => body };
};
const module = (name) => import(pathToFileURL(`${site}/static/${name}.js`));

const scenarios = {
  async draws() {
    const { draw } = await module("sink");
    const { lists } = JSON.parse(study);
    const count = async (wanted, times) => {
      const drawn = {};
      for (let n = 0; n < times; n += 1) {
        const slot = await draw(lists, wanted);
        drawn[slot] = (drawn[slot] ?? 0) + 1;
      }
      return drawn;
    };
    return { any: await count(null, 6000), second: await count(2, 300) };
  },

  /** Two people at one computer, the second after the first in one tab; what JATOS is sent. */
  async two() {
    let text = "";
    const batch = {};
    globalThis.jatos = {
      onLoad: (ready) => ready(),
      appendResultData: async (more) => (text += more),
      batchSession: { get: (name) => batch[name], set: async (name, value) => (batch[name] = value) },
    };
    const { postPatiently } = await module("server");
    for (const choice of [1, 2]) {
      const { token, trials } = await postPatiently("start", { agree: true, device: {} });
      const [{ trial, questions }] = trials;
      await postPatiently("answers", { token, answers: [{ trial, question: questions[0], choice }] });
    }
    return text;
  },

  /** Many draw from JATOS's batch session at once; a change of an old version is refused. */
  async turns() {
    const batch = { data: {}, version: 0 };
    globalThis.jatos = {
      onLoad: (ready) => ready(),
      batchSession: {
        get: (name) => batch.data[name],
        set: async (name, value) => {
          const { version } = batch;
          await new Promise((resolve) => setTimeout(resolve, 5));
          if (version !== batch.version) throw new Error("somebody was quicker");
          batch.data[name] = value;
          batch.version += 1;
        },
      },
    };
    const { draw } = await module("sink");
    const { lists } = JSON.parse(study);
    return Promise.all(Array.from({ length: 15 }, () => draw(lists, null)));
  },

  async visit() {
    const { copyOf, parameters, postPatiently } = await module("server");
    const refusal = (call) => call.then(() => null, ({ status, reason }) => ({ status, reason }));
    const external = parameters.get(JSON.parse(study).parameter);
    const came = { agree: true, device: {}, ...(external && { external }) };
    const turnedAway = await refusal(postPatiently("start", came).then((told) => (came.told = told)));
    if (turnedAway) return { turnedAway };
    const { token, trials } = came.told;
    const early = await refusal(postPatiently("complete", { token }));
    const answers = trials.flatMap(({ trial, questions }) =>
      questions.map((question) => ({ trial, question, choice: 1 })),
    );
    await postPatiently("answers", { token, answers });
    const other = answers.map((answer) => ({ ...answer, choice: 3 }));
    const { held } = await postPatiently("answers", { token, answers: other });
    const last = ["random", "sure", "remarks"].map((question) => ({ question, choice: 1 }));
    await postPatiently("answers", { token, answers: [...last, { question: "aids", boxes: [1] }] });
    const { trials: done, questionnaire_done } = await postPatiently("resume", { token });
    let troubles = 0;
    const own = copyOf();
    const ended = await postPatiently("complete", { token }, () => (troubles += 1)).catch(
      ({ status, reason }) => ({ status, reason }),
    );
    const { status } = await postPatiently("resume", { token });
    return { early, answers, held, done, questionnaire_done, troubles, ended, status, own, sent };
  },
};

process.stdout.write(JSON.stringify(await scenarios[scenario]()), () => process.exit(0));
