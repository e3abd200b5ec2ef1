// What the page shows of two models: all of it at once, or nothing.
import { cellName, difference, knows, overall } from "./numbers.js";
import { listed } from "./scope.js";
import { element, points, rangeOf, table } from "./tables.js";
import { verdict } from "./words.js";

const NUMBERS = [["clean", "Clean accuracy"], ["average", "Average accuracy under corruption"], ["lost", "Points lost to corruption"], ["mce", "mCE"]];

export function render({ data, a, b, base, scope, shown, tick }) {
  const apart = (one, other, parts) => difference(one, other, data.level, alone(parts));
  const whole = NUMBERS.map(([name]) => [0, 1].map((model) => overall(shown.map((part) => part.numbers[model][name]))));
  const differences = new Map(NUMBERS.map(([name], i) => [name, apart(...whole[i], shown)]));
  const left = [...leftOut(data, a, b), ...scope.notes];
  const parts = [names(a, b), ticks(data, scope, tick)];
  if (!shown.length) return [...parts, element("p", { className: "lead" }, "Nothing is left to compare: choose other datasets or corruptions."), notes(left)];
  const title = (text) => element("h2", {}, text);
  const over = `${shown.length === 1 ? shown[0].dataset : `the mean over ${listed(shown.map((part) => part.dataset))}`}`;
  return [
    ...parts,
    lead(data, a, b, differences, shown),
    element("div", { className: "beside" },
      section(title("All together"), about(`In percent, ${over}. A − B is in points; below it is its 95 % interval.`), table("pairs whole", ["", "A", "B", "A − B"], NUMBERS.map(([name, text], i) => [text, ...whole[i].map(points), rangeOf(differences.get(name))]))),
      section(title("By dataset"), about("A − B in points."), table("pairs", ["Dataset", "Clean accuracy", "Average accuracy", "Points lost", "mCE"], shown.map((part) => [part.dataset, ...NUMBERS.map(([name]) => rangeOf(apart(part.numbers[0][name], part.numbers[1][name], [part])))])))),
    section(title("Every cell"), about("Top-1 accuracy, A − B in points, by corruption and severity, with the 95 % interval. Blue: A is higher; orange: B is higher. No colour and “tie”: the images cannot tell."), element("div", { className: "flow" }, ...shown.map((part) => heat(data, part, apart)))),
    notes([...left, assumption(shown), base ? `mCE divides by ${base.name}, ${base.note}.` : "There is no mCE: the two have no baseline in common."]),
  ];
}

// Why a mean cannot be resampled, if it cannot.
function alone(parts) {
  const one = parts.map((part) => part.set).find((set) => set.units === 1 && set.images > 1);
  return one && `all images of ${one.dataset} belong to one group`;
}

function assumption(parts) {
  const grouped = parts.map((part) => part.set).filter((set) => set.units < set.images).map((set) => set.dataset);
  if (!grouped.length) return "Intervals take images as independent.";
  return `Intervals take groups of images, such as those of one patient, as independent${grouped.length < parts.length ? ` in ${listed(grouped)}, and single images in the other datasets` : ""}.`;
}

const named = (data, corruption) => data.corruptions[corruption] ?? corruption;
const section = (...children) => element("section", {}, ...children);
const about = (text) => element("p", { className: "about" }, text);
const notes = (texts) => element("ul", { className: "notes" }, ...texts.map((text) => element("li", {}, text)));

function names(a, b) {
  return element("div", { className: "sides" }, ...[["A", a], ["B", b]].map(([letter, entry]) => element("div", {},
    element("h2", {}, element("span", {}, `${letter} `), element("a", { href: `models/${entry.key}.html` }, entry.name)),
    element("p", { className: "meta" }, element("span", {}, entry.organisation), element("span", {}, entry.board)),
    ...entry.marks.map((mark) => element("span", { className: "badge bad" }, mark.label)))));
}

// Which datasets are not compared, and why: a sentence for each reason.
function leftOut(data, a, b) {
  const dataset = (place) => data.sets[place].dataset, both = a.sets.filter((place) => b.sets.includes(place)).map(dataset);
  const [own, other] = [a, b].map((one) => one.sets.map(dataset).filter((name) => !both.includes(name)));
  const say = (names, why) => (names.length ? [`${listed(names)} ${names.length === 1 ? "is" : "are"} left out: ${why} ${names.length === 1 ? "it" : "them"}.`] : []);
  return [
    ...say(own.filter((name) => !other.includes(name)), "only A was scored on"),
    ...say(other.filter((name) => !own.includes(name)), "only B was scored on"),
    ...say(own.filter((name) => other.includes(name)), "the fingerprints differ, so the two answered different images of"),
  ];
}

// What a reader takes home; of an entry that is ranked nowhere, only why.
function lead(data, a, b, differences, shown) {
  const marked = [["A", a], ["B", b]].flatMap(([letter, one]) => one.marks.map((mark) => `${letter} is ${mark.phrase}`));
  const above = [0, 1].map((model) => knows(shown.map((part) => ({ values: part.numbers[model].clean.values, chance: part.chance[model], images: part.set.images })), data.level));
  return element("p", { className: "lead verdict" }, marked.length ? `These differences rank nothing: ${marked.join("; ")}.` : verdict(differences, above));
}

function ticks(data, { datasets, corruptions, on }, tick) {
  const form = element("form", { className: "controls ticks", autocomplete: "off" });
  form.setAttribute("aria-label", "What is compared");
  for (const [name, title, all] of [["datasets", "Datasets", datasets], ["corruptions", "Corruptions", corruptions]]) {
    form.append(element("fieldset", { name }, element("legend", {}, title), ...all.map((one) => element("label", {},
      element("input", { type: "checkbox", name, value: one, checked: on[name].includes(one) }), name === "datasets" ? one : named(data, one)))));
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    const { name } = event.target, chosen = [...form.querySelectorAll(`input[name=${name}]:checked`)].map((one) => one.value);
    if (!chosen.length) { event.target.checked = true; return; } // one at least
    tick(name, chosen.length === (name === "datasets" ? datasets : corruptions).length ? [] : chosen);
  });
  return form;
}

function heat(data, part, apart) {
  const set = part.set, [one, other] = part.cells;
  const cell = (name) => rangeOf(one.has(name) && other.has(name) ? apart({ values: one.get(name) }, { values: other.get(name) }, [part]) : { reason: "a cell is missing or invalid" }, true);
  const rows = part.corruptions.map((name) => [named(data, name), ...part.severities.map((s) => cell(cellName(name, s))), rangeOf(apart(...part.rows.get(name).map((one) => one.average), [part]), true)]);
  const clean = cell(cellName("clean", 0));
  clean.span = part.severities.length + 1;
  const head = element("h3", {}, `${part.dataset} `, element("span", {}, `${set.title ? `${set.title}, ` : ""}${set.images.toLocaleString("en")} images`));
  return element("div", { className: "part" }, head, table("pairs cells", ["", ...part.severities.map(String), "Mean"], [["Clean", clean], ...rows], `${part.dataset}, A − B by corruption and severity`));
}
