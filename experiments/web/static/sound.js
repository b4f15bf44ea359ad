// Before a study with sound: whoever takes part counts tones, twice. They are as loud as the voices
// of the study (-23 dBFS), made here, and played as every stimulus is.

import { say } from "./study.js";

const RATE = 16000; // samples per second
const AMPLITUDE = 0.1; // of a sine: -23 dBFS
const PITCH = 520; // Hz
const TONE = 0.25; // seconds, with ramps of RAMP at both ends
const PAUSE = 0.3;
const RAMP = 0.02;
const FEWEST = 2;
const MOST = 6;
const RIGHT = 2; // counts that must be right, one after the other

/** Fills the page `sound-check`; finishes with `heard` or `silent`. `device.sound_tries` counts. */
export function soundCheck(device) {
  return (page, finish) => {
    const play = page.button("play");
    const counts = Array.from({ length: MOST - FEWEST + 1 }, (_, n) => countButton(FEWEST + n));
    page.place("counts").append(...counts);
    let player = null;
    let tones = 0;
    let right = 0;
    device.sound_tries = 0;
    const mayAnswer = (may) => counts.forEach((button) => (button.disabled = !may));
    const stop = () => {
      player?.pause();
      if (player) URL.revokeObjectURL(player.src);
      player = null;
    };
    play.addEventListener("click", () => {
      stop();
      page.fill("told", "");
      tones ||= FEWEST + Math.floor(Math.random() * counts.length);
      player = new Audio(URL.createObjectURL(tonesOf(tones)));
      player.addEventListener("ended", () => mayAnswer(true));
      player.play();
    });
    counts.forEach((button) =>
      button.addEventListener("click", () => {
        device.sound_tries += 1;
        right = Number(button.textContent) === tones ? right + 1 : 0;
        tones = 0; // the next time another number
        stop();
        if (right === RIGHT) return finish("heard");
        mayAnswer(false);
        page.fill("told", say(right ? "sound_check_again" : "sound_check_wrong"));
        return play.focus();
      }),
    );
    page.on("silent", () => {
      stop();
      finish("silent");
    });
    mayAnswer(false);
  };
}

function countButton(n) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "answer";
  button.textContent = String(n);
  return button;
}

/** `count` tones as a WAV file: 16 bit, one channel. */
function tonesOf(count) {
  const each = Math.round((TONE + PAUSE) * RATE);
  const data = new DataView(new ArrayBuffer(44 + 2 * count * each));
  const words = (at, text) => [...text].forEach((c, k) => data.setUint8(at + k, c.charCodeAt(0)));
  words(0, "RIFF");
  data.setUint32(4, data.byteLength - 8, true);
  words(8, "WAVEfmt ");
  data.setUint32(16, 16, true);
  data.setUint16(20, 1, true); // PCM
  data.setUint16(22, 1, true); // one channel
  data.setUint32(24, RATE, true);
  data.setUint32(28, 2 * RATE, true); // bytes per second
  data.setUint16(32, 2, true);
  data.setUint16(34, 16, true);
  words(36, "data");
  data.setUint32(40, data.byteLength - 44, true);
  for (let k = 0; k < count * each; k += 1) {
    const t = (k % each) / RATE;
    const edge = Math.max(0, Math.min(1, t / RAMP, (TONE - t) / RAMP));
    const sample = AMPLITUDE * edge * Math.sin(2 * Math.PI * PITCH * t);
    data.setInt16(44 + 2 * k, Math.round(32767 * sample), true);
  }
  return new Blob([data], { type: "audio/wav" });
}
