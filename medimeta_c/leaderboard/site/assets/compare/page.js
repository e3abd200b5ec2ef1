// The page that compares two models. Nothing is loaded before both are chosen; what is chosen is in the address.
import * as numbers from "./numbers.js";
import { accuraciesOf, compute, scopeOf } from "./scope.js";
import { element } from "./tables.js";
import { render } from "./view.js";

const data = JSON.parse(document.getElementById("data").textContent);
const byKey = new Map(data.entries.map((entry) => [entry.key, entry]));
const at = (id) => document.getElementById(id);
const result = at("result"), SIDES = ["a", "b"];
const files = new Map();
let turn = 0, computed = { pair: "", by: new Map() }; // the accuracies of one pair, by image set

// A file is loaded once; one that failed is asked for again.
function fetched(address, read) {
  if (!files.has(address)) files.set(address, numbers.load(address).then(read).catch((error) => { files.delete(address); throw error; }));
  return files.get(address);
}

const shared = (a, b) => a.sets.filter((set) => b.sets.includes(set));

// ---- choosing

function label(entry) {
  const marks = entry.marks.map((mark) => mark.label).join(", ");
  return `${entry.name} · ${entry.organisation}${marks ? ` [${marks}]` : ""}`;
}

// The second model is one that answered some of the same images as the first.
function candidates(side) {
  const first = byKey.get(at("a").value);
  if (side === "a" || !first) return data.entries;
  return data.entries.filter((entry) => entry !== first && shared(first, entry).length);
}

function fill(side) {
  const select = at(side), chosen = select.value, wanted = at(`find-${side}`).value.trim().toLowerCase();
  const groups = new Map();
  for (const entry of candidates(side)) {
    if (entry.key !== chosen && !label(entry).toLowerCase().includes(wanted)) continue;
    if (!groups.has(entry.board)) groups.set(entry.board, element("optgroup", { label: entry.board }));
    groups.get(entry.board).append(element("option", { value: entry.key }, label(entry)));
  }
  select.replaceChildren(element("option", { value: "" }, groups.size ? "choose a model" : "no model matches"), ...groups.values());
  select.value = chosen;
  if (select.selectedIndex < 0) select.value = "";
}

function refill() {
  for (const side of SIDES) fill(side);
  const first = byKey.get(at("a").value);
  const others = first ? data.entries.length - 1 - candidates("b").length : 0;
  at("unlisted").hidden = !others;
  at("unlisted").textContent = `${others} other ${others === 1 ? "entry is" : "entries are"} not listed for model B: ${others === 1 ? "it" : "they"} answered other images than model A.`;
}

// ---- the address

const KEPT = ["datasets", "corruptions"];

function address(view) {
  const params = new URLSearchParams(Object.entries(view).filter(([, value]) => value));
  return `${location.pathname}?${params}`;
}

const view = () => Object.fromEntries([...SIDES, ...KEPT].map((name) => [name, new URLSearchParams(location.search).get(name) ?? ""]));

function choose() {
  const before = view();
  refill();
  const [a, b] = SIDES.map((side) => at(side).value);
  if (a !== before.a || b !== before.b) history.pushState(null, "", address({ a, b }));
  show();
}

function recall() {
  const held = view();
  for (const side of SIDES) at(`find-${side}`).value = at(side).value = "";
  for (const side of SIDES) {
    fill(side);
    at(side).value = held[side];
    if (at(side).selectedIndex < 0) at(side).value = "";
  }
  refill();
  show(SIDES.some((side) => held[side] !== at(side).value) ? "The address names a model that cannot be compared here: choose another." : undefined);
}

// ---- loading

function say(text) { at("state").textContent = text; }

async function show(instead) {
  const mine = ++turn, [a, b] = SIDES.map((side) => byKey.get(at(side).value));
  result.hidden = true;
  result.replaceChildren();
  if (instead) return say(instead);
  if (data.entries.length < 2) return say("Comparing takes two entries with predictions, which this board does not have yet.");
  if (!a || !b) return say(a ? "Choose a model to compare it with." : "Choose two models.");
  try {
    const found = await compared(a, b, () => mine === turn);
    if (mine !== turn) return;
    result.replaceChildren(...found);
    result.hidden = false;
    say("");
  } catch (error) {
    if (mine !== turn) return;
    say(`The two cannot be compared now, because ${error instanceof numbers.Unreadable ? error.message : "this browser failed"}: load the page again, or tell the board's keepers.`);
    if (!(error instanceof numbers.Unreadable)) throw error;
  }
}

async function compared(a, b, wanted) {
  const base = a.baseline !== null && a.baseline === b.baseline ? data.baselines[a.baseline] : null;
  say(`Loading the answers of ${a.name} and ${b.name}.`);
  const bits = (one) => fetched(one.bits, (file) => numbers.readBits(file, data.sets, one.sets));
  const held = await Promise.all([bits(a), bits(b), base?.bits ? bits(base) : new Map()]);
  const scope = scopeOf(data, held, shared(a, b), base, view()), shown = scope.parts.filter((part) => part.corruptions.length);
  const images = shown.reduce((total, part) => total + part.set.images, 0);
  say(`Loading the resamples of ${images.toLocaleString("en")} images, about ${(images * data.resamples / 4e6).toFixed(1)} MB.`);
  const drawn = await Promise.all(shown.map(({ set }) => fetched(set.counts, (file) => numbers.readCounts(file, set, data.resamples))));
  if (!wanted()) return [];
  const pair = `${a.key} ${b.key}`;
  if (computed.pair !== pair) computed = { pair, by: new Map() };
  const { by } = computed;
  for (const [index, part] of shown.entries()) {
    say(`Computing ${part.dataset}.`);
    await new Promise((done) => { setTimeout(done); }); // so that the page says it
    if (!wanted()) return [];
    if (!by.has(part.set)) by.set(part.set, accuraciesOf(drawn[index], held.map((one) => one.get(part.place))));
    compute(part, by.get(part.set), base);
  }
  return render({ data, a, b, base, scope, shown, tick });
}

// What is ticked goes into the address; the reader stays where they are.
function tick(kind, names) {
  history.replaceState(null, "", address({ ...view(), [kind]: names.join(".") }));
  const { scrollY } = window, focused = document.activeElement, { name, value } = focused;
  show().then(() => {
    scrollTo(0, scrollY);
    if (name && value) result.querySelector(`input[name="${name}"][value="${value}"]`)?.focus({ preventScroll: true });
  });
}

// ---- start

if (typeof DecompressionStream === "undefined") {
  at("needs").textContent = "Comparing needs a browser of 2023 or later; each model’s own numbers are in the ranking and on the models’ pages.";
} else {
  at("needs").hidden = true;
  at("choose").hidden = false;
  at("choose").addEventListener("submit", (event) => event.preventDefault());
  for (const side of SIDES) {
    at(side).addEventListener("change", choose);
    at(`find-${side}`).addEventListener("input", () => fill(side));
    at(`find-${side}`).addEventListener("keydown", (event) => {
      const first = at(side).querySelector("optgroup option");
      if (event.key !== "Enter" || !first) return;
      at(side).value = first.value;
      choose();
    });
  }
  at("swap").addEventListener("click", () => {
    const [a, b] = SIDES.map((side) => at(side).value);
    for (const side of SIDES) at(side).value = "";
    for (const side of SIDES) fill(side);
    at("a").value = b;
    fill("b");
    at("b").value = a;
    choose();
  });
  addEventListener("popstate", recall);
  recall();
}
