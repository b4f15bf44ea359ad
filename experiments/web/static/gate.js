// Who may enter: a computer (or, if the study says so, any device) whose window is large enough to
// show the stimuli at their own size.

import { wayBack } from "./address.js";
import { PagePlugin } from "./page.js";
import { study } from "./study.js";

const FRAMES = 30; // frames for the refresh rate

/** jsPsych trials that measure the device into `device`, and hold phones and small windows. */
export function gate(device, external) {
  const fits = () => innerWidth >= study.screen.width && innerHeight >= study.screen.height;
  const handheld = () =>
    study.devices === "computer" &&
    (device.mobile || matchMedia("(pointer: coarse) and (hover: none)").matches);
  const measure = {
    type: jsPsychBrowserCheck,
    features: ["width", "height", "mobile", "vsync_rate"],
    vsync_frame_count: FRAMES,
    allow_window_resize: false,
    on_finish: ({ width, height, mobile, vsync_rate }) => {
      Object.assign(device, { width, height, mobile, refresh_hz: vsync_rate, ratio: devicePixelRatio });
    },
  };
  const refuse = {
    timeline: [
      {
        type: PagePlugin,
        page: "refused",
        fill: (page, finish) => {
          page.show("code", Boolean(study.codes.screened_out));
          page.fill("code", study.codes.screened_out ?? "");
          const back = wayBack("screened_out", external);
          page.show("redirect", Boolean(back));
          if (back) page.find('[data-link="redirect"]').href = back;
          const look = () => {
            page.fill("size", `${innerWidth} × ${innerHeight}`);
            if (!fits() || handheld()) return;
            removeEventListener("resize", look);
            Object.assign(device, { width: innerWidth, height: innerHeight });
            finish();
          };
          addEventListener("resize", look);
          look();
        },
      },
    ],
    conditional_function: () => !fits() || handheld(),
  };
  return [measure, refuse];
}
