// Talking to the server: a refusal ends a call, a lost connection is tried again without end.

const FIRST_WAIT = 1000; // ms; doubles up to the longest
const LONGEST_WAIT = 15000;
const TIMEOUT = 30000;

/** An answer of the server that trying again will not change. */
export class Refusal extends Error {
  constructor(status, body) {
    super(body.reason ?? `status ${status}`);
    this.status = status;
    this.reason = body.reason;
    this.body = body;
  }
}

/** POST `body` to /api/`name` once. */
export async function post(name, body) {
  const response = await fetch(`api/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT),
  });
  if (response.ok) return response.json();
  if (response.status >= 500 || response.status === 429 || response.status === 408) {
    throw new Error(`status ${response.status}`);
  }
  throw new Refusal(response.status, await response.json().catch(() => ({})));
}

/** POST until the server answers; `trouble(tries)` hears of every failure. */
export async function postPatiently(name, body, trouble = () => {}) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await post(name, body);
    } catch (error) {
      if (error instanceof Refusal) throw error;
      trouble(tries);
      await pause(Math.min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT));
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
