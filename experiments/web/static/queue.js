// Answers on their way to the server. Each is written into the browser's storage before it is
// sent, and leaves the queue only when the server has confirmed it.

import { postPatiently, Refusal } from "./server.js";

const AT_ONCE = 50; // answers in one request; a beacon may hold 64 KiB

export class Queue {
  /** `shelf` keeps {waiting, sent}; `changed(queue)` is called after every change. */
  constructor(shelf, changed) {
    this.shelf = shelf;
    this.changed = changed;
    this.sending = null;
    this.offline = false;
    this.refusal = null;
    addEventListener("pagehide", () => this.beacon());
    document.addEventListener("visibilitychange", () => document.hidden && this.beacon());
  }

  get waiting() {
    return this.shelf.get("waiting") ?? [];
  }

  /** Everything answered in this browser, for the participant's own copy. */
  get everything() {
    return [...(this.shelf.get("sent") ?? []), ...this.waiting];
  }

  push(answers) {
    this.shelf.set("waiting", [...this.waiting, ...answers]);
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
      this.shelf.set("sent", [...(this.shelf.get("sent") ?? []), ...batch]);
      this.shelf.set("waiting", this.waiting.slice(batch.length));
      this.changed(this);
    }
  }

  /** Resolves when the server holds everything; throws what the server refused. */
  async drained() {
    while (this.waiting.length) await this.send();
  }

  /** The page may go away: send once more without waiting. The server ignores doubles. */
  beacon() {
    const answers = this.waiting.slice(0, AT_ONCE);
    if (!answers.length || !this.shelf.get("token")) return;
    const body = JSON.stringify({ token: this.shelf.get("token"), answers });
    navigator.sendBeacon("api/answers", new Blob([body], { type: "application/json" }));
  }
}
