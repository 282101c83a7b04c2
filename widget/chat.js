const $ = (id) => document.getElementById(id);
const log = $("log"), input = $("message"), region = $("region");
const LEVELS = { emergency: "Emergency", urgent: "Urgent advice", soon: "Get this checked soon" };
const PATH = "/webhooks/web/";
const pins = {};
let store = {}, busy = false, run = 0, control, retry, changed, timer;
try {
  store = sessionStorage;
  store.sijToken ??= localStorage.sijToken ?? "";
} catch { /* blocked */ }

const make = (tag, cls, text) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  node.textContent = text ?? "";
  return node;
};
const button = (text, act) => {
  const node = make("button", "", text);
  node.type = "button";
  node.onclick = () => busy || act(node);
  return node;
};
const note = (text) => log.appendChild(make("p", "note", text));
const words = (id) => $(id).textContent.replace(/\s+/g, " ");
const list = (value) => (Array.isArray(value) ? value : []);
const uuid = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
  (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));

// Telephone numbers; not "20–30 seconds", years or decimals.
const UNIT = "(?!\\d|[ -]?(?:[%°]|sec|min|hour|day|week|month|year|time|rep|step|set|met|people|percent|(?:[cmk]?[mg]|ml|s|h)\\b))";
const PHONE = RegExp(`\\+?(?:\\(\\d+\\)|\\d+)${UNIT}(?:[ \\u00a0\\u2011-]\\d+${UNIT}(?!/\\d))*`, "gi");
const phones = (parent, text) => {
  let from = 0, found;
  PHONE.lastIndex = 0;
  while ((found = PHONE.exec(text))) {
    const { 0: hit, index } = found;
    const shown = hit.match(/\d/g).length < 6 ? hit.match(/\S+/)[0] : hit; // "999 24/7" is 999
    const end = index + shown.length, digits = shown.replace(/[^\d+]/g, "");
    PHONE.lastIndex = end;
    if (!/^\+?\d{3,15}$/.test(digits) || /^(19|20)\d\d(-|$)/.test(shown)) continue;
    if (/[\p{L}\d_–—+$£€-]$|\d[.,:]$|\b\d\d?\/$/u.test(text.slice(0, index))) continue;
    if (/^([\p{L}\d_]|\s?[–—-]\s?\d|[.,:]\d|\/\d\d?(?!\d))/u.test(text.slice(end))) continue;
    const link = make("a", "", shown);
    link.href = "tel:" + digits;
    parent.append(text.slice(from, index), link);
    from = end;
  }
  parent.append(text.slice(from));
};

const say = (parent, text, card) => (card ? phones(parent, text) : parent.append(text));
const write = (parent, text, card) => {
  for (const block of (text || "").split(/\n\s*\n/)) {
    let last;
    for (const line of block.split(/\r?\n/).filter((l) => l.trim())) {
      const item = /^\s*(?:-|(\d\d?)\.)\s+(.*)$/.exec(line);
      const tag = !item ? "P" : item[1] ? "OL" : "UL";
      if (last?.tagName !== tag) {
        last = parent.appendChild(make(tag));
        if (tag === "OL") last.start = item[1];
      } else if (!item) last.append(make("br"));
      const node = item ? last.appendChild(make("li")) : last;
      say(node, item ? item[2] : line, card);
    }
  }
};

const sources = (parent, items) => {
  const box = make("details"), ul = make("ul");
  for (const { title, url } of items) {
    const li = ul.appendChild(make("li"));
    if (/^https?:\/\//i.test(url)) {
      const link = li.appendChild(make("a", "", title || url));
      link.href = url;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.append(make("span", "hide", " (new tab)"));
    } else li.textContent = title;
  }
  box.append(make("summary", "", `Sources (${items.length})`), ul);
  if (items.length) parent.append(box);
};

const isCard = ({ kind, level }) => kind === "care_card" || (kind !== "fault" && /^(emergency|urgent)$/.test(level));
const build = (reply, top) => {
  const card = isCard(reply), level = LEVELS[reply.level], group = make("div", "buttons");
  const node = make("div", card ? `msg card ${level ? reply.level : ""}` : `msg ${reply.kind}`);
  if (reply.kind === "fault") node.setAttribute("role", "alert");
  if (!card) node.append(make("span", "hide", "Assistant: "));
  if (card || reply.title) {
    const head = node.appendChild(make("h2"));
    if (card) head.append(make("span", "level", (level || "Advice") + ": "));
    say(head, reply.title || "", card);
  }
  const body = node.appendChild(make(top ? "details" : "div", "body"));
  if (top) {
    body.open = true;
    body.append(make("summary", "", "Show or hide"));
  }
  const { name, shows } = reply.picture || {};
  if (name && /^[a-z0-9_]+$/.test(name)) {
    body.append(Object.assign(make("img"), { src: `/pictures/${name}.svg`, alt: shows, width: 640, height: 300 }));
  }
  const files = make("p");
  for (const { title, shows, url } of list(reply.documents)) {
    if (!/^documents\/[\w.-]+\/[\w.]+$/.test(url)) continue;
    const file = make(shows ? "img" : "a", shows ? "" : "file", shows ? null : title);
    if (shows) Object.assign(file, { src: PATH + url, alt: shows, width: 600, height: 320 });
    else Object.assign(file, { href: PATH + url, download: "" });
    (shows ? body : files).append(file);
  }
  write(body, reply.text, card);
  if (files.firstChild) body.append(files);
  sources(body, list(reply.sources));
  for (const { title, payload } of list(reply.buttons)) {
    group.append(button(title, (used) => {
      for (const other of group.children) other.disabled = true;
      used.className = "used";
      send({ payload }, title).focus();
    }));
  }
  if (group.firstChild) node.append(group);
  return node;
};

// The latest card of a level stays pinned; an older one goes to the log.
const pin = (reply, mark) => {
  const slot = $("pin-" + reply.level);
  pins[reply.level]?.mark?.replaceChildren(...slot.childNodes);
  slot.replaceChildren(build(reply, true));
  pins[reply.level] = { reply, mark };
  $("pins").tabIndex = 0;
  store.sijPins = JSON.stringify(Object.values(pins).map((p) => p.reply));
  slot.scrollIntoView({ block: "nearest" });
};
const show = (replies) => {
  for (const reply of replies) {
    if (isCard(reply) && $("pin-" + reply.level)) {
      const mark = make("div");
      mark.setAttribute("aria-live", "off"); // the alert has said it
      mark.append(make("p", "note", `${LEVELS[reply.level]}: ${reply.title || ""} (above the message box)`));
      log.append(mark);
      pin(reply, mark);
    } else log.append(build(reply));
  }
};

const state = (text) => {
  busy = Boolean(text);
  $("status").textContent = text;
  $("send").setAttribute("aria-disabled", busy);
};
const post = async (path, data, token) => {
  const stop = control = new AbortController(), limit = setTimeout(() => stop.abort(), 10000);
  try {
    const answer = await fetch(PATH + path, {
      method: "POST", body: JSON.stringify(data), signal: stop.signal,
      headers: { "Content-Type": "application/json", ...(token && { Authorization: "Bearer " + token }) },
    });
    const json = await answer.json().catch(() => null);
    return { ok: answer.ok, status: answer.status, token: json?.token, keep: json?.keep, replies: list(json?.replies) };
  } finally { clearTimeout(limit); }
};
const hold = ({ token, keep }) => {
  store.sijToken = token;
  try {
    if (keep) localStorage.sijToken = token;
    else delete localStorage.sijToken;
  } catch { /* blocked */ }
};
const create = async () => {
  const made = await post("conversations", { region: region.value });
  made.ok &&= Boolean(made.token);
  if (made.ok) store.sijToken = made.token;
  return made;
};

// Retry runs the very same exchange again.
const attempt = async (work, text, anchor) => {
  const mine = ++run;
  retry?.remove();
  state(text);
  const result = await work().catch(() => ({ replies: [] }));
  if (mine !== run) return; // region changed
  state("");
  region.disabled = false;
  if (!result.ok && !result.replies.length) {
    result.replies = [{ kind: "fault", text: `${words("failure")}\n\n${words("line")}` }];
  }
  show(result.replies);
  if (!result.ok) {
    retry = log.appendChild(make("div", "buttons"));
    retry.append(button("Retry", () => {
      log.focus();
      attempt(work, text, anchor);
    }));
  }
  anchor?.scrollIntoView();
};
const start = (anchor) => attempt(create, "Starting…", anchor);

const send = (content, text) => {
  const bubble = log.appendChild(make("div", "msg mine")), message = { ...content, message_id: uuid() };
  bubble.tabIndex = -1;
  bubble.append(make("span", "hide", "You: "), text);
  bubble.scrollIntoView();
  region.disabled = true;
  attempt(async () => {
    for (let renewed = false; ; renewed = true) {
      if (!store.sijToken) {
        const made = await create();
        if (!made.ok) return made;
        if (renewed) note(words("ended"));
        show(made.replies);
      }
      const result = await post("webhook", message, store.sijToken);
      if (result.status !== 401 || renewed) {
        result.ok &&= result.replies.length > 0;
        if (result.token) hold(result); // another country, agreed to be remembered, or everything was erased
        return result;
      }
      hold({ token: "" });
    }
  }, "Sending…", bubble);
  return bubble;
};

$("form").onsubmit = (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (busy || !text) return input.focus();
  input.value = "";
  send({ message: text }, text);
};
input.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("form").requestSubmit();
};
region.onchange = () => {
  run += 1;
  control?.abort();
  store.sijRegion = region.value;
  delete store.sijToken;
  for (const b of document.querySelectorAll(".buttons button")) b.disabled = true;
  state("Starting…");
  changed ??= note();
  changed.textContent = `Region: ${region.selectedOptions[0].text}. ${words("renewed")}`;
  clearTimeout(timer);
  timer = setTimeout(() => {
    start(changed);
    changed = null;
  }, 500);
};

$("boot").remove();
$("settings").hidden = $("composer").hidden = false;
region.value = store.sijRegion || "unknown";
for (const reply of JSON.parse(store.sijPins || "[]")) pin(reply);
if (store.sijToken) note(words("reloaded"));
else start();
