// <si-joint-chat>: see docs/widget.md.
import { Channel, memory } from "./channel.js";
import { build, button, fill, h, isCard, phones } from "./replies.js";
import english from "./strings.en.js";
import css from "./style.js";
import { exercise } from "./timer.js";

const HERE = new URL(import.meta.url);
const LOW = "(max-height: 30em)"; // as in style.js
const QUIET_MS = 600, SLOW_MS = 15000, MOST_WAIT_S = 30, NO_DOUBLE_CLICK_MS = 600;
const NEVER_TAKEN = [400, 413];

const words_of = async (language) => {
  if (!/^[a-z]{2,3}(-[a-z]+)?$/i.test(language) || language === "en") return english;
  const found = await import(`./strings.${language.toLowerCase()}.js`).catch(() => ({}));
  return { ...english, ...found.default };
};

class SiJointChat extends HTMLElement {
  async connectedCallback() {
    if (this.words) return this.wake();
    this.words = {};
    this.words = await words_of(this.getAttribute("language") || "en");
    this.server = new URL(this.getAttribute("server") || HERE.origin, location).origin;
    const place = [...document.querySelectorAll("si-joint-chat")].indexOf(this);
    this.memory = memory(`si-joint-chat ${this.server} ${place}`, () => this.isConnected);
    this.state = this.memory.state;
    this.channel = new Channel(this.server, this.memory);
    this.to = { server: this.server, words: this.words, exercise, press: (...pressed) => this.press(...pressed), announce: (text) => this.say(text) };
    this.tries = 0;
    const root = this.attachShadow({ mode: "open" }); // till then the children stand
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      root.adoptedStyleSheets = [sheet];
    } catch { /* old browser */ }
    root.append(...this.parts());
    this.listen();
    this.resume();
    performance.mark("si-joint-chat");
  }

  resume() {
    this.emptied();
    this.pinned = {};
    this.made(this.state.pins);
    this.place({});
    this.input.value = this.state.draft;
    this.toggleAttribute("open", Boolean(this.state.open));
    this.start();
  }

  start() {
    if (!this.isBubble || this.state.open || this.state.outbox.length) this.flush();
  }

  // Back in the page, or the page is back; another may have gone on.
  wake() {
    if (!this.memory?.isOld()) return this.memory && this.start();
    this.channel.epoch += 1;
    this.memory.load();
    this.resume();
  }

  get isBubble() {
    return this.getAttribute("position") === "bubble";
  }

  parts() {
    const { words } = this;
    this.line = h("p", { hidden: true, dir: "auto" });
    this.slotted = h("slot", null, h("p", null, h("strong", null, words.signs), " ", phones(h("span"), words.line)));
    this.alerts = { emergency: h("div", { role: "alert" }), urgent: h("div", { role: "alert" }) };
    this.pins = h("div", { className: "pins", role: "group", "aria-label": words.advice, hidden: true, tabIndex: 0 }, ...Object.values(this.alerts));
    this.top = h("div", { className: "top" }, h("div", { className: "line", role: "note", "aria-label": words.emergency }, this.slotted, this.line), this.pins);
    this.log = h("div", { className: "log", role: "log", "aria-live": "polite", "aria-label": words.log, tabIndex: 0 });
    this.trouble = h("p", { dir: "auto" });
    this.away = h("section", { className: "away", "aria-label": words.unsent, hidden: true },
      h("div", { role: "alert" }, this.trouble), h("div", { className: "buttons" }, button(words.retry, () => this.retry(), { className: "main" })));
    this.status = h("p", { className: "quiet", role: "status" });
    this.input = h("textarea", { id: "message", rows: 1, enterKeyHint: "send", "aria-describedby": "hint" });
    this.form = h("form", { className: "composer", autocomplete: "off" },
      h("label", { htmlFor: "message" }, words.message),
      h("div", { className: "row" }, this.input, h("button", { type: "submit", className: "main" }, words.send)),
      h("div", { className: "foot" }, this.status, h("p", { className: "quiet", id: "hint" }, words.hint)));
    this.panel = h("section", { className: "panel", dir: words.dir, lang: this.getAttribute("language") || "en", "aria-label": words.title, tabIndex: -1, ...(this.isBubble && { role: "dialog" }) },
      h("header", null, h("h2", null, words.title), button(words.menu, () => this.options()),
        button("×", () => this.show(false), { className: "close", "aria-label": words.close }), h("p", { className: "quiet" }, words.about)),
      this.top, this.log, this.away, this.form);
    this.call = h("a", { hidden: true });
    this.opener = button(words.open, () => this.show(true), { "aria-expanded": false });
    this.dialog = h("dialog", { dir: words.dir });
    return [this.panel, h("div", { className: "bubble", dir: words.dir }, this.call, this.opener), this.dialog];
  }

  listen() {
    this.form.onsubmit = (event) => {
      event.preventDefault();
      const text = this.input.value.trim();
      if (!text) return this.input.focus();
      this.input.value = "";
      this.keep();
      this.send({ message: text }, text);
    };
    this.input.oninput = () => this.keep();
    this.input.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.form.requestSubmit();
    };
    this.panel.onkeydown = (event) => {
      if (event.key === "Escape" && this.isBubble) this.show(false);
    };
    const on = (name, act) => addEventListener(name, (event) => this.isConnected && act(event));
    on("pageshow", (event) => event.persisted && this.wake());
    on("online", () => this.flush());
    on("offline", () => this.fails(this.words.offline));
    matchMedia(LOW).addEventListener("change", () => this.last && this.goTo(this.last));
  }

  keep() {
    this.state.draft = this.input.value;
    this.memory.save();
  }

  show(isOpen) {
    this.toggleAttribute("open", isOpen);
    this.opener.setAttribute("aria-expanded", isOpen);
    this.state.open = isOpen;
    this.memory.save();
    if (!isOpen) return this.opener.focus();
    (matchMedia("(pointer: fine)").matches ? this.input : this.panel).focus();
    this.flush();
  }

  say(text) {
    this.status.textContent = text;
  }

  fails(text) {
    this.say("");
    this.away.hidden = false;
    if (this.trouble.textContent !== text) this.trouble.textContent = text; // not said again at each try
  }

  note(text) {
    return this.log.appendChild(h("p", { className: "note" }, text));
  }

  goTo(node) {
    const isLow = matchMedia(LOW).matches, box = isLow ? this.panel : this.log;
    box.scrollTop += node.getBoundingClientRect().top - (isLow ? this.top.getBoundingClientRect().bottom : box.getBoundingClientRect().top) - 8;
  }

  place({ region, regions, emergency_line: line }) {
    const { state } = this;
    if (region) Object.assign(state, { region, line });
    if (regions) this.regions = regions;
    if (state.line) {
      this.to.line = state.line;
      this.line.replaceChildren(h("strong", null, this.words.signs), " ");
      phones(this.line, state.line);
    }
    this.line.hidden = !state.line;
    this.slotted.hidden = Boolean(state.line);
    this.memory.save();
    if (state.region !== "unknown") this.asked?.remove();
  }

  bubble(text) {
    this.script.push(`${this.words.you}: ${text}`);
    return (this.last = h("div", { className: "msg mine", tabIndex: -1 }, h("span", { className: "hide" }, this.words.you + ": "), h("bdi", null, text)));
  }

  // An older card is words in the log.
  pin(reply, mark) {
    const { words } = this, card = build(reply, this.to), before = this.pinned[reply.level];
    const small = button("", () => shrink(!card.classList.contains("small")));
    const shrink = (isSmall) => {
      card.classList.toggle("small", isSmall);
      small.textContent = isSmall ? words.again : words.read;
    };
    before?.mark.replaceChildren(build({ ...before.reply, kind: "text", level: null }, this.to));
    for (const other of Object.values(this.pinned)) other.shrink(true);
    const link = card.querySelector("a");
    card.querySelector("h3").after(h("div", { className: "buttons" }, link && h("a", { href: link.href }, fill(words.call, { n: link.textContent })), small));
    shrink(false);
    this.alerts[reply.level].replaceChildren(card);
    this.pinned[reply.level] = { reply, mark, shrink };
    this.pins.hidden = false;
    this.top.scrollTop = this.pins.scrollTop = 0;
    this.state.pins = Object.values(this.pinned).map((each) => each.reply);
    this.memory.save();
    const number = this.alerts.emergency.querySelector("a")?.href;
    Object.assign(this.call, { hidden: !number, href: number || "", textContent: `${words.emergency}: ${(number || "").slice(4)}` });
  }

  made(replies) {
    return replies.map((reply) => {
      let node;
      try {
        this.script.push(`${this.words.assistant}: ${[reply.title, reply.text].filter(Boolean).join("\n")}`);
        if (isCard(reply) && this.alerts[reply.level]) {
          node = h("div", { "aria-live": "off" }, h("p", { className: "note", dir: "auto" }, `${this.words.levels[reply.level]}: ${reply.title || ""} (${this.words.pinned})`)); // the alert has said it
          this.pin(reply, node);
        } else node = build(reply, this.to);
      } catch { // not as agreed
        node = h("div", { className: "msg" }, String(reply?.text ?? ""));
      }
      return node;
    });
  }

  // A choice of an earlier question is none any more.
  settle(...nodes) {
    for (const node of nodes) for (const old of node.querySelectorAll("[data-tied=true]")) old.disabled = true;
  }

  // Returns whether the next message may go; so do the others below.
  async connect() {
    if (this.isLoaded) return true;
    const { state, channel, words } = this;
    let answer = await (state.token ? channel.request("GET", "history") : channel.begin(this.wanted));
    const isOver = answer.status === 401;
    if (isOver) answer = await channel.begin(this.wanted);
    if (!answer.isOurs) return false;
    if (!answer.ok) return this.failed(answer);
    this.isLoaded = true;
    this.script = [];
    const all = answer.messages || [{ replies: answer.replies }], from = all.findIndex((each) => each.message_id === state.from);
    const known = from > 0 ? all.slice(from) : all, own = this.getAttribute("greeting");
    const nodes = known.flatMap(({ message_id, said, replies }, place) => {
      const entry = state.outbox.find((each) => each.message_id === message_id);
      if (entry) {
        channel.done(entry);
        this.opens(replies);
      }
      const mine = said == null ? [] : [this.bubble(said)], made = this.made(replies);
      if (place < known.length - 1) this.settle(...made);
      return [...mine, ...made];
    });
    if (isOver) nodes.unshift(h("p", { className: "note" }, words.renewed));
    if (own) nodes.unshift(h("div", { className: "msg", dir: "auto" }, own));
    for (const entry of state.outbox) this.stand(entry);
    this.log.setAttribute("aria-live", answer.messages ? "off" : "polite");
    this.log.replaceChildren(...nodes, ...state.outbox.map((each) => each.node));
    this.log.scrollTop = answer.messages ? this.log.scrollHeight : 0;
    setTimeout(() => this.log.setAttribute("aria-live", "polite"));
    this.place(answer);
    if (state.region === "unknown" && this.regions) {
      this.asked = h("div", { className: "msg" }, this.regionChoice());
      nodes.at(-1).after(this.asked);
    }
    return true;
  }

  get wanted() {
    const { region } = this.state;
    return region && region !== "unknown" ? region : this.getAttribute("region");
  }

  send(content, title) {
    const entry = this.channel.put(content, title);
    this.log.append(this.stand(entry));
    this.goTo(entry.node);
    this.flush();
    return entry.node;
  }

  stand(entry) {
    Object.defineProperty(entry, "node", { value: this.bubble(entry.title), configurable: true });
    return entry.node;
  }

  press(payload, title, used) {
    used();
    this.send({ payload }, title).focus({ preventScroll: true });
  }

  retry() {
    clearTimeout(this.next);
    this.trouble.textContent = "";
    this.input.focus();
    if (this.isBusy) this.channel.stop.abort();
    else this.flush();
  }

  async flush() {
    if (this.isBusy || !this.isConnected) return;
    this.isBusy = true;
    this.say("");
    const { epoch } = this.channel, tried = new Set();
    const quiet = setTimeout(() => {
      this.say(this.words.waiting);
      this.status.classList.add("dots");
    }, QUIET_MS);
    const slow = setTimeout(() => this.fails(this.words.down), SLOW_MS);
    for (const entry of this.state.outbox) if (!entry.node) this.log.append(this.stand(entry));
    let isFine = await this.connect();
    for (let entry; isFine && (entry = this.state.outbox.find((each) => !tried.has(each.message_id))); ) {
      tried.add(entry.message_id);
      isFine = await this.exchange(entry);
    }
    clearTimeout(quiet);
    clearTimeout(slow);
    if (epoch !== this.channel.epoch) return;
    if (this.status.classList.contains("dots")) this.say("");
    this.status.classList.remove("dots");
    this.isBusy = false;
    if (isFine && this.isLoaded && !this.state.outbox.length) {
      if (!this.away.hidden) this.say(this.words.back);
      this.away.hidden = true;
      this.tries = 0;
    }
  }

  async exchange(entry) {
    const { channel } = this;
    const answer = await channel.deliver(entry, this.wanted, (made, isNew) => {
      if (isNew) entry.node.before(h("p", { className: "note" }, this.words.renewed), ...this.made(made.replies));
      this.place(made);
    });
    if (!answer.isOurs) {
      this.made(answer.replies.filter(isCard));
      return false;
    }
    const { node } = entry;
    node.querySelector(".state")?.remove();
    const isRefused = NEVER_TAKEN.includes(answer.status);
    if (answer.ok || isRefused) {
      channel.done(entry);
      if (!isRefused) this.settle(this.log);
      node.after(...this.made(answer.replies));
      this.place(answer);
      if (isRefused && !this.input.value && entry.message) {
        this.input.value = entry.message;
        this.keep();
      }
      this.goTo(node);
      this.opens(answer.replies);
      return true;
    }
    node.append(h("span", { className: "state" }, this.words.unsent));
    return this.failed(answer);
  }

  opens(replies) {
    if (!replies.some(isCard)) return;
    if (this.isBubble && !this.state.open) this.show(true);
    if (matchMedia(`(pointer: coarse), ${LOW}`).matches) this.pins.focus({ preventScroll: true });
  }

  failed({ status, replies, wait }) {
    const { words, state } = this, fault = replies.find((reply) => reply.kind === "fault");
    this.log.append(...this.made(replies.filter((each) => isCard(each) && !state.pins.some(({ id }) => id && id === each.id))));
    this.opens(replies);
    this.fails(navigator.onLine === false ? words.offline : status ? fault?.text || words.failure : words.down);
    if (!status || wait) {
      this.tries += 1;
      clearTimeout(this.next);
      this.next = setTimeout(() => this.flush(), 1000 * (wait || Math.min(2 ** this.tries, MOST_WAIT_S)));
    }
    return status; // the next may be urgent
  }

  regionChoice() {
    const { words, regions } = this;
    const select = h("select", null, h("option"), ...Object.entries(regions).map(([code, title]) => h("option", { value: code, selected: code === this.state.region }, title)));
    return h("div", { className: "row" }, h("label", null, words.region + " ", select), button(words.set, () => {
      if (!select.value) return;
      const text = fill(words.here, { place: regions[select.value] });
      this.dialog.close();
      this.send({ message: text }, text).focus({ preventScroll: true });
    }));
  }

  options() {
    const { words, dialog } = this;
    const remember = h("input", { type: "checkbox", checked: Boolean(this.state.remember), onchange: () => {
      this.state.remember = remember.checked;
      this.memory.save();
    } });
    dialog.replaceChildren(
      h("h2", null, words.menu), h("p", null, words.about),
      ...(this.regions ? [this.regionChoice()] : []),
      h("label", { className: "check" }, remember, h("span", null, words.remember, h("span", { className: "quiet" }, " " + words.rememberHint))),
      h("div", { className: "buttons" },
        button(words.save, () => this.download()),
        button(words.print, () => {
          dialog.close();
          print();
        }),
        button(words.restart, () => this.ask(words.restartAsk, () => this.restart())),
        button(words.forget, () => this.ask(words.forgetAsk, () => this.forget())),
        button(words.closeMenu, () => dialog.close())));
    dialog.setAttribute("aria-label", words.menu);
    dialog.showModal();
  }

  ask(question, act) {
    const { words, dialog } = this, no = button(words.no, () => dialog.close());
    const yes = button(words.yes, () => {
      dialog.close();
      act();
    }, { className: "main", disabled: true });
    setTimeout(() => (yes.disabled = false), NO_DOUBLE_CLICK_MS);
    dialog.replaceChildren(h("p", null, question), h("div", { className: "buttons" }, no, yes));
    dialog.setAttribute("aria-label", question);
    no.focus();
  }

  download() {
    const { title, about } = this.words;
    const text = new Blob([[title, about, new Date().toLocaleString(), ...this.script].join("\n\n") + "\n"], { type: "text/plain" });
    h("a", { href: URL.createObjectURL(text), download: this.words.file }).click();
    this.dialog.close();
  }

  emptied() {
    this.log.replaceChildren();
    this.script = [];
    this.isLoaded = this.isBusy = false;
    this.away.hidden = true;
  }

  // The same conversation: what stands in it stands.
  restart() {
    this.log.replaceChildren(...this.state.outbox.map((each) => each.node));
    this.script = [];
    this.input.focus();
    this.send({ message: "start again" }, this.words.restart);
    this.state.from = this.state.outbox.at(-1).message_id;
    this.memory.save();
  }

  async forget() {
    this.log.inert = this.form.inert = true;
    const answer = this.state.token ? await this.channel.request("DELETE", "conversations") : { ok: true };
    this.log.inert = this.form.inert = false;
    if (!answer.ok) return this.fails(answer.replies.at(-1)?.text || this.words.forgetFailed);
    this.channel.leave();
    this.emptied();
    this.pinned = {};
    this.input.value = "";
    this.flush().then(() => this.note(this.words.forgotten));
    this.input.focus();
  }
}

customElements.define("si-joint-chat", SiJointChat);

if (HERE.search && !document.querySelector("si-joint-chat")) {
  const chat = h("si-joint-chat", { position: "bubble" });
  for (const [name, value] of HERE.searchParams) if (/^(server|region|language|theme|position|greeting)$/.test(name)) chat.setAttribute(name, value);
  document.body.append(chat);
}
