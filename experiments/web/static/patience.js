// Trying again without end: what is refused is final, everything else is a passing trouble.

const FIRST_WAIT = 1000; // ms; doubles up to the longest
const LONGEST_WAIT = 15000;
const LONGEST_ASKED = 60000; // whatever a server asks for

/** An answer that trying again will not change. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body.reason ?? `status ${status}`);
    this.status = status;
    this.reason = body.reason;
    this.body = body;
  }
}

/** Run `task` until it succeeds or is refused; `trouble(tries)` hears of every failure.
 * An error's `wait` says how many ms to wait at least. */
export async function patiently(task, trouble = () => {}) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof Refusal) throw error;
      trouble(tries);
      const asked = Math.min(error.wait || 0, LONGEST_ASKED);
      await pause(Math.max(asked, Math.min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT)));
    }
  }
}

/** Wait `ms`, or until the browser is online again. */
function pause(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
  });
}
