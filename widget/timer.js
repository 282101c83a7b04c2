// Counts seconds where an exercise is held, else how many are done.
import { button, fill, h } from "./replies.js";

const READY_S = 3, CHANGE_S = 3, SIDES_S = 5, TICK_MS = 200;

const phases = ({ count, unit, hold_s, rest_s, each_side }, words) => {
  if (unit === "minutes") return [{ says: words.minutes, s: count * 60 }];
  const side = [];
  for (let n = 1; n <= count; n += 1) {
    if (n > 1) side.push({ says: words.rest, s: rest_s ?? CHANGE_S });
    side.push({ says: fill(words.hold, { n, of: count }), s: hold_s });
  }
  return [{ says: words.ready, s: READY_S }, ...side, ...(each_side ? [{ says: words.sides, s: SIDES_S }, ...side] : [])];
};

const counter = ({ count, each_side }, words, announce) => {
  const of = count, all = each_side ? 2 * count : count;
  let done = 0;
  const node = button(fill(words.count, { n: 0, of }), () => {
    if (done === all) return;
    done += 1;
    const isTurn = each_side && done === count;
    node.textContent = done === all ? fill(words.counted, { of }) : (isTurn ? words.sides + ": " : "") + fill(words.count, { n: done % count, of });
    if (done === all || isTurn) announce(node.textContent);
  });
  return node;
};

export const exercise = (timer, words, announce) => {
  const round = timer.rounds > 1 && h("p", null, fill(words.round, { n: timer.round, of: timer.rounds }));
  if (!timer.hold_s && timer.unit !== "minutes") return h("div", { className: "timer", dir: words.dir }, round, counter(timer, words, announce));
  const plan = phases(timer, words);
  const says = h("div"), clock = h("div", { className: "clock", role: "timer", "aria-live": "off" }), bar = h("progress", { max: plan.reduce((sum, { s }) => sum + s, 0), value: 0, "aria-label": words.clock });
  const speak = h("input", { type: "checkbox" }), buzz = h("input", { type: "checkbox" });
  let at = 0, left = plan[0].s * 1000, ends = 0, ticking = 0;

  const cue = () => {
    if (speak.checked) {
      speechSynthesis.cancel();
      speechSynthesis.speak(new SpeechSynthesisUtterance(plan[at].says));
    }
    if (buzz.checked) navigator.vibrate(200);
  };
  const draw = () => {
    const seconds = Math.ceil(left / 1000);
    says.textContent = plan[at].says;
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    bar.value = plan.slice(0, at + 1).reduce((sum, { s }) => sum + s, 0) - seconds;
  };
  const stop = (label) => {
    clearInterval(ticking);
    ticking = 0;
    main.textContent = label;
  };
  const tick = () => {
    if (!node.isConnected || node.closest(".msg").querySelector(":disabled")) return stop(words.start);
    left = ends - performance.now();
    let moved = false;
    while (left <= 0 && at < plan.length - 1) { // woke late
      at += 1;
      ends += plan[at].s * 1000;
      left = ends - performance.now();
      moved = true;
    }
    if (left <= 0) {
      stop(words.start);
      says.textContent = words.over;
      clock.textContent = "0:00";
      bar.value = bar.max;
      announce(words.over);
      if (buzz.checked) navigator.vibrate([200, 100, 200]);
      at = 0;
      left = plan[0].s * 1000;
      return;
    }
    draw();
    if (moved) cue();
  };
  const main = button("", () => {
    if (ticking) {
      stop(words.resume);
      announce(words.paused);
      return;
    }
    ends = performance.now() + left;
    ticking = setInterval(tick, TICK_MS);
    main.textContent = words.pause;
    announce(words.begun);
    draw();
    cue();
  });
  const options = [];
  if ("speechSynthesis" in window) options.push(h("label", null, speak, words.speak));
  if (navigator.vibrate) options.push(h("label", null, buzz, words.buzz));
  const node = h("div", { className: "timer", dir: words.dir }, round, says, clock, bar, h("div", { className: "buttons" }, main), ...options);
  stop(words.start);
  draw();
  return node;
};
