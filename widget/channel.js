// The server, and what this browser remembers.
const TIMEOUT_MS = 45000;

const uuid = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
  (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));
const local = () => localStorage, tab = () => sessionStorage;
const raw = (area, key) => {
  try {
    return area()[key];
  } catch { /* blocked */ }
};
const read = (area, key) => {
  try {
    return JSON.parse(raw(area, key));
  } catch { /* not ours */ }
};

// For this tab; for longer where the person asked for it (`remember`) or agreed to it (`keep`).
export const memory = (key, isThere) => {
  const state = {};
  let seen;
  const load = () => {
    for (const name in state) delete state[name];
    Object.assign(state, read(tab, key) || read(local, key));
    for (const name of ["outbox", "pins"]) state[name] = [].concat(state[name]).filter((each) => each?.message_id || each?.level);
    for (const name of ["token", "line", "draft"]) state[name] = String(state[name] ?? "").replace(name === "token" ? /[^\w.-]/g : "", "");
    seen = raw(tab, key);
  };
  const save = () => {
    if (!isThere()) return;
    const text = JSON.stringify(state);
    try { seen = tab()[key] = text; } catch { /* full */ }
    try {
      if (state.remember || state.keep) local()[key] = text;
      else delete local()[key];
    } catch { /* full */ }
  };
  load();
  return { state, load, save, isOld: () => raw(tab, key) !== seen };
};

export class Channel {
  constructor(server, store) {
    Object.assign(this, { server, store, state: store.state, epoch: 0 });
  }

  // Returns {status (0: nobody there), ok, replies, …body}.
  async request(method, path, data) {
    const stop = (this.stop = new AbortController()), limit = setTimeout(() => stop.abort(), TIMEOUT_MS), { epoch, state } = this;
    const headers = { ...(data && { "Content-Type": "application/json" }), ...(state.token && { Authorization: "Bearer " + state.token }) };
    let answer = {}, body;
    try {
      answer = await fetch(this.server + "/webhooks/web/" + path, { method, headers, body: data && JSON.stringify(data), signal: stop.signal, credentials: "omit", referrerPolicy: "no-referrer" });
      body = await answer.json();
    } catch { /* status says it */ }
    clearTimeout(limit);
    const { status = 0, ok } = answer, isOurs = epoch === this.epoch, replies = Array.isArray(body?.replies) ? body.replies : [];
    if (isOurs && ok && body?.token) {
      state.token = body.token;
      if ("keep" in body) state.keep = body.keep;
      this.store.save();
    }
    const isWhole = path === "history" ? Array.isArray(body?.messages) : replies.length && !replies.some((reply) => reply?.kind === "fault");
    return { ...body, status, replies, isOurs, wait: answer.headers?.get("Retry-After"), ok: Boolean(ok && isWhole) };
  }

  async begin(region) {
    this.state.token = "";
    const made = await this.request("POST", "conversations", region ? { region } : {});
    return region && made.status === 400 ? this.begin() : made; // an unknown country
  }

  // What still runs is no longer ours; the token is the new one already.
  leave() {
    this.epoch += 1;
    const { token, region, line, open } = this.state;
    this.store.save();
    for (const name in this.state) delete this.state[name];
    Object.assign(this.state, { token, region, line, open, draft: "", outbox: [], pins: [] });
    this.store.save();
  }

  // Waits in the outbox for its answer; sent again it has the same id.
  put(content, title) {
    const entry = { ...content, title, message_id: uuid() };
    this.state.outbox.push(entry);
    this.store.save();
    return entry;
  }

  done(entry) {
    const { outbox } = this.state;
    if (outbox.includes(entry)) outbox.splice(outbox.indexOf(entry), 1);
    this.store.save();
  }

  async deliver(entry, region, begun) {
    for (let renewed = false; ; renewed = true) {
      if (!this.state.token) {
        const made = await this.begin(region);
        if (!made.ok) return made;
        begun(made, renewed);
      }
      const { title, ...message } = entry;
      const answer = await this.request("POST", "webhook", message), isOver = answer.status === 401;
      if (!(isOver || (answer.status === 400 && entry.payload)) || renewed || !answer.isOurs) return answer;
      if (isOver) this.state.token = "";
      if (entry.payload) { // its words go on
        entry.message = title;
        delete entry.payload;
      }
    }
  }
}
