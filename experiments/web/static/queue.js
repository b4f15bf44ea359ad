// Answers on their way to the server. Each is written into the browser's storage before it is
// sent, and waits there until the server has confirmed it.

import { beacon, postPatiently, Refusal } from "./server.js";

const AT_ONCE = 50; // answers in one request; a beacon may hold 64 KiB
const ANSWER = "answer "; // keys on the shelf: answer <trial> <question>

export class Queue {
  /** `shelf` keeps the answers; `changed(queue)` is called after every change. */
  constructor(shelf, changed) {
    this.shelf = shelf;
    this.changed = changed;
    this.sending = null;
    this.offline = false;
    this.refusal = null;
    addEventListener("pagehide", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.hidden && this.#hurry());
  }

  get waiting() {
    return this.shelf.all(ANSWER).filter(({ sent }) => !sent).map(({ given }) => given);
  }

  /** Everything answered in this browser, for the participant's own copy. */
  get everything() {
    return this.shelf.all(ANSWER).map(({ given }) => given);
  }

  push(answers) {
    answers.forEach((given) => this.shelf.set(keyOf(given), { given, sent: false }));
    this.changed(this);
    this.send().catch(() => {}); // a refusal is kept and shown when the page waits for the queue
  }

  /** Send until nothing waits; one call at a time. */
  send() {
    this.sending ??= this.#sendAll().finally(() => (this.sending = null));
    return this.sending;
  }

  async #sendAll() {
    while (this.waiting.length && this.shelf.get("token")) {
      const batch = this.waiting.slice(0, AT_ONCE);
      try {
        await postPatiently("answers", { token: this.shelf.get("token"), answers: batch }, () => {
          this.offline = true;
          this.changed(this);
        });
      } catch (error) {
        if (error instanceof Refusal) this.refusal = error;
        this.changed(this);
        throw error;
      }
      this.offline = false;
      batch.forEach((given) => this.shelf.set(keyOf(given), { given, sent: true }));
      this.changed(this);
    }
  }

  /** Resolves when the server holds everything; throws what the server refused. */
  async drained() {
    while (this.waiting.length) await this.send();
  }

  /** Forget every answer: the server holds them, or nobody shall. */
  clear() {
    this.shelf.clear(ANSWER);
  }

  /** The page may go away: send once more without waiting. The server ignores doubles. */
  #hurry() {
    const answers = this.waiting.slice(0, AT_ONCE);
    const token = this.shelf.get("token");
    if (answers.length && token) beacon("answers", { token, answers });
  }
}

function keyOf({ trial, question }) {
  return `${ANSWER}${trial ?? "end"} ${question}`;
}
