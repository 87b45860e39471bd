"use strict";
(() => {
const root = document.documentElement, $ = s => document.querySelector(s), byId = i => document.getElementById(i);
root.classList.add("js");
const R = JSON.parse(byId("run").textContent), SEV = {c: "critical", h: "high", m: "medium", l: "low", i: "info"}, ORDER = "chmli";
const PAGE = 100, GROUPS = 60;
const [HOST, RULE, SEVERITY, VERDICT, ADDRESS, ABOUT, MESSAGE, EVIDENCE] = [0, 1, 2, 3, 4, 5, 6, 7];
const enc = s => encodeURIComponent(s).replace(/%40/g, "@").replace(/%3A/g, ":");
const count = (n, noun) => n + " " + noun + (n === 1 ? "" : "s");
const el = (tag, props, ...kids) => {            // text only ever enters through textContent
  const n = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) k in n ? n[k] = v : n.setAttribute(k, v);
  n.append(...kids.filter(x => x != null)); return n;
};
const kindOf = f => f[VERDICT] === "?" ? "u" : f[SEVERITY];
const mark = kind => el("b", {className: "k " + kind, role: "img", "aria-label": kind === "u" ? "not known" : SEV[kind]}, kind === "u" ? "?" : kind.toUpperCase());
const idOf = f => R.hosts[f[HOST]][1] + "/" + R.s[f[ADDRESS]];

/* ---- filters: state lives in the address, so a filtered view can be sent to somebody */
const CHIPS = [["c", "critical"], ["h", "high"], ["m", "medium"], ["l", "low"], ["i", "info"], ["u", "not known"]];
const st = {q: "", sev: new Set(), by: R.by};
const text = R.f.map(f => { const h = R.hosts[f[HOST]], r = R.rules[f[RULE]]; let t = h[0] + " " + h[2] + " " + h[3].join(" ") + " " + r[0] + " " + r[1]; for (const i of f.slice(ABOUT)) t += " " + R.s[i]; return t.toLowerCase(); });
const hit = (f, i, anyKind) => (anyKind || !st.sev.size || st.sev.has(kindOf(f))) && (!st.q || st.q.toLowerCase().split(/\s+/).every(w => !w || text[i].includes(w)));
let chips = [], input, by, clear, shown = GROUPS;
function buildFilters() {
  input = el("input", {type: "search", placeholder: "host, rule, file, words"}); input.setAttribute("aria-label", "Search findings");
  let timer; input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => { st.q = input.value.trim(); save(); draw(); }, 120); });
  byId("filters").append(input);
  for (const [kind, word] of CHIPS) {
    const n = el("span", {className: "n"}), b = el("button", {className: "chip", type: "button"}, word + " ", n);
    b.addEventListener("click", () => { st.sev.has(kind) ? st.sev.delete(kind) : st.sev.add(kind); save(); draw(); });
    chips.push({kind, b, n}); byId("filters").append(b);
  }
  by = el("select", {}, ...["rule", "host"].map(x => el("option", {value: x}, "by " + x))); by.setAttribute("aria-label", "Group");
  by.addEventListener("change", () => { st.by = by.value; save(); draw(); });
  clear = el("button", {type: "button", id: "clear"}, "clear"); clear.addEventListener("click", () => { st.q = ""; st.sev.clear(); save(); draw(); });
  byId("filters").append(by, clear);
}
function rowsTable(fs) {
  const tb = el("tbody"), head = [st.by === "rule" ? "Host" : "Rule", "What", "Where"].map(x => el("th", {scope: "col"}, x));
  const out = el("div", {}, el("table", {className: "stack"}, el("thead", {}, el("tr", {}, ...head)), tb)), more = el("button", {type: "button"});
  let at = 0;
  const next = () => {
    for (const f of fs.slice(at, at + PAGE)) {
      const about = R.s[f[ABOUT]], name = st.by === "rule" ? R.hosts[f[HOST]][0] : R.rules[f[RULE]][0];
      tb.append(el("tr", {}, el("th", {scope: "row", className: "lt"}, mark(kindOf(f)), " ", el("a", {href: "#" + idOf(f)}, name), about ? el("span", {className: "soft"}, " " + about) : null),
        el("td", {}, R.s[f[MESSAGE]]), el("td", {}, f.length > EVIDENCE ? el("code", {}, R.s[f[EVIDENCE]]) : null)));
    }
    at += PAGE; const left = fs.length - at;
    left > 0 ? more.textContent = `next ${Math.min(PAGE, left)} of ${left} more` : more.remove();
  };
  more.addEventListener("click", next); next(); if (fs.length > PAGE) out.append(more);
  return out;
}
const worst = fs => fs.reduce((a, f) => Math.min(a, f[VERDICT] === "?" ? 9 : ORDER.indexOf(f[SEVERITY])), 9);
function groupOf(key, fs) {
  const w = worst(fs), kind = w === 9 ? "u" : ORDER[w], rule = st.by === "rule";
  const name = rule ? el("span", {}, ...ticked(R.rules[key][1]), " ", el("span", {className: "rid"}, R.rules[key][0])) : el("span", {}, R.hosts[key][0], " ", el("span", {className: "rid"}, R.hosts[key][2]));
  const d = el("details", {className: "g"}, el("summary", {}, mark(kind), name, el("span", {className: "ct"}, fs.length + " ")));
  d.fill = () => { if (d.children.length < 2) d.append(rowsTable(fs)); };
  d.addEventListener("toggle", () => d.open && d.fill());
  return d;
}
function draw() {
  const groups = new Map(), kinds = {}; let n = 0;
  R.f.forEach((f, i) => {
    if (!hit(f, i, true)) return;
    kinds[kindOf(f)] = (kinds[kindOf(f)] || 0) + 1;
    if (!hit(f, i, false)) return;
    n++; const key = st.by === "rule" ? f[RULE] : f[HOST]; (groups.get(key) || groups.set(key, []).get(key)).push(f);
  });
  for (const c of chips) { c.n.textContent = kinds[c.kind] || 0; c.b.setAttribute("aria-pressed", st.sev.has(c.kind)); c.b.disabled = !kinds[c.kind] && !st.sev.has(c.kind); }
  by.value = st.by; clear.hidden = !(st.q || st.sev.size); if (input.value.trim() !== st.q) input.value = st.q;
  const sorted = [...groups].sort((a, b) => worst(a[1]) - worst(b[1]) || b[1].length - a[1].length || a[0] - b[0]), frag = document.createDocumentFragment();
  for (const [key, fs] of sorted.slice(0, shown)) { const d = groupOf(key, fs); if ((st.q || st.sev.size) && sorted.length <= 3) { d.fill(); d.open = true; } frag.append(d); }
  if (sorted.length > shown) { const b = el("button", {type: "button"}, `${sorted.length - shown} more groups`); b.addEventListener("click", () => { shown += PAGE; draw(); }); frag.append(b); }
  if (!n) frag.append(el("p", {className: "empty"}, R.f.length ? "Nothing matches. Clear a filter, or search for part of a host, rule or file name." : "No findings: every rule that applies passed on every host that was audited."));
  byId("list").replaceChildren(frag);
  byId("count").textContent = `${n} of ${count(R.f.length, "finding")} in ${count(sorted.length, "group")}`;
}
function save() {
  const p = []; if (st.q) p.push("q=" + enc(st.q)); if (st.sev.size) p.push("sev=" + [...st.sev].join()); if (st.by !== R.by) p.push("by=" + st.by);
  history.replaceState(null, "", "#~findings" + (p.length ? "?" + p.join("&") : ""));
}
const decoded = s => { try { return decodeURIComponent(s); } catch { return s; } };
function restore(query) {
  st.q = ""; st.sev.clear(); st.by = R.by; shown = GROUPS;
  for (const kv of query.split("&")) {
    const [k, v = ""] = kv.split("=");
    if (k === "q") st.q = decoded(v); else if (k === "by" && (v === "host" || v === "rule")) st.by = v;
    else if (k === "sev") v.split(",").forEach(x => CHIPS.some(c => c[0] === x) && st.sev.add(x));
  }
  draw();
}

/* ---- pages of hosts that are not in the file as text */
const section = (title, note, ...kids) => el("section", {className: "s"}, el("header", {}, el("h3", {}, title), note ? el("p", {}, note) : null), el("div", {}, ...kids));
const ticked = s => { const parts = s.split("`"); return parts.length % 2 ? parts.map((p, i) => i % 2 ? el("code", {}, p) : p) : [s]; };
const command = s => { const c = el("code", {}, s); c.setAttribute("data-copy", ""); return el("span", {className: "cmd"}, c); };
const shell = s => /^[\w@%+=:,.\/-]+$/.test(s) ? s : "'" + s.replace(/'/g, "'\"'\"'") + "'";
const line = (label, ...kids) => el("div", {}, el("span", {className: "soft"}, label), " ", el("span", {}, ...kids));
function findingOf(f) {
  const r = R.rules[f[RULE]], unknown = f[VERDICT] === "?", about = R.s[f[ABOUT]], values = el("dl", {className: "ev"});
  for (let i = EVIDENCE; i < f.length; i += 2) values.append(el("dt", {}, R.s[f[i]]), el("dd", {}, R.s[f[i + 1]]));
  return el("div", {className: "f", id: idOf(f)}, mark(kindOf(f)), el("div", {}, el("h4", {}, ...ticked(r[1])),
    el("p", {className: "sub"}, el("code", {}, r[0]), about ? " on " + about : null, unknown ? el("span", {className: "unk"}, " not known, would be " + SEV[f[SEVERITY]]) : null),
    el("p", {className: "msg"}, R.s[f[MESSAGE]]), values.children.length ? values : null,
    unknown ? null : el("div", {className: "why"}, ...r[3].map(p => el("p", {}, ...ticked(p)))),
    el("div", {className: "act"}, !unknown && r[5] ? line("Fix", command(r[5])) : null, !unknown && r[4] ? line("May break", ...ticked(r[4])) : null,
      line("More", command("mailaudit explain " + shell(r[0]) + " " + shell(R.hosts[f[HOST]][0]))))));
}
function build(address) {
  const index = R.hosts.findIndex(h => h[1] === address); if (index < 0) return null;
  const [name, , servers, groups, state, failed, unknown, passed, na, source, error, advice, notes] = R.hosts[index], fs = R.f.filter(f => f[HOST] === index);
  const said = state ? [el("span", {className: "unk"}, "Not audited: " + state + "."), " Nothing is known about this host in this run."]
    : [el("b", {}, count(failed.reduce((a, b) => a + b), "finding")), `; ${unknown} not known, ${passed} passed, ${na} did not apply.`];
  const page = el("article", {className: "host", id: address}, el("div", {className: "hd"}, el("p", {className: "back"}), el("div", {}, el("h2", {className: "hn"}, name),
    el("p", {className: "soft"}, [servers, groups.join(", "), source].filter(Boolean).join(" \u00b7 ")), el("p", {className: "said"}, ...said))));
  if (state) page.append(section("Why, and next", "", el("p", {className: "lede"}, error.join("\n")), el("p", {}, advice)));
  if (notes.length) page.append(section("To know", "", el("ul", {className: "plain"}, ...notes.map(n => el("li", {}, n)))));
  if (fs.length) page.append(section("Findings", fs.length + ", worst first", ...fs.map(findingOf)));
  finish(page); $("footer").before(page); return page;
}
function finish(page) {
  page.querySelector(".hn").tabIndex = -1; page.querySelector(".back").append(el("a", {href: "#~hosts"}, "\u2190 all hosts"));
  page.querySelectorAll("code[data-copy]").forEach(copyButton);
}

/* ---- addresses: #host, #host/rule/subject, #~section, #~findings?sev=c,h&q=tls */
function route() {
  const raw = location.hash.slice(1), host = raw.split("/")[0], page = host && !host.startsWith("~") ? byId(host) || build(host) : null;
  document.querySelectorAll(".host.show").forEach(x => x.classList.remove("show")); document.querySelectorAll(".f.on").forEach(x => x.classList.remove("on"));
  root.classList.toggle("at-host", !!page);
  if (page) {
    page.classList.add("show"); const f = raw.includes("/") && byId(raw);
    document.title = page.querySelector(".hn").textContent + " \u2013 mailaudit";
    if (f) { f.tabIndex = -1; f.classList.add("on"); f.scrollIntoView({block: "center"}); f.focus({preventScroll: true}); } else { scrollTo(0, 0); page.querySelector(".hn").focus({preventScroll: true}); }
  } else {
    document.title = title;
    const [sec, query] = raw.split("?");
    if (sec === "~findings") restore(query || "");
    const t = sec && byId(sec); if (t) t.scrollIntoView({block: "start"});
  }
}

/* ---- hosts: sorted, a page at a time */
const rows = R.hosts.map((h, i) => i), NS = "http://www.w3.org/2000/svg", SQUARES = 14; let rowsShown = 0;
function bar(h) {
  const kinds = [...ORDER].map((k, i) => [k, h[5][i]]).concat([["u", h[6]]]).filter(x => x[1]), total = kinds.reduce((a, x) => a + x[1], 0); let x = 0;
  if (!total) return el("small", {}, "nothing found");
  const svg = document.createElementNS(NS, "svg"); svg.setAttribute("width", "160"); svg.setAttribute("height", "16"); svg.setAttribute("aria-hidden", "true");
  for (const [k, n] of kinds) {
    const p = document.createElementNS(NS, "path"), w = 11 * SQUARES * n / total; let d = "";
    if (total <= SQUARES) for (let i = 0; i < n; i++, x += 11) d += `M${x} 2.5h9v11h-9z`; else { d = `M${x} 2.5h${Math.max(w - 1, .5)}v11H${x}z`; x += w; }
    p.setAttribute("class", "f" + k); p.setAttribute("d", d); svg.append(p);
  }
  return svg;
}
function hostRow(h) {
  const tr = el("tr", {}, el("th", {scope: "row"}, el("a", {href: "#" + h[1]}, h[0])), el("td", {}, h[2]), el("td", {className: "soft"}, h[3].join(", ")));
  if (h[4]) tr.append(el("td", {colSpan: 8}, el("span", {className: "unk"}, "not audited"), " ", el("span", {className: "soft"}, h[4])));
  else tr.append(el("td", {}, bar(h)), ...[...h[5], h[6]].map(n => el("td", {className: "n"}, String(n || ""))), el("td", {className: "n soft"}, String(h[7])));
  return tr;
}
function drawHosts(most) {
  $("#hosts tbody").replaceChildren(...rows.slice(0, most).map(i => hostRow(R.hosts[i]))); rowsShown = most;
  const left = rows.length - most, more = byId("hosts-more"); more.replaceChildren();
  if (left > 0) { const b = el("button", {type: "button"}, `next ${Math.min(PAGE, left)} of ${left} more hosts`); b.addEventListener("click", () => drawHosts(rowsShown + PAGE)); more.append(b); }
}
const weight = h => h[4] ? Infinity : [...h[5], h[6]].reduce((a, n) => a * 1000 + Math.min(n, 999), 0);
const SORT = [h => h[0].toLowerCase(), h => h[2].toLowerCase(), h => h[3].join(", ").toLowerCase(), h => weight(h)];
document.querySelectorAll("#hosts th[data-sort]").forEach((th, col) => {
  const b = el("button", {type: "button"}, th.textContent); th.replaceChildren(b); th.setAttribute("aria-sort", "none");
  b.addEventListener("click", () => {
    const first = th.dataset.sort === "s" ? "descending" : "ascending", way = th.getAttribute("aria-sort") === first ? (first === "ascending" ? "descending" : "ascending") : first, sign = way === "ascending" ? 1 : -1;
    document.querySelectorAll("#hosts th[aria-sort]").forEach(x => x.setAttribute("aria-sort", "none")); th.setAttribute("aria-sort", way);
    const value = SORT[col], keys = R.hosts.map(value); rows.sort((a, c) => (keys[a] > keys[c] ? 1 : keys[a] < keys[c] ? -1 : 0) * sign || a - c); drawHosts(PAGE);
  });
});

/* ---- copy buttons, matrix, keys, colours, age, print */
const say = s => { byId("count").textContent = s; };
async function copy(s, b) {
  let ok = false;
  try { await navigator.clipboard.writeText(s); ok = true; } catch { if (b.previousElementSibling) { const r = document.createRange(); r.selectNodeContents(b.previousElementSibling); getSelection().removeAllRanges(); getSelection().addRange(r); ok = document.execCommand("copy"); } }
  const was = b.textContent; b.textContent = ok ? "copied" : "selected"; setTimeout(() => { b.textContent = was; }, 1200); say("Copied " + s);
}
function copyButton(c) { const b = el("button", {className: "copy", type: "button"}, "copy"); b.setAttribute("aria-label", "Copy: " + c.textContent); b.addEventListener("click", () => copy(c.textContent, b)); c.after(b); }
document.querySelectorAll(".fleet code[data-copy]").forEach(copyButton);
document.querySelectorAll(".host").forEach(finish);
document.querySelectorAll(".mx").forEach(m => {
  const cross = ev => {
    m.querySelectorAll(".cross").forEach(x => x.classList.remove("cross"));
    const td = ev.type === "mouseleave" ? null : ev.target.closest("td"); if (!td) return;
    td.parentNode.classList.add("cross"); for (const row of m.tBodies[0].rows) if (row.cells.length > td.cellIndex && !row.classList.contains("gone")) row.cells[td.cellIndex].classList.add("cross");
  };
  for (const kind of ["mouseover", "mouseleave", "focusin"]) m.addEventListener(kind, cross);
});
const modes = ["auto", "light", "dark"]; let mode = 0;
byId("theme").addEventListener("click", ev => { mode = (mode + 1) % 3; mode ? root.dataset.theme = modes[mode] : delete root.dataset.theme; ev.target.textContent = modes[mode]; ev.target.setAttribute("aria-label", "Colours: " + modes[mode]); });
const keys = byId("keys"); byId("help").addEventListener("click", () => keys.showModal()); byId("keys-x").addEventListener("click", () => keys.close());
function step(forward) {
  const all = [...document.querySelectorAll(root.classList.contains("at-host") ? ".host.show .f" : "#list summary")], n = all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement) + (forward ? 1 : -1)))];
  if (!n) return;
  if (n.tabIndex < 0) n.tabIndex = -1;
  n.focus(); n.scrollIntoView({block: "nearest"}); if (n.id) history.replaceState(null, "", "#" + n.id);
  document.querySelectorAll(".f.on").forEach(x => x.classList.remove("on")); if (n.id) n.classList.add("on");
}
addEventListener("keydown", ev => {
  if (ev.ctrlKey || ev.metaKey || ev.altKey || keys.open || byId("keys-off").checked || /INPUT|SELECT|TEXTAREA/.test(ev.target.tagName)) return;
  const atHost = root.classList.contains("at-host");
  if (ev.key === "/") { ev.preventDefault(); if (atHost) { history.pushState(null, "", "#~findings"); route(); } input.focus(); input.scrollIntoView({block: "center"}); }
  else if (ev.key === "j" || ev.key === "k") step(ev.key === "j");
  else if (ev.key === "Enter" && ev.target.classList.contains("f")) { const d = ev.target.querySelector("details"); if (d) d.open = !d.open; }
  else if (ev.key === "y") copy(location.href, byId("help"));
  else if (ev.key === "c") { const f = document.activeElement.closest?.(".f"), all = f ? f.querySelectorAll(".copy") : []; if (all.length) all[all.length - 1].click(); }
  else if (ev.key === "Escape" && atHost) location.hash = "#~hosts";
  else if (ev.key === "?") keys.showModal();
});
const title = document.title, age = (Date.now() - Date.parse(R.finished)) / 864e5;
if (age > 7) byId("age").textContent = ` This report is ${Math.floor(age)} days old.`;
let opened = [];
addEventListener("beforeprint", () => { opened = [...document.querySelectorAll("details:not([open])")]; opened.forEach(d => { if (d.fill) d.fill(); d.open = true; }); });
addEventListener("afterprint", () => opened.forEach(d => { d.open = false; }));
buildFilters(); draw(); if (R.hosts.length > PAGE) drawHosts(PAGE); addEventListener("hashchange", route); if (location.hash) route();
})();
