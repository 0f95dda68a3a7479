// Runs the try-it page's script on a document of a few lines: what the script touches, and no more. The scenario comes on
// stdin: what the endpoint answers, what a person types and presses. What the page then says goes to stdout.
"use strict";
const { readFileSync } = require("node:fs");
const vm = require("node:vm");

const scenario = JSON.parse(readFileSync(0, "utf8"));

class Element {
  constructor(tag) { Object.assign(this, { tag, children: [], listeners: {}, attributes: {}, value: "", hidden: false }); this.text = ""; }
  set textContent(text) { this.text = String(text); this.children = []; }
  get textContent() { return this.text + this.children.map((child) => child.textContent).join(""); }
  appendChild(child) { this.children.push(child); return child; }
  replaceChildren() { this.children = []; }
  addEventListener(name, act) { this.listeners[name] = act; }
  setAttribute(name, value) { this.attributes[name] = value; }
  focus() { focused = this; }
}

let focused = null;
const byId = {};
for (const [whole, tag, id] of scenario.html.matchAll(/<(\w+)[^>]* id="([^"]+)"[^>]*>/g)) {
  byId[id] = new Element(tag);
  byId[id].hidden = / hidden[ >]/.test(whole);
  if (whole.includes('aria-selected="true"')) byId[id].setAttribute("aria-selected", "true");
}
const asked = [];
const page = {
  document: { title: "", getElementById: (id) => byId[id], createElement: (tag) => new Element(tag) },
  location: { origin: "https://models.example.com", pathname: scenario.path },
  performance: { now: () => 0 },
  fetch: async (address, options) => {
    const { status, headers, text } = scenario.answers[asked.length];
    asked.push({ address, ...options });
    if (status === 0) throw new TypeError("Failed to fetch");
    return { status, ok: status < 400, text: async () => text, headers: { get: (name) => headers[name] ?? null } };
  },
};
page.globalThis = page;
vm.createContext(page);
vm.runInContext(scenario.script, page);

function field(name) {
  for (const list of ["columns", "params"]) {
    for (const row of byId[list].children) {
      if (row.children[0].text === name) return row.children[1];
    }
  }
  return byId[name];
}

async function act() {
  await new Promise(setImmediate);
  for (const [verb, name, value] of scenario.steps) {
    const element = verb === "type" ? field(name) : byId[name];
    if (verb === "type") { element.value = value; element.listeners.input?.(); }
    if (verb === "press") await element.listeners.click();
    if (verb === "key") element.listeners.keydown({ key: value });
  }
  const texts = Object.fromEntries(Object.entries(byId).map(([id, one]) => [id, one.textContent]));
  const fields = byId.columns.children.concat(byId.params.children).map((row) => ({
    name: row.children[0].text, hint: row.children[0].children[0].text, value: row.children[1].value,
    isLabelled: row.children[0].htmlFor === row.children[1].id && row.children[1].id !== undefined,
  }));
  const hidden = Object.keys(byId).filter((id) => byId[id].hidden);
  const selected = Object.keys(byId).filter((id) => byId[id].attributes["aria-selected"] === "true");
  const focus = Object.keys(byId).find((id) => byId[id] === focused) ?? null;
  process.stdout.write(JSON.stringify({ asked, texts, fields, hidden, selected, focus, title: page.document.title, body: byId.body.value }));
}
act();
