// Drawing by chance, from the browser's cryptographic source.

/** One of `several`, each as likely as the others. */
export function oneOf(several) {
  return several[crypto.getRandomValues(new Uint32Array(1))[0] % several.length];
}

/** A random code of `bytes` bytes in hexadecimal digits. */
export function randomCode(bytes) {
  const drawn = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(drawn, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
