"use strict";
// What a row of the ranking leaves out: intervals, what the entry is, and its numbers on each dataset.
const Details = (() => {
  const { element, percent } = Charts;
  const OVERLAPS = { none: "none", train: "training splits", test: "test splits", unknown: "unknown" };

  function facts(pairs) {
    const list = element("dl");
    for (const [term, text] of pairs) {
      const pair = element("div");
      pair.append(element("dt", term), element("dd", text));
      list.append(pair);
    }
    return list;
  }

  function datasets(board, entry) {
    const table = element("table"), head = element("tr"), body = element("tbody"), all = board.corruptions.map((_, index) => index);
    const shown = [["loss", "Points lost"], ...(board.baseline ? [["mce", "mCE"]] : []), ["average", "Average"], ["clean", "Clean"]];
    head.append(element("th", "Dataset"), ...shown.map(([, text]) => element("th", text)));
    for (const one of head.cells) one.scope = "col";
    board.datasets.forEach((name, index) => {
      const found = { ...Ranking.numbers(board, entry, [index], all), mce: entry.mce[index] };
      if (found.clean === null) return;
      const row = element("tr"), first = element("th", name);
      first.scope = "row";
      row.append(first, ...shown.map(([field]) => element("td", found[field] === null ? "–" : percent(found[field]))));
      body.append(row);
    });
    table.append(element("thead"), body);
    table.tHead.append(head);
    return table;
  }

  // Texts are [head, number, interval] of each column.
  function row(board, entry, texts, width) {
    const made = element("tr", undefined, "detail"), cell = element("td"), link = element("a", "All numbers, cell by cell");
    cell.colSpan = width;
    link.href = `models/${entry.key}.html`;
    const said = texts.filter(([, text]) => text !== "–").map(([head, text, range]) => [head, text + range]);
    const known = [
      ["Organisation", entry.organisation],
      ["Backbone", entry.backbone + (entry.size ? `, ${entry.size} px` : "")],
      ["View", `${Ranking.views[entry.view]}, ${entry.type}`],
      ["Trained on", entry.training.replaceAll("-and-", " and ")],
      ["Data overlap", OVERLAPS[entry.overlap]],
      ["In words", entry.words],
      ["Not ranked", entry.marks.join(", ")],
    ];
    cell.append(facts([...said, ...known.filter(([, text]) => text)]), datasets(board, entry), link);
    made.append(cell);
    return made;
  }

  return { row };
})();
