// The page that compares two models. Nothing is loaded before both are chosen; what is chosen is in the address.
import * as pairing from "./pairing.js";
import { element, points, rangeOf, table } from "./comparetables.js";
import { verdict } from "./comparewords.js";

const data = JSON.parse(document.getElementById("data").textContent);
const byKey = new Map(data.entries.map((entry) => [entry.key, entry]));
const at = (id) => document.getElementById(id);
const result = at("result"), SIDES = ["a", "b"];
const NUMBERS = [["clean", "Clean accuracy"], ["average", "Average accuracy under corruption"], ["lost", "Points lost to corruption"], ["mce", "mCE"]];
const files = new Map();
let turn = 0;

// A file is loaded once; one that failed is asked for again.
function fetched(address, read) {
  if (!files.has(address)) files.set(address, pairing.load(address).then(read).catch((error) => { files.delete(address); throw error; }));
  return files.get(address);
}

const shared = (a, b) => a.sets.filter((set) => b.sets.includes(set));
const listed = (names) => (names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`);

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
    say(`The two cannot be compared now, because ${error instanceof pairing.Unreadable ? error.message : "this browser failed"}: load the page again, or tell the board's keepers.`);
    if (!(error instanceof pairing.Unreadable)) throw error;
  }
}

// Whether a name is ticked: all are, unless the address lists some.
const ticked = (names, list) => { const held = list.split("."); return list && names.some((one) => held.includes(one)) ? names.filter((one) => held.includes(one)) : names; };

async function compared(a, b, wanted) {
  const places = shared(a, b), base = a.baseline !== null && a.baseline === b.baseline ? data.baselines[a.baseline] : null;
  say(`Loading the answers of ${a.name} and ${b.name}.`);
  const bits = (one) => fetched(one.bits, (file) => pairing.readBits(file, data.sets));
  const [first, second, third] = await Promise.all([bits(a), bits(b), base?.bits ? bits(base) : new Map()]);
  const scope = scopeOf(places, first, second, base), shown = scope.parts.filter((part) => part.corruptions.length);
  const images = shown.reduce((total, part) => total + data.sets[part.place].images, 0);
  say(`Loading the resamples of ${images.toLocaleString("en")} images, about ${(images * data.resamples / 4e6).toFixed(1)} MB.`);
  const drawn = await Promise.all(shown.map(({ place }) => fetched(data.sets[place].counts, (file) => pairing.readCounts(file, data.sets[place], data.resamples))));
  for (const [index, part] of shown.entries()) {
    say(`Computing ${data.sets[part.place].dataset}.`);
    await new Promise((done) => { setTimeout(done); }); // so that the page says it
    if (!wanted()) return [];
    compute(part, drawn[index], [first, second, third].map((held) => held.get(part.place)), base);
  }
  return render({ a, b, base, scope, shown });
}

// What both were scored on, as ticked: by dataset the corruptions and severities, and a sentence for all that is left out.
function scopeOf(places, first, second, base) {
  const notes = [], all = places.map((place) => {
    const [own, other] = [first.get(place), second.get(place)], grid = base?.grids[data.sets[place].dataset];
    const both = own.corruptions.filter((one) => other.corruptions.includes(one));
    const covered = base && !base.measured ? both.filter((one) => grid?.rows[one]) : both;
    const kept = covered.length ? covered : both;
    const dataset = data.sets[place].dataset, lost = both.filter((one) => !kept.includes(one));
    if (lost.length) notes.push(`${listed(lost.map(named))} of ${dataset} ${lost.length === 1 ? "is" : "are"} left out: the baseline has no figures for ${lost.length === 1 ? "it" : "them"}.`);
    const single = [...new Set([...own.corruptions, ...other.corruptions])].filter((one) => !both.includes(one));
    if (single.length) notes.push(`${listed(single.map(named))} of ${dataset} ${single.length === 1 ? "is" : "are"} left out: only one model was scored on ${single.length === 1 ? "it" : "them"}.`);
    return { place, dataset, kept, severities: own.severities.filter((s) => other.severities.includes(s)) };
  });
  const datasets = all.map((one) => one.dataset), corruptions = [...new Set(all.flatMap((one) => one.kept))], held = view();
  const on = { datasets: ticked(datasets, held.datasets), corruptions: ticked(corruptions, held.corruptions) };
  const parts = all.filter((one) => on.datasets.includes(one.dataset)).map((one) => ({ ...one, corruptions: one.severities.length ? one.kept.filter((name) => on.corruptions.includes(name)) : [] }));
  for (const one of parts) if (!one.corruptions.length) notes.push(`${one.dataset} is left out: it has no corruption and severity chosen here that both models were scored on.`);
  return { parts, notes, datasets, corruptions, on };
}

const named = (corruption) => data.corruptions[corruption] ?? corruption;

function compute(part, drawn, held, base) {
  const { corruptions, severities } = part, wanted = new Set([pairing.cellName("clean", 0), ...corruptions.flatMap((one) => severities.map((s) => pairing.cellName(one, s)))]);
  const columns = held.flatMap((one, model) => [...(one?.cells ?? [])].filter(([name]) => wanted.has(name)).map(([name, bits]) => ({ model, name, bits })));
  const found = pairing.accuracies(drawn, columns.map((one) => one.bits));
  const cells = held.map((_, model) => new Map(columns.flatMap((one, i) => (one.model === model ? [[one.name, found[i]]] : []))));
  const length = drawn.resamples + 1, grid = base?.grids[part.dataset];
  const split = grid?.split === data.sets[part.place].split ? grid : undefined;
  const errors = (model, rows) => pairing.errors(cells[model], rows, severities);
  const divisor = (rows) => base && (base.bits && held[2] ? errors(2, rows) : pairing.constantErrors(split, rows, severities, length));
  const numbers = (model, rows) => pairing.numbers(errors(model, rows), divisor(rows));
  part.cells = cells.slice(0, 2);
  part.chance = held.slice(0, 2).map((one) => one.chance);
  part.numbers = [numbers(0, corruptions), numbers(1, corruptions)];
  part.rows = new Map(corruptions.map((one) => [one, [numbers(0, [one]), numbers(1, [one])]]));
}

// ---- what is shown

function render({ a, b, base, scope, shown }) {
  const apart = (one, other, parts) => pairing.difference(one, other, data.level, alone(parts));
  const whole = NUMBERS.map(([name]) => [0, 1].map((model) => pairing.overall(shown.map((part) => part.numbers[model][name]))));
  const differences = new Map(NUMBERS.map(([name], i) => [name, apart(...whole[i], shown)]));
  const left = [...leftOut(a, b), ...scope.notes];
  const parts = [names(a, b), ticks(scope)];
  if (!shown.length) return [...parts, element("p", { className: "lead" }, "Nothing is left to compare: choose other datasets or corruptions."), notes(left)];
  const title = (text) => element("h2", {}, text);
  const over = `${shown.length === 1 ? shown[0].dataset : `the mean over ${listed(shown.map((part) => part.dataset))}`}`;
  return [
    ...parts,
    lead(a, b, differences, shown),
    element("div", { className: "beside" },
      section(title("All together"), about(`In percent, ${over}. A − B is in points; below it is its 95 % interval.`), table("pairs whole", ["", "A", "B", "A − B"], NUMBERS.map(([name, text], i) => [text, ...whole[i].map(points), rangeOf(differences.get(name))]))),
      section(title("By dataset"), about("A − B in points."), table("pairs", ["Dataset", "Clean accuracy", "Average accuracy", "Points lost", "mCE"], shown.map((part) => [part.dataset, ...NUMBERS.map(([name]) => rangeOf(apart(part.numbers[0][name], part.numbers[1][name], [part])))])))),
    section(title("Every cell"), about("Top-1 accuracy, A − B in points, by corruption and severity, with the 95 % interval. Blue: A is higher; orange: B is higher. No colour and “tie”: the images cannot tell."), element("div", { className: "flow" }, ...shown.map((part) => heat(part, apart)))),
    notes([...left, assumption(shown), base ? `mCE divides by ${base.name}, ${base.note}.` : "There is no mCE: the two have no baseline in common."]),
  ];
}

// Why a mean cannot be resampled, if it cannot.
function alone(parts) {
  const one = parts.map((part) => data.sets[part.place]).find((set) => set.units === 1 && set.images > 1);
  return one && `all images of ${one.dataset} belong to one group`;
}

function assumption(parts) {
  const grouped = parts.map((part) => data.sets[part.place]).filter((set) => set.units < set.images).map((set) => set.dataset);
  if (!grouped.length) return "Intervals take images as independent.";
  return `Intervals take groups of images, such as those of one patient, as independent${grouped.length < parts.length ? ` in ${listed(grouped)}, and single images in the other datasets` : ""}.`;
}

const section = (...children) => element("section", {}, ...children);
const about = (text) => element("p", { className: "about" }, text);
const notes = (texts) => element("ul", { className: "notes" }, ...texts.map((text) => element("li", {}, text)));

function names(a, b) {
  return element("div", { className: "sides" }, ...[["A", a], ["B", b]].map(([letter, entry]) => element("div", {},
    element("h2", {}, element("span", {}, `${letter} `), element("a", { href: `models/${entry.key}.html` }, entry.name)),
    element("p", { className: "meta" }, element("span", {}, entry.organisation), element("span", {}, entry.board)),
    ...entry.marks.map((mark) => element("span", { className: "badge bad" }, mark.label)))));
}

// Which datasets are not compared, and why.
function leftOut(a, b) {
  const both = shared(a, b).map((place) => data.sets[place].dataset);
  const dataset = (place) => data.sets[place].dataset, [own, other] = [a, b].map((one) => one.sets.map(dataset));
  return [...new Set([...own, ...other])].filter((name) => !both.includes(name)).map((name) => (own.includes(name) && other.includes(name)
    ? `${name} is left out: the two answered different images of it (their fingerprints differ).`
    : `${name} is left out: only ${own.includes(name) ? "A" : "B"} was scored on it.`));
}

// What a reader takes home; of an entry that is ranked nowhere, only why.
function lead(a, b, differences, shown) {
  const marked = [["A", a], ["B", b]].flatMap(([letter, one]) => one.marks.map((mark) => `${letter} is ${mark.phrase}`));
  const knows = [0, 1].map((model) => pairing.knows(shown.map((part) => ({ values: part.numbers[model].clean.values, chance: part.chance[model], images: data.sets[part.place].images })), data.level));
  return element("p", { className: "lead verdict" }, marked.length ? `These differences rank nothing: ${marked.join("; ")}.` : verdict(differences, knows));
}

function ticks({ datasets, corruptions, on }) {
  const form = element("form", { className: "controls ticks", autocomplete: "off" });
  form.setAttribute("aria-label", "What is compared");
  for (const [name, title, all] of [["datasets", "Datasets", datasets], ["corruptions", "Corruptions", corruptions]]) {
    form.append(element("fieldset", { name }, element("legend", {}, title), ...all.map((one) => element("label", {},
      element("input", { type: "checkbox", name, value: one, checked: on[name].includes(one) }), name === "datasets" ? one : named(one)))));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    const { name, value } = event.target, chosen = [...form.querySelectorAll(`input[name=${name}]:checked`)].map((one) => one.value);
    if (!chosen.length) { event.target.checked = true; return; } // one at least
    const all = name === "datasets" ? datasets : corruptions;
    history.replaceState(null, "", address({ ...view(), [name]: chosen.length === all.length ? "" : chosen.join(".") }));
    show().then(() => result.querySelector(`input[name=${name}][value=${value}]`)?.focus());
  });
  return form;
}

function heat(part, apart) {
  const set = data.sets[part.place], [one, other] = part.cells;
  const cell = (name) => rangeOf(one.has(name) && other.has(name) ? apart({ values: one.get(name) }, { values: other.get(name) }, [part]) : { reason: "a cell is missing or invalid" }, true);
  const rows = part.corruptions.map((name) => [named(name), ...part.severities.map((s) => cell(pairing.cellName(name, s))), rangeOf(apart(...part.rows.get(name).map((numbers) => numbers.average), [part]), true)]);
  const clean = cell(pairing.cellName("clean", 0));
  clean.span = part.severities.length + 1;
  const head = element("h3", {}, `${part.dataset} `, element("span", {}, `${set.title ? `${set.title}, ` : ""}${set.images.toLocaleString("en")} images`));
  return element("div", { className: "part" }, head, table("pairs cells", ["", ...part.severities.map(String), "Mean"], [["Clean", clean], ...rows], `${part.dataset}, A − B by corruption and severity`));
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
