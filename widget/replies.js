// A reply as elements. Text only ever becomes text.
export const h = (tag, properties, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in node && name !== "role") node[name] = value;
    else if (value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== "" && child !== false));
  return node;
};

export const button = (text, onclick, more) => h("button", { type: "button", dir: "auto", onclick, ...more }, text);

export const fill = (text, places) => text.replace(/\{(\w+)\}/g, (all, name) => places[name] ?? all);

// Telephone numbers; not "20–30 seconds", years or decimals.
const UNIT = "(?!\\d|[ -]?(?:[%°]|sec|min|hour|day|week|month|year|time|rep|step|set|met|people|percent|(?:[cmk]?[mg]|ml|s|h)\\b))";
const PHONE = RegExp(`\\+?(?:\\(\\d+\\)|\\d+)${UNIT}(?:[ \\u00a0\\u2011-]\\d+${UNIT}(?!/\\d))*`, "gi");

export const phones = (parent, text) => {
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
    parent.append(text.slice(from, index), h("a", { href: "tel:" + digits }, shown));
    from = end;
  }
  parent.append(text.slice(from));
  return parent;
};

const write = (parent, text, say) => {
  for (const block of text.split(/\n\s*\n/)) {
    let last;
    for (const line of block.split(/\r?\n/).filter((each) => each.trim())) {
      const item = /^\s*(?:-|(\d\d?)\.)\s+(.*)$/.exec(line);
      const tag = !item ? "P" : item[1] ? "OL" : "UL";
      if (last?.tagName !== tag) {
        last = parent.appendChild(h(tag, item?.[1] && { start: item[1] }));
      } else if (!item) last.append(h("br"));
      say(item ? last.appendChild(h("li")) : last, item ? item[2] : line);
    }
  }
};

const sources = (items, words) => h("details", null, h("summary", null, `${words.sources} (${items.length})`), h("ul", null, ...items.map(({ title, url }) =>
  h("li", null, /^https?:\/\//i.test(url) ? h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title || url, h("span", { className: "hide" }, " " + words.tab)) : title))));

const files = (items, { server }) => items.filter(({ url }) => /^documents\/[\w.-]+\/[\w.]+$/.test(url)).map(({ title, shows, url }) => {
  const address = server + "/webhooks/web/" + url;
  return shows ? h("img", { src: address, alt: shows, width: 600, height: 320 }) : h("p", null, h("a", { href: address, download: "" }, title));
});

export const isCard = ({ kind, level }) => kind === "care_card" || (kind !== "fault" && /^(emergency|urgent)$/.test(level));
const list = (value) => (Array.isArray(value) ? value : []);

export const build = (reply, to) => {
  const card = isCard(reply), { words } = to, level = words.levels[reply.level], text = String(reply.text ?? "");
  const node = h("div", { className: "msg " + (card ? `card ${level ? reply.level : ""}` : reply.kind === "fault" ? "fault" : "") });
  const say = (parent, part) => {
    const at = card ? 0 : to.line ? part.indexOf(to.line) : -1; // elsewhere a number may be no telephone's
    if (at < 0) return parent.append(part);
    parent.append(part.slice(0, at));
    phones(parent, part.slice(at));
  };
  if (!card) node.append(h("span", { className: "hide" }, words.assistant + ": "));
  if (card || reply.title) {
    const head = node.appendChild(h("h3", { dir: "auto" }, card && h("span", { className: "level" }, (level || words.advice) + ": ")));
    say(head, String(reply.title ?? ""));
  }
  const body = node.appendChild(h("div", { className: "body", dir: "auto" }));
  const { name, shows } = reply.picture || {};
  if (/^[a-z0-9_]+$/.test(name ?? "")) body.append(h("img", { src: `${to.server}/pictures/${name}.svg`, alt: shows, width: 640, height: 300 }));
  write(body, text, say);
  body.append(...files(list(reply.documents), to));
  if (reply.timer) body.append(to.exercise(reply.timer, words, to.announce));
  if (list(reply.sources).length) body.append(sources(reply.sources, words));
  const group = h("div", { className: "buttons" }, ...list(reply.buttons).map(({ title, payload }) => {
    const node = button(title, () => to.press(payload, title, () => {
      for (const other of group.children) other.disabled = true;
      node.className = "used";
    }), { "data-tied": payload.includes("@") });
    return node;
  }));
  if (group.firstChild) node.append(group);
  return node;
};
