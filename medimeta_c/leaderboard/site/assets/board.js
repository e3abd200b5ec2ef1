"use strict";
// The ranking page: one collection at a time; sorted, filtered, computed again, with details and charts.
(() => {
  const { element, percent } = Charts, { boards } = Ranking;
  const MOST = 8, FIRST = 4;
  const at = (id) => document.getElementById(id);
  const controls = at("controls"), filters = [...controls.querySelectorAll("[data-filter]")];
  const sections = new Map([...document.querySelectorAll("[data-board]")].map((one) => [one.dataset.board, one]));
  const rows = new Map(); // by board and entry: the row, its cells by column, what they said at first
  const state = { board: "", view: "", sort: "", down: false, picked: [], datasets: [], corruptions: [] };
  const redrawn = new Set();

  const board = () => boards.get(state.board);
  const section = () => sections.get(state.board);
  const tableOf = (key) => sections.get(key).querySelector("table.ranking");
  const column = (name) => board().columns.find((one) => one.name === name);
  const frozen = () => state.datasets.length === board().datasets.length && state.corruptions.length === board().corruptions.length;
  const constant = (name) => ["parameters", "date"].includes(name); // whatever is chosen
  const value = (entry, name) => entry.values[board().at[name]] ?? null;
  const number = (entry, name) => (frozen() || constant(name) ? value(entry, name) : column(name).chosen ? entry.chosen[name] : null);
  const interval = (entry, name) => (frozen() ? entry.intervals[board().at[name]] : null);
  const usual = () => (board().rankedBy === "mce" ? { sort: "mce", down: false } : { sort: "average", down: true });
  const range = (one) => (!one ? "" : one[0] === one[1] ? " (zero width)" : ` (${percent(one[0])}–${percent(one[1])})`);

  // ---- Rows ----------------------------------------------------------------------------------

  function furnish(key) {
    const table = tableOf(key), own = new Map(), entries = new Map(boards.get(key).entries.map((entry) => [entry.key, entry]));
    Tables.heads(table, (head) => sortBy(head.dataset.sort));
    for (const row of table.querySelectorAll("tbody tr[id]")) own.set(row.id, { row, entry: entries.get(row.id) });
    rows.set(key, own);
    table.addEventListener("change", (event) => { if (event.target.type === "checkbox") pick(event.target.closest("tr").id, event.target.checked); });
    table.addEventListener("click", (event) => {
      const button = event.target.closest(".tools button");
      if (button) detail(button.closest("tr"), button.getAttribute("aria-expanded") !== "true");
    });
    table.addEventListener("pointerover", (event) => { // intervals at a pause of the pointer
      const cell = event.target.closest("tr[id] > td[class^=c-]"), held = cell && own.get(cell.parentNode.id);
      const one = held && interval(held.entry, cell.className.slice(2));
      if (cell) cell.title = one ? `95 % interval ${percent(one[0])} to ${percent(one[1])}` : "";
    });
    const group = table.querySelector("tr.group");
    if (group) foldable(group);
  }

  const cellOf = (row, name) => row.cells[board().at[name] + 2];

  // What a row says before anything is chosen.
  function original(held) {
    held.texts ||= board().columns.map((one) => cellOf(held.row, one.name).textContent);
    held.rank ||= [...held.row.cells[0].childNodes];
    return held;
  }

  // The paper's rows are folded under their head.
  function foldable(group) {
    const button = element("button");
    button.type = "button";
    button.append(...group.cells[0].childNodes);
    group.cells[0].append(button);
    button.addEventListener("click", () => fold(group.parentNode, !group.parentNode.classList.contains("open")));
    fold(group.parentNode, false);
  }

  function fold(body, open) {
    body.classList.toggle("open", open);
    const button = body.querySelector("tr.group button");
    if (button) button.setAttribute("aria-expanded", String(open));
  }

  function detail(row, open) {
    const button = row.querySelector(".tools button"), next = row.nextElementSibling;
    button.setAttribute("aria-expanded", String(open));
    button.textContent = open ? "−" : "+";
    if (next && next.classList.contains("detail")) next.remove();
    if (!open) return;
    const { entry } = rows.get(state.board).get(row.id);
    const texts = board().columns.map((one) => [one.head, cellOf(row, one.name).textContent, range(interval(entry, one.name))]);
    row.after(Details.row(board(), entry, texts, shownColumns()));
  }

  // Details are as wide as the columns that the screen has room for.
  const shownColumns = () => [...tableOf(state.board).tHead.rows[0].cells].filter((one) => one.offsetParent).length;
  const fit = () => { for (const cell of section().querySelectorAll("tr.detail > td")) cell.colSpan = shownColumns(); };

  // ---- Order, filters, choice ------------------------------------------------------------------

  function sortValue(entry, name) {
    if (name === "rank") return entry.ranks && frozen() ? entry.ranks[0] * 1000 + entry.ranks[1] : null;
    return name === "name" ? entry.name : number(entry, name);
  }

  function sort() {
    const table = tableOf(state.board), main = usual(), sign = state.down ? -1 : 1;
    for (const body of table.tBodies) {
      const order = [...body.querySelectorAll("tr[id]")].map((row) => {
        const { entry } = rows.get(state.board).get(row.id), next = row.nextElementSibling;
        return { row, detail: next && next.classList.contains("detail") ? next : null, entry, first: sortValue(entry, state.sort), second: sortValue(entry, main.sort) };
      });
      // By rank alone, unranked entries would stand in any order: their number decides.
      order.sort((a, b) => Tables.compare(a.first, b.first, sign) || Tables.compare(a.second, b.second, main.down ? -1 : 1) || Tables.compare(a.entry.name, b.entry.name, 1));
      if (order.some(({ row }, index) => index && order[index - 1].row.sectionRowIndex > row.sectionRowIndex)) {
        body.append(...order.flatMap(({ row, detail: open }) => (open ? [row, open] : [row])));
      }
    }
    table.dataset.by = state.sort;
    fit();
    Tables.mark(table, table.querySelector(`th[data-sort="${CSS.escape(state.sort)}"]`), state.down);
    at("order").value = state.sort;
  }

  function sortBy(name) {
    const better = name === "rank" || name === "name" ? "" : column(name).better;
    state.down = state.sort === name ? !state.down : better === "high";
    state.sort = name;
    sort();
    remember();
  }

  function matches(entry) {
    const wanted = at("search").value.trim().toLowerCase();
    if (wanted && !`${entry.name} ${entry.organisation}`.toLowerCase().includes(wanted)) return false;
    if (state.view && entry.view !== state.view) return false;
    return filters.every(({ value: chosen, dataset }) => !chosen || entry[dataset.filter] === chosen || (chosen === "adapted" && entry.type !== "base"));
  }

  const shown = () => board().entries.filter(matches);
  const active = () => filters.filter((one) => one.value).length;

  function filter() {
    const visible = new Set(shown().map((entry) => entry.key));
    for (const [key, { row }] of rows.get(state.board)) {
      row.hidden = !visible.has(key);
      if (row.hidden && row.nextElementSibling && row.nextElementSibling.classList.contains("detail")) detail(row, false);
    }
    const paper = section().querySelector("tbody.paper"), found = paper && [...paper.querySelectorAll("tr[id]")].filter((row) => !row.hidden).length;
    if (paper && paper.querySelector("tr.group")) {
      paper.hidden = !found;
      if (at("search").value || (at("filter-source") && at("filter-source").value === "paper")) fold(paper, true);
    }
    section().querySelector(".nothing").hidden = visible.size > 0;
    at("count").textContent = `${visible.size} of ${board().entries.length} entries`;
    at("clear").hidden = !active() && !at("search").value && !state.view;
    at("filtered").textContent = active() ? `: ${active()} set` : "";
  }

  // Compute the chosen averages and write them; or what stood there at first.
  function recompute() {
    const whole = frozen(), note = section().querySelector(".again");
    const counts = [[state.datasets, board().datasets, "dataset"], [state.corruptions, board().corruptions, "corruption"]].map(([some, all, noun]) => `${some.length} of ${all.length} ${noun}${all.length === 1 ? "" : "s"}`);
    at("chosen").textContent = whole ? "" : `: ${counts.join(", ")}`;
    note.hidden = whole;
    note.textContent = whole ? "" : `Means over ${counts.join(" and ")}, computed here from the accuracies by cell. Ranks, intervals, share kept and coverage gap are of the whole collection only.`;
    if (whole && !section().dataset.changed) return;
    section().dataset.changed = "yes";
    for (const held of rows.get(state.board).values()) {
      const { row, entry, texts, rank } = original(held);
      entry.chosen = Ranking.numbers(board(), entry, state.datasets, state.corruptions);
      row.cells[0].replaceChildren(...(whole ? rank : ["–"]));
      board().columns.forEach((one, index) => {
        const found = one.chosen ? entry.chosen[one.name] : null;
        cellOf(row, one.name).textContent = whole || constant(one.name) ? texts[index] : found === null ? "–" : (one.name === "worst" ? `${entry.chosen.worstName} ` : "") + percent(found);
      });
      if (row.nextElementSibling && row.nextElementSibling.classList.contains("detail")) detail(row, true);
    }
  }

  // Boxes for each dataset and corruption of a collection.
  function offer() {
    const fields = [["datasets", "Datasets", board().datasets], ["corruptions", "Corruptions", board().corruptions.map(([, text]) => text)]];
    at("choices").replaceChildren(...fields.map(([name, legend, texts]) => {
      const field = element("fieldset");
      field.append(element("legend", legend), ...texts.map((text, index) => {
        const label = element("label"), box = element("input");
        Object.assign(box, { type: "checkbox", name, value: String(index), checked: state[name].includes(index) });
        label.append(box, ` ${text}`);
        return label;
      }));
      return field;
    }));
  }

  function choose(changed) {
    for (const name of ["datasets", "corruptions"]) {
      const boxes = [...at("choices").querySelectorAll(`[name=${name}]`)];
      if (!boxes.some((one) => one.checked)) changed.checked = true; // a mean needs at least one
      state[name] = boxes.filter((one) => one.checked).map((one) => Number(one.value));
    }
    recompute();
    sort();
    draw();
    remember();
  }

  // ---- Charts -----------------------------------------------------------------------------------

  const chart = (name) => section().querySelector(`[data-chart="${name}"]`);
  const usualPicks = () => board().entries.filter((entry) => entry.hasCurves && entry.group === "measured").slice(0, FIRST).map((entry) => entry.key);

  function pick(key, wanted) {
    state.picked = state.picked.filter((one) => one !== key);
    if (wanted) state.picked.push(key);
    while (state.picked.length > MOST) state.picked.shift();
    tick();
    draw();
    remember();
  }

  function tick() {
    for (const [key, { row }] of rows.get(state.board)) {
      const box = row.querySelector(".tools input");
      if (box) box.checked = state.picked.includes(key);
    }
  }

  // What charts are over: the chosen datasets, or where none has them all, the first that some entry has.
  function charted() {
    if (!frozen() || board().entries.some((entry) => value(entry, "clean") !== null)) return state.datasets;
    const part = board().datasets.findIndex((_, index) => board().entries.some((entry) => Ranking.numbers(board(), entry, [index], state.corruptions).clean !== null));
    return part < 0 ? [] : [part];
  }

  function placeOf(over) {
    if (over.length === board().datasets.length) return "";
    return over.length > 2 ? ` on ${over.length} datasets` : ` on ${over.map((index) => board().datasets[index]).join(", ")}`;
  }

  // The charts as built show everything; they are drawn again as soon as a reader wants less.
  function draw() {
    const plain = frozen() && shown().length === board().entries.length && state.picked.join() === usualPicks().join();
    if (plain && !redrawn.has(state.board)) return;
    redrawn.add(state.board);
    const over = charted(), where = placeOf(over);
    const points = shown().map((entry) => {
      const whole = frozen() && !where, found = whole ? null : Ranking.numbers(board(), entry, over, state.corruptions);
      const [clean, loss] = whole ? [value(entry, "clean"), value(entry, "loss")] : [found.clean, found.loss];
      return { key: entry.key, name: entry.name, group: entry.group, clean, y: loss, cleans: whole ? interval(entry, "clean") : null, ys: whole ? interval(entry, "loss") : null, size: value(entry, "parameters") };
    }).filter((one) => one.y !== null);
    const label = `Points lost${where} (lower is more robust)`;
    scatter("accuracy", points.map((one) => ({ ...one, x: one.clean, xs: one.cleans })), [`Clean accuracy${where}, %`, label], false);
    scatter("size", points.filter((one) => one.size).map((one) => ({ ...one, x: one.size / 1e6, xs: null })), ["Parameters, millions", label], true);
    const lines = board().entries.filter((entry) => state.picked.includes(entry.key)).map((entry) => ({ name: entry.name, values: Ranking.curve(board(), entry, over, state.corruptions) })).filter((row) => row.values);
    const place = chart("curves"), svg = place.querySelector("svg");
    svg.parentNode.hidden = !lines.length;
    place.querySelector(".about").textContent = lines.length
      ? `Top-1 accuracy by severity${where}, the mean over datasets and corruptions. The boxes in the table choose the models, up to ${MOST}.`
      : "No curve is chosen, or none of those chosen has all of these datasets: tick models in the table.";
    if (lines.length) Charts.curves(svg, board().severities, lines);
    svg.setAttribute("aria-label", `Accuracy by severity of ${lines.map((row) => row.name).join(", ")}; the numbers are on the models’ pages.`);
    Charts.legend(place.querySelector(".legend"), lines.map((row, look) => ({ text: row.name, look })));
  }

  function scatter(name, points, labels, log) {
    const place = chart(name), svg = place.querySelector("svg"), present = new Set(points.map((one) => one.group));
    svg.parentNode.hidden = !points.length;
    place.classList.toggle("empty", !points.length);
    if (points.length) Charts.scatter(svg, points, labels, log);
    svg.setAttribute("aria-label", `${place.querySelector("h3").textContent}: ${points.length} ${points.length === 1 ? "model" : "models"}, as in the table.`);
    Charts.legend(place.querySelector(".legend"), Object.entries(Ranking.groups).filter(([group]) => present.has(group)).map(([group, text]) => ({ text, group })));
  }

  function told(mark) {
    const entry = board().entries.find((one) => one.key === mark.dataset.key);
    const facts = ["loss", "clean", "average", "mce"].filter((name) => name in board().at && number(entry, name) !== null);
    return [entry.name, entry.organisation, entry.backbone, ...facts.map((name) => `${column(name).head} ${percent(number(entry, name))}${range(interval(entry, name))}`), Ranking.groups[entry.group]];
  }

  // ---- The view, which is in the address: it can be shared and survives a visit to a model's page ---

  function show(key, view = new URLSearchParams()) {
    state.board = key;
    for (const [name, one] of sections) one.hidden = name !== key;
    for (const radio of controls.querySelectorAll("[name=board]")) radio.checked = radio.value === key;
    const listed = (name, all) => (view.has(name) ? view.get(name).split(".").map((one) => all.indexOf(one)).filter((one) => one >= 0).sort((a, b) => a - b) : []);
    const names = { datasets: board().datasets, corruptions: board().corruptions.map(([name]) => name) };
    for (const [name, all] of Object.entries(names)) {
      const held = listed(name, all);
      state[name] = held.length ? held : all.map((_, index) => index);
    }
    const picked = view.has("curves") ? view.get("curves").split(".") : usualPicks();
    state.picked = board().entries.filter((entry) => entry.hasCurves && picked.includes(entry.key)).map((entry) => entry.key).slice(0, MOST);
    at("order").replaceChildren(...[["rank", "rank"], ["name", "name"], ...board().columns.map((one) => [one.name, one.head])].map(([name, text]) => Object.assign(element("option", text), { value: name })));
    if (!section().querySelector(`th[data-sort="${CSS.escape(state.sort)}"]`)) Object.assign(state, usual());
    offer();
    recompute();
    tick();
    sort();
    filter();
    draw();
  }

  function remember() {
    const view = new URLSearchParams({ board: state.board });
    if (state.view) view.set("view", state.view);
    if (state.sort !== usual().sort || state.down !== usual().down) view.set("sort", (state.down ? "-" : "") + state.sort);
    for (const one of filters) if (one.value) view.set(one.dataset.filter, one.value);
    if (at("search").value) view.set("search", at("search").value);
    if (state.datasets.length < board().datasets.length) view.set("datasets", state.datasets.map((index) => board().datasets[index]).join("."));
    if (state.corruptions.length < board().corruptions.length) view.set("corruptions", state.corruptions.map((index) => board().corruptions[index][0]).join("."));
    if (state.picked.join() !== usualPicks().join()) view.set("curves", state.picked.join("."));
    history.replaceState(null, "", `#${view}`);
  }

  // An address of a collection, of which there may be several builds since; the first of the page otherwise.
  const first = controls.querySelector("[name=board]:checked").value;
  const resolve = (key) => (boards.has(key) ? key : (key && [...boards.keys()].find((one) => one.startsWith(`${key}-`))) || first);

  function recall() {
    const held = decodeURIComponent(location.hash.slice(1)), place = [...rows].find(([, own]) => own.has(held));
    const view = new URLSearchParams(place ? "" : location.hash.slice(1)), wanted = view.get("sort") || "";
    Object.assign(state, { sort: wanted.replace(/^-/, ""), down: wanted.startsWith("-"), view: view.get("view") || "" });
    for (const one of filters) {
      const value = view.get(one.dataset.filter) || "";
      one.value = [...one.options].some((option) => option.value === value) ? value : "";
    }
    at("search").value = view.get("search") || "";
    const radios = [...controls.querySelectorAll("[name=view]")];
    if (!radios.some((one) => one.value === state.view)) state.view = "";
    for (const one of radios) one.checked = one.value === state.view;
    if (active()) at("more").open = true;
    if (view.has("datasets") || view.has("corruptions")) at("choose").open = true;
    show(place ? place[0] : resolve(view.get("board")), view);
    if (place) reveal(held);
  }

  // A link to an entry: its row, with its details.
  function reveal(key) {
    const { row } = rows.get(state.board).get(key);
    if (row.closest(".paper")) fold(row.closest(".paper"), true);
    detail(row, true);
    row.scrollIntoView({ block: "center" });
  }

  function clear() {
    for (const one of [...filters, at("search")]) one.value = "";
    controls.querySelector("[name=view][value='']").checked = true;
    state.view = "";
    refilter();
    controls.querySelector("input:checked").focus(); // the button goes
  }

  function refilter() { filter(); draw(); remember(); }

  for (const key of sections.keys()) furnish(key);
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const points = figure.dataset.chart !== "curves";
    Charts.enliven(figure.querySelector(".chart > svg"), told, points ? (mark) => { location.href = `models/${mark.dataset.key}.html`; } : undefined);
  }
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("change", ({ target }) => {
    if (target.name === "board") { show(target.value); remember(); }
    if (target.name === "view") { state.view = target.value; refilter(); }
    if (["datasets", "corruptions"].includes(target.name)) choose(target);
  });
  for (const one of [...filters, at("search")]) one.addEventListener("input", refilter);
  at("order").addEventListener("input", () => { state.sort = ""; sortBy(at("order").value); });
  at("clear").addEventListener("click", clear);
  addEventListener("resize", fit);
  // A link to a place on the page must not cost the view; a shared one, opened here, is followed.
  addEventListener("hashchange", () => {
    const held = decodeURIComponent(location.hash.slice(1));
    if (new URLSearchParams(held).has("board") || [...rows.values()].some((own) => own.has(held))) recall();
    else remember();
  });
  recall();
})();
